"""Files changed as PDF lets anyone change them: by an update behind what is there."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from pyhanko.pdf_utils.generic import DictionaryObject, PdfObject, Reference
from pyhanko.pdf_utils.reader import PdfFileReader

ROOT, INFORMATION = "/Root", "/Info"


def spelled(one: PdfObject) -> bytes:
    """Return an object as it stands in a file."""
    written = io.BytesIO()
    one.write_to_stream(written, None)
    return written.getvalue()


def pointer(place: Reference) -> bytes:
    """Return what leads to an object."""
    return b"%d %d R" % (place.idnum, place.generation)


def literal(content: bytes) -> bytes:
    """Return bytes as a PDF's string in brackets, which takes a byte for a byte."""
    return b"(" + re.sub(rb"([\\()\r])", lambda found: b"\\%03o" % ord(found[1]), content) + b")"


def stream_of(content: bytes, said: bytes = b"") -> bytes:
    """Return a stream's body."""
    return b"<<%s /Length %d>>\nstream\n%s\nendstream" % (said, len(content), content)


class Update:
    """New and changed objects for a file, to be written behind it."""

    def __init__(self, content: bytes) -> None:
        """Begin with nothing changed."""
        self.content = content
        self.reader = PdfFileReader(io.BytesIO(content), strict=False)
        trailer = self.reader.trailer
        self._size = int(trailer["/Size"])
        self.said: dict[str, bytes] = {
            name: spelled(trailer.raw_get(name)) for name in (ROOT, INFORMATION)
        }
        self.objects: dict[int, bytes] = {}

    @property
    def root(self) -> Reference:
        """Where the catalogue stands."""
        found: Reference = self.reader.root_ref
        return found

    @property
    def signature(self) -> Reference:
        """Where the signature's dictionary stands."""
        found: Reference = self.reader.root["/Perms"].raw_get("/DocMDP").reference
        return found

    @property
    def widget(self) -> Reference:
        """Where the signature's field stands."""
        found: Reference = self.reader.root["/AcroForm"]["/Fields"].raw_get(0).reference
        return found

    @property
    def page(self) -> Reference:
        """Where the page with the signature's field stands."""
        found: Reference = self.reader.get_object(self.widget).raw_get("/P").reference
        return found

    def add(self, body: bytes) -> int:
        """Put an object in; return its number."""
        number = self._size
        self._size += 1
        self.objects[number] = body
        return number

    def change(self, place: Reference, **entries: bytes | None) -> None:
        """Give entries of a dictionary other values, as they are spelled, or take them away."""
        self.objects[place.idnum] = self.changed(place, **entries)

    def changed(self, place: Reference, **entries: bytes | None) -> bytes:
        """Return a dictionary of the file with other entries."""
        found = self.reader.get_object(place)
        assert isinstance(found, DictionaryObject)
        said: Mapping[str, bytes | None] = {
            **{name: spelled(found.raw_get(name)) for name in found},
            **{f"/{name}": value for name, value in entries.items()},
        }
        kept = (b"%s %s" % (n.encode(), v) for n, v in said.items() if v is not None)
        return b"<<" + b" ".join(kept) + b">>"

    def body(self) -> tuple[bytes, dict[int, int]]:
        """Return the objects as they stand behind the file, and where each begins."""
        parts, places, at = [], {}, len(self.content)
        for number, body in sorted(self.objects.items()):
            places[number] = at
            part = b"%d 0 obj\n%s\nendobj\n" % (number, body)
            parts.append(part)
            at += len(part)
        return b"".join(parts), places

    def trailer(self, **more: bytes) -> bytes:
        """Return the trailer's dictionary, which leads back to what was there."""
        said = {
            "/Size": b"%d" % self._size, "/Prev": b"%d" % self.reader.last_startxref,
            **self.said, **{f"/{name}": value for name, value in more.items()},
        }  # fmt: skip
        return b"<<" + b" ".join(b"%s %s" % (n.encode(), v) for n, v in said.items()) + b">>"

    def written(self, **more: bytes) -> bytes:
        """Return the file with the update behind it, found by a table as of old."""
        body, places = self.body()
        at = len(self.content) + len(body)
        table = b"".join(b"%d 1\n%010d 00000 n \n" % place for place in places.items())
        end = b"xref\n0 1\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (
            table,
            self.trailer(**more),
            at,
        )
        return self.content + body + end

    def packed(self) -> bytes:
        """Return the file with the update in an object stream, found by a table that is a stream.

        Streams cannot be packed, and stand beside it.
        """
        packed = {n: body for n, body in self.objects.items() if not body.endswith(b"endstream")}
        beside = {n: body for n, body in self.objects.items() if n not in packed}
        heads, texts, at = [], [], 0
        for number, body in packed.items():
            heads.append(b"%d %d" % (number, at))
            texts.append(body)
            at += len(body) + 1
        first = b" ".join(heads) + b"\n"
        said = b"/Type /ObjStm /N %d /First %d" % (len(packed), len(first))
        self.objects = beside
        holder = self.add(stream_of(first + b"\n".join(texts), said))
        body, places = self.body()
        entries = {n: (1, place, 0) for n, place in places.items()}
        entries |= {n: (2, holder, i) for i, n in enumerate(packed)}
        at = len(self.content) + len(body)
        entries[self._size] = (1, at, 0)
        table = b"".join(
            kind.to_bytes(1) + place.to_bytes(4) + index.to_bytes(2)
            for _, (kind, place, index) in sorted(entries.items())
        )
        index = b" ".join(b"%d 1" % number for number in sorted(entries))
        said = b"/Type /XRef /W [1 4 2] /Index [%s] %s" % (index, self.trailer()[2:-2])
        end = b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n"
        return self.content + body + end % (self._size, stream_of(table, said), at)

    def uncounted(self) -> bytes:
        """Return the file with an update that counts as signed for who adds up lengths.

        The signature's object is written anew behind the file, its value a string in brackets
        that is padded until it is as much longer than the signature's place as the update is long.
        """
        found = self.reader.get_object(self.signature)
        value = found.raw_get("/Contents").original_bytes
        room, size = len(value), 2 * len(value)
        while True:
            self.change(self.signature, Contents=literal(value + bytes(size - room)))
            lacking = 2 * (size - room) - len(self.written(Filler=b"()")) + len(self.content)
            if lacking >= 0:
                return self.written(Filler=literal(b"x" * lacking))
            size += 1 - lacking // 4
