"""What certificates are printed from: templates, the wordings of notices, and orders to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from docs_gen.data import Facts, Issuer
from docs_gen.notice import Letter, NoticeTemplate, load_notices
from docs_gen.numbers import identifier, is_identifier, issuer_code, long_date
from docs_gen.template import Template, load_templates
from server.cases.rules import china_day
from server.errors import ServiceError
from server.items.rules import Page
from server.regions.rules import Authority

__all__ = ["Forms", "Letter", "NoticeTemplate", "Order", "Signed", "Template", "long_date"]


class Forms:
    """The templates and notices that this process knows."""

    def __init__(self) -> None:
        """Read them all; TemplateError names one that is wrong."""
        self.templates = load_templates()
        self.notices = load_notices()

    @property
    def pages(self) -> dict[str, Page]:
        """What the page of each kind asks of an item that issues it."""
        return {
            kind: Page(template.longest, frozenset(template.departments), template.columns)
            for kind, template in self.templates.items()
        }

    def template(self, kind: str, version: str) -> Template:
        """Return a template; certificate.kind_unknown for one that another version has."""
        found = self.templates.find(kind, version)
        if found is None:
            raise ServiceError("certificate.kind_unknown", field="kind")
        return found

    def number(self, kind: str, issuer_code: str, serial: str) -> str:
        """Return the certificate identifier of a serial (GB/T 36903)."""
        return identifier(self.templates[kind].type_code, issuer_code, serial)

    def valid_until(self, kind: str, signing_time: datetime) -> date:
        """Return the last day on which a certificate of this kind counts."""
        return self.templates[kind].valid_until(china_day(signing_time))


def is_number_of(number: str, code: str | None) -> bool:
    """Say whether a number is one of the issuer of this unified social credit code."""
    return code is not None and is_identifier(number) and issuer_code(number) == code


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that one certificate is made of; the same order gives the same bytes.

    The template comes along: one of the drawing process's own might be of another version. The
    seal's picture does not: `picture` is its digest, and None for a seal that is drawn.
    """

    template: Template
    title: str
    number: str
    check_code: str
    jurisdiction: str
    authority: Authority
    values: Mapping[str, str]
    holder: str
    signing_time: datetime
    verify_url: str
    demo: bool
    picture: str | None = None

    @property
    def issuer(self) -> Issuer:
        """The issuing authority as a certificate names it."""
        one = self.authority
        return Issuer(one.name, one.code, one.seal_text, self.jurisdiction)

    def facts(self, token: str) -> Facts:
        """Return what is drawn, with the QR code's token in the fragment of its address."""
        return Facts(
            kind=self.template.kind,
            template_version=self.template.version,
            number=self.number,
            check_code=self.check_code,
            issuer=self.issuer,
            signing_time=self.signing_time,
            values=dict(self.values),
            qr_url=f"{self.verify_url}#{token}",
            demo=self.demo,
        )


@dataclass(frozen=True, slots=True)
class SignedList:
    """A signed status list, and what it says of itself."""

    content: bytes
    version: int
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Sm2Signed:
    """A detached SM2 signature over a certificate's file, and what it says of its time."""

    content: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed certificate that our own verifier has found genuine.

    `stamped_at` is the time that a clock has proved in it, if one has.
    """

    pdf: bytes
    sha256: str
    token: str
    pages: int
    stamped_at: datetime | None = None
