"""Signing a drawn page: PAdES B-B, certified, nothing may be changed after; deterministic.

The same facts, signing time and key give the same bytes, so that a crash between drawing and
releasing can be repeated without a second version of a certificate.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.metadata.model import DocumentMetadata
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.stamp import StaticStampStyle

from docs_gen.data import Facts
from docs_gen.press import Drawn, draw
from docs_gen.sealkeys import SealKey
from docs_gen.template import Template

FIELD = "Seal"
# Three P-256 certificates and the attributes take about 3 KB; twice that is reserved.
RESERVED_BYTES = 8192
_INVISIBLE = StaticStampStyle(border_width=0, background=None)


class _Metadata(DocumentMetadata):
    """A document's metadata that keep the time they were given: pyHanko sets "now" on writing."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "last_modified" or value != "now":
            super().__setattr__(name, value)


class _Writer(IncrementalPdfFileWriter):
    """An incremental update whose document id and dates follow from what is signed."""

    def __init__(self, drawn: bytes, moment: datetime) -> None:
        super().__init__(io.BytesIO(drawn))
        said = self.prev.document_meta_view
        self._meta = _Metadata(
            title=said.title, author=said.author, subject=said.subject, created=moment,
            last_modified=moment,
        )  # fmt: skip

    @classmethod
    def _handle_id(cls, prev: PdfFileReader) -> generic.ArrayObject:
        first = prev.trailer["/ID"][0].original_bytes
        second = hashlib.sha256(b"kuayu" + first).digest()[:16]
        return generic.ArrayObject(
            [generic.ByteStringObject(first), generic.ByteStringObject(second)]
        )


class _Signer(signers.PdfSigner):
    """Signs as of the moment at which the certificate was reserved, not as of the clock."""

    def __init__(
        self, metadata: signers.PdfSignatureMetadata, moment: datetime, key: SealKey
    ) -> None:
        super().__init__(metadata, signer=key, stamp_style=_INVISIBLE)
        self._moment = moment

    def init_signing_session(
        self,
        pdf_out: BasePdfFileWriter,
        existing_fields_only: bool = False,  # noqa: FBT001, FBT002 (pyHanko's signature)
    ) -> PdfSigningSession:
        """Begin to sign."""
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._moment
        return session


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed certificate and the SHA-256 of its bytes."""

    pdf: bytes
    sha256: str


async def issue(
    facts: Facts, template: Template, key: SealKey, fallback: Path | None = None
) -> Issued:
    """Draw and sign a certificate; ValueError names a character that no face can draw."""
    signed = await sign(draw(facts, template, fallback), facts, key)
    return Issued(signed, hashlib.sha256(signed).hexdigest())


async def sign(drawn: Drawn, facts: Facts, key: SealKey) -> bytes:
    """Sign a drawn page; the signature's field lies over the seal."""
    writer = _Writer(drawn.pdf, facts.signing_time)
    spec = SigFieldSpec(FIELD, on_page=drawn.seal_page, box=drawn.seal_box)
    fields.append_signature_field(writer, spec)
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=f"{facts.issuer.name}签发",
        name=facts.issuer.name,
    )
    signer = _Signer(metadata, facts.signing_time, key)
    output = await signer.async_sign_pdf(
        writer, existing_fields_only=True, bytes_reserved=RESERVED_BYTES
    )
    signed: bytes = output.getvalue()
    return signed
