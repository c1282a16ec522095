"""reportlab's document with what it says of itself, and written with a signature's place in it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.pdfbase.pdfdoc import (
    XMP,
    PDFArray,
    PDFDictionary,
    PDFDocument,
    PDFInfo,
    PDFName,
    PDFObjectReference,
    PDFStream,
    PDFString,
    PDFZCompress,
)
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import LAST_DAY
from docs_gen.fonts import SERIF, load_fonts

# Nothing that people type may ever make the page fetch a file or an address.
rl_config.trustedHosts = None
rl_config.trustedSchemes = []
# Streams as they are: ASCII would take a quarter more room, and time.
rl_config.useA85 = 0

LANGUAGE, PRODUCER = "zh-CN", "Kuayu"
VERSION = (1, 7)
# What CAdES signatures are to PDF 1.7 (ETSI EN 319 142-1).
EXTENSION = {
    "Type": PDFName("DeveloperExtensions"),
    "BaseVersion": PDFName("1.7"),
    "ExtensionLevel": 1,
}
NO_CHANGES = {"Type": PDFName("TransformParams"), "V": PDFName("1.2"), "P": 1}
FORM = {"Type": PDFName("XObject"), "Subtype": PDFName("Form")}
SIGNED_ONCE = 3
PRINTED_AND_LOCKED = 132
# Room for the numbers of a file of any length: they are known when all else has its place.
RANGE_BYTES = 40
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
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
<?xpacket end="r"?>
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a document says of itself; without a moment it bears no date.

    `valid_until` is for who verifies offline: the page says it in words alone.
    """

    title: str
    author: str
    subject: str
    moment: datetime | None = None
    valid_until: date | None = None


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


class _Information(PDFInfo):  # type: ignore[misc]  # reportlab has no type marker
    """What a document says of itself, and no word more."""

    def __init__(self, said: Said) -> None:
        super().__init__()
        self.title, self.author, self.subject = said.title, said.author, said.subject
        self._moment, self._valid_until = said.moment, said.valid_until

    def format(self, document: PDFDocument) -> bytes:
        said = {"Title": self.title, "Author": self.author, "Subject": self.subject}
        said |= {"Creator": PRODUCER, "Producer": PRODUCER}
        if self._moment is not None:
            said |= dict.fromkeys(("CreationDate", "ModDate"), _date(self._moment))
        if self._valid_until is not None:
            said[LAST_DAY] = self._valid_until.isoformat()
        words = {name: PDFString(text) for name, text in said.items()}
        return cast("bytes", PDFDictionary(words).format(document))


class Document:
    """A document that is drawn on reportlab's canvas; the same drawing makes the same bytes.

    It is written once, with or without a place for a signature: reportlab closes it with that, and
    a second time is a RuntimeError.
    """

    def __init__(self, said: Said, size: tuple[float, float]) -> None:
        """Begin without a page."""
        load_fonts()
        # Without a first font of ours reportlab refers to Helvetica, which is not embedded.
        self._file = io.BytesIO()
        self.canvas = Canvas(
            self._file, size, pageCompression=1, invariant=1, pdfVersion=VERSION,
            initialFontName=SERIF, lang=LANGUAGE,
        )  # fmt: skip
        self.canvas.setViewerPreference("DisplayDocTitle", "true")
        self._document = self.canvas._doc  # noqa: SLF001 (the canvas has no other word for it)
        packet = _packet(said)
        # The file's id follows from this alone; reportlab would take in SOURCE_DATE_EPOCH too.
        self._document.signature = hashlib.md5(packet, usedforsecurity=False)
        self._document.info = _Information(said)
        self._document.Catalog.Metadata = XMP(creator=lambda _: packet)

    def unsigned(self) -> bytes:
        """Return the file without a place for a signature."""
        self.canvas.save()
        return self._file.getvalue()

    def with_place(self, field: Field, size: int, evidence: Evidence | None = None) -> Place:
        """Return the file with a place for a signature of at most `size` bytes.

        The signature certifies the document: nothing may be changed after it. So what it is to be
        judged by later is written with it (ETSI EN 319 142-1, a document security store).
        """
        signature = self._document.Reference(_signature(field, size))
        self._certify(field, signature)
        if evidence is not None:
            self._document.Catalog.DSS = self._store(evidence)
        content = self.unsigned()
        start = self._document.idToOffset[signature.name]
        first = content.index(_room(size), start)
        second = first + 2 * size + 2
        covered = _range(first, second, len(content) - second)
        begun = content[start:first].replace(_range(0, 0, 0), covered)
        return Place(content[:start] + begun, content[second:], size)

    def _certify(self, field: Field, signature: PDFObjectReference) -> None:
        """Add the field with its signature, and what says that it certifies the document."""
        document, catalog = self._document, self._document.Catalog
        page = document.Pages[field.page]
        widget = document.Reference(_widget(field, signature, document, document.Reference(page)))
        page.Annots = PDFArray([widget])
        catalog.AcroForm = PDFDictionary({"Fields": PDFArray([widget]), "SigFlags": SIGNED_ONCE})
        catalog.Perms = PDFDictionary({"DocMDP": signature})
        catalog.Extensions = PDFDictionary({"ESIC": PDFDictionary(EXTENSION)})
        catalog.__NoDefault__ = [*catalog.__NoDefault__, "Perms", "Extensions", "DSS"]

    def _store(self, evidence: Evidence) -> PDFDictionary:
        kept = {"Certs": evidence.certificates, "CRLs": evidence.crls}
        stored = {kind: PDFArray(map(self._held, contents)) for kind, contents in kept.items()}
        return PDFDictionary({"Type": PDFName("DSS"), **stored})

    def _held(self, content: bytes) -> PDFObjectReference:
        return self._document.Reference(PDFStream(content=content, filters=[PDFZCompress]))


def _signature(field: Field, size: int) -> PDFDictionary:
    reference = {
        "Type": PDFName("SigRef"),
        "TransformMethod": PDFName("DocMDP"),
        "TransformParams": PDFDictionary(NO_CHANGES),
    }
    return PDFDictionary(
        {
            "Type": PDFName("Sig"),
            "Filter": PDFName("Adobe.PPKLite"),
            "SubFilter": PDFName("ETSI.CAdES.detached"),
            "M": PDFString(_date(field.moment)),
            "Name": PDFString(field.signer),
            "Reason": PDFString(field.reason),
            "Reference": PDFArray([PDFDictionary(reference)]),
            "ByteRange": _range(0, 0, 0),
            "Contents": _room(size),
        }
    )


def _widget(
    field: Field, signature: PDFObjectReference, document: PDFDocument, page: PDFObjectReference
) -> PDFDictionary:
    """Return a field that shows nothing of its own: the seal below it is drawn on the page."""
    left, bottom, right, top = field.box
    box = PDFArray([0, 0, right - left, top - bottom])
    seen = PDFStream(PDFDictionary({**FORM, "BBox": box}), b"\n")
    return PDFDictionary(
        {
            "Type": PDFName("Annot"),
            "Subtype": PDFName("Widget"),
            "FT": PDFName("Sig"),
            "T": PDFString(field.name),
            "F": PRINTED_AND_LOCKED,
            "Rect": PDFArray(field.box),
            "P": page,
            "AP": PDFDictionary({"N": document.Reference(seen)}),
            "V": signature,
        }
    )


def _range(first: int, second: int, left: int) -> bytes:
    """Return what a signature covers: all before its place, and so many bytes after it."""
    return (b"[0 %d %d %d]" % (first, second, left)).ljust(RANGE_BYTES)


def _room(size: int) -> bytes:
    return b"<" + b"0" * (2 * size) + b">"


def _packet(said: Said) -> bytes:
    dates = ""
    if said.moment is not None:
        at = said.moment.astimezone(UTC).isoformat(timespec="seconds")
        dates = f"<xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>"
    packet = PACKET.format(
        title=escape(said.title), author=escape(said.author), subject=escape(said.subject),
        language=LANGUAGE, producer=PRODUCER, dates=dates,
    )  # fmt: skip
    return packet.encode()


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
