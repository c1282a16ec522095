"""A PDF file written in one piece, its signature's place with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from docs_gen.embedding import Add, Subset, embed, stream

HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
CATALOG, PAGES, RESOURCES, SAID, METADATA = range(1, 6)
LANGUAGE, PRODUCER = "zh-CN", "Kuayu"
# How what is faint is mixed with what lies below, and how ink is.
STATES = b"/ExtGState <</Faint <</ca 0.2>> /Ink <</BM /Multiply>>>>"
# What CAdES signatures are to PDF 1.7 (ETSI EN 319 142-1).
EXTENSIONS = (
    b"/Extensions <</ESIC <</Type /DeveloperExtensions /BaseVersion /1.7 /ExtensionLevel 1>>>>"
)
CERTIFIED = (
    b"/Reference [<</Type /SigRef /TransformMethod /DocMDP "
    b"/TransformParams <</Type /TransformParams /V /1.2 /P 1>>>>]"
)
SIGNED_ONCE = 3
PRINTED_AND_LOCKED = 132
# Room for the numbers of a file of any length: they are known when all else has its place.
RANGE_BYTES = 40
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<pdf:Producer>{producer}</pdf:Producer>{dates}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a document says of itself; without a moment it bears no date."""

    title: str
    author: str
    subject: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A signature's field: its page and place on it, and what is said beside the signature."""

    name: str
    page: int
    box: tuple[int, int, int, int]
    signer: str
    reason: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a signature is judged by when it is old: certificates and CRLs (DER)."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A whole file but for its signature, which stands between the two parts as <hexadecimal>."""

    before: bytes
    after: bytes
    size: int

    def digest(self) -> bytes:
        """Return the SHA-256 of what the signature covers: all but its own place."""
        covered = hashlib.sha256(self.before)
        covered.update(self.after)
        return covered.digest()

    def filled(self, signature: bytes) -> bytes:
        """Return the file with its signature; ValueError if its place is too small."""
        if len(signature) > self.size:
            raise ValueError(f"a signature of {len(signature)} bytes, room for {self.size}")
        text = signature.hex().upper().encode().ljust(2 * self.size, b"0")
        return b"".join((self.before, b"<", text, b">", self.after))


@dataclass(frozen=True, slots=True)
class Document:
    """Drawn pages with their faces, to be written with or without a place for a signature."""

    said: Said
    size: tuple[float, float]
    contents: tuple[bytes, ...]
    faces: Mapping[str, Subset]

    def unsigned(self) -> bytes:
        """Return the file without a place for a signature."""
        begun, starts = _numbered(_objects(self, None))
        return begun + _table(starts, begun, len(begun))

    def with_place(self, field: Field, size: int, evidence: Evidence | None = None) -> Place:
        """Return the file with a place for a signature of at most `size` bytes.

        The signature certifies the document: nothing may be changed after it. So what it is to be
        judged by later is written with it (ETSI EN 319 142-1, a document security store).
        """
        objects = _objects(self, field, evidence)
        begun, starts = _numbered(objects)
        before = begun + b"%d 0 obj\n%s" % (len(objects) + 1, _signature(field))
        second = len(before) + 2 * size + 2
        table = _table([*starts, len(begun)], before, second + len(_closed(b"")))
        left = len(_closed(b"")) + len(table)
        after = _closed(b"[0 %d %d %d]" % (len(before), second, left)) + table
        return Place(before, after, size)


def _objects(
    document: Document, field: Field | None, evidence: Evidence | None = None
) -> list[bytes]:
    """Return the bodies of all objects, the first of number 1; the signature's comes after them."""
    objects = [b""] * METADATA

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    fonts = b" ".join(
        b"/%s %d 0 R" % (name.encode(), embed(subset, add))
        for name, subset in document.faces.items()
    )
    widget = 0 if field is None else add(b"")
    pages = []
    for number, content in enumerate(document.contents):
        noted = b" /Annots [%d 0 R]" % widget if field and field.page == number else b""
        drawn = add(stream(content))
        pages.append(
            add(
                b"<</Type /Page /Parent %d 0 R /MediaBox [0 0 %.2f %.2f] /Resources %d 0 R "
                b"/Contents %d 0 R%s>>" % (PAGES, *document.size, RESOURCES, drawn, noted)
            )
        )
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    catalog = b""
    if field is not None:
        left, bottom, right, top = field.box
        seen = b"<</Type /XObject /Subtype /Form /BBox [0 0 %d %d] /Length 0>>\nstream\n\nendstream"
        stored = b"" if evidence is None else _store(evidence, add)
        appearance = add(seen % (right - left, top - bottom))
        signature = len(objects) + 1
        objects[widget - 1] = (
            b"<</Type /Annot /Subtype /Widget /FT /Sig /T %s /F %d /Rect [%d %d %d %d] /P %d 0 R "
            b"/AP <</N %d 0 R>> /V %d 0 R>>"
            % (_text(field.name), PRINTED_AND_LOCKED, *field.box, pages[field.page], appearance,
               signature)
        )  # fmt: skip
        catalog = b" /AcroForm <</Fields [%d 0 R] /SigFlags %d>> /Perms <</DocMDP %d 0 R>> %s%s" % (
            widget, SIGNED_ONCE, signature, EXTENSIONS, stored,
        )  # fmt: skip
    objects[CATALOG - 1] = (
        b"<</Type /Catalog /Pages %d 0 R /Lang %s /Metadata %d 0 R "
        b"/ViewerPreferences <</DisplayDocTitle true>>%s>>"
        % (PAGES, _text(LANGUAGE), METADATA, catalog)
    )
    objects[PAGES - 1] = b"<</Type /Pages /Count %d /Kids [%s]>>" % (len(pages), kids)
    objects[RESOURCES - 1] = b"<</Font <<%s>> %s>>" % (fonts, STATES)
    objects[SAID - 1] = _information(document.said)
    objects[METADATA - 1] = _metadata(document.said)
    return objects


def _store(evidence: Evidence, add: Add) -> bytes:
    kinds = ((b"Certs", evidence.certificates), (b"CRLs", evidence.crls))
    kept = b" ".join(
        b"/%s [%s]" % (kind, b" ".join(b"%d 0 R" % add(stream(one)) for one in contents))
        for kind, contents in kinds
    )
    return b" /DSS <</Type /DSS %s>>" % kept


def _information(said: Said) -> bytes:
    dates = b""
    if said.moment is not None:
        dates = b" /CreationDate %s /ModDate %s" % ((_text(_date(said.moment)),) * 2)
    return b"<</Title %s /Author %s /Subject %s /Creator %s /Producer %s%s>>" % (
        _text(said.title), _text(said.author), _text(said.subject), _text(PRODUCER),
        _text(PRODUCER), dates,
    )  # fmt: skip


def _metadata(said: Said) -> bytes:
    dates = ""
    if said.moment is not None:
        at = said.moment.astimezone(UTC).isoformat(timespec="seconds")
        dates = f"<xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>"
    packet = XMP.format(
        title=escape(said.title), author=escape(said.author), subject=escape(said.subject),
        language=LANGUAGE, producer=PRODUCER, dates=dates,
    ).encode()  # fmt: skip
    return b"<</Type /Metadata /Subtype /XML /Length %d>>\nstream\n%s\nendstream" % (
        len(packet), packet,
    )  # fmt: skip


def _signature(field: Field) -> bytes:
    """Return a signature's object up to its place."""
    return (
        b"<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M %s /Name %s "
        b"/Reason %s %s /Contents "
        % (_text(_date(field.moment)), _text(field.signer), _text(field.reason), CERTIFIED)
    )


def _closed(covered: bytes) -> bytes:
    """Return the rest of a signature's object, as long for every file."""
    return b" /ByteRange %s>>\nendobj\n" % covered.ljust(RANGE_BYTES)


def _numbered(objects: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """Return a file's begin with these objects, and where each of them stands."""
    parts, starts, at = [HEAD], [], len(HEAD)
    for number, body in enumerate(objects, start=1):
        part = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        starts.append(at)
        at += len(part)
        parts.append(part)
    return b"".join(parts), starts


def _table(starts: Sequence[int], content: bytes, at: int) -> bytes:
    """Return a file's end, which stands at `at`; the file is named by the hash of its content."""
    name = hashlib.sha256(content).hexdigest()[:32].encode()
    entries = b"".join(b"%010d 00000 n \n" % start for start in starts)
    count = len(starts) + 1
    return (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d /Root %d 0 R /Info %d 0 R "
        b"/ID [<%s> <%s>]>>\nstartxref\n%d\n%%%%EOF\n"
        % (count, entries, count, CATALOG, SAID, name, name, at)
    )


def _text(words: str) -> bytes:
    if words.isascii() and words.isprintable():
        return b"(%s)" % re.sub(r"([\\()])", r"\\\1", words).encode()
    return b"<FEFF%s>" % words.encode("utf-16-be").hex().upper().encode()


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
