"""What a certificate would say: drawn from the case, its applicant, its item and the catalogue."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from server.cases import queries as case_queries
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.record import Records
from server.cases.rules import CheckKind, ConsentState
from server.cases.service import Cases
from server.certificates.forms import Forms, Order, Template
from server.certificates.models import Certificate
from server.certificates.rules import identity_checked, verify_address
from server.errors import ServiceError
from server.items.masks import mask_name
from server.items.rules import CertificateKind, Owner
from server.items.service import issuing_authority, refuse_unrecognised
from server.items.tables import CELL, ROW
from server.regions.rules import Authority, Catalogue
from server.texts import NOT_NUMBERED
from server.vault import CaseKey, VaultError

ENTERPRISE = "enterprise_name"
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Draft:
    """The facts of a certificate of one kind, as the case has them at one moment.

    `picture` is the digest of the picture that its seal is; without one the seal is drawn.
    """

    kind: str
    title: str
    template_version: str
    jurisdiction: str
    authority: Authority
    values: Mapping[str, str]
    picture: str | None = None

    @property
    def unsealed(self) -> Draft:
        """The same without the seal: all that a case says, and a second clerk approves."""
        return replace(self, picture=None)

    def to_json(self) -> str:
        """Return it as text that `from_json` reads, also that of versions without pictures."""
        said = asdict(self)
        if self.picture is None:
            del said["picture"]
        return json.dumps(said, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Draft:
        """Return what `to_json` wrote."""
        said = json.loads(text)
        return cls(**{**said, "authority": Authority(**said["authority"])})

    @property
    def printed(self) -> dict[str, str]:
        """What is printed of each value: of a table all but what separates its cells."""
        return {name: "".join(value.split(ROW)).replace(CELL, "") for name, value in
                self.values.items()}  # fmt: skip

    @property
    def words(self) -> str:
        """What is printed beside the values."""
        return self.title + self.authority.name + self.authority.seal_text

    def preview_order(self, template: Template, now: datetime, *, demo: bool) -> Order:
        """Return an order for a page without number, seal or live QR code."""
        return Order(
            template=template,
            title=self.title,
            number=NOT_NUMBERED,
            check_code=NOT_NUMBERED,
            jurisdiction=self.jurisdiction,
            authority=self.authority,
            values=self.values,
            holder="",
            signing_time=now,
            verify_url="",
            demo=demo,
        )

    def order(self, row: Certificate, template: Template, public_url: str) -> Order:
        """Return an order for the certificate that was reserved in the register."""
        return Order(
            template=template,
            title=row.title,
            number=row.number,
            check_code=row.check_code,
            jurisdiction=row.jurisdiction,
            authority=self.authority,
            values=self.values,
            holder=self.holder(template.holder),
            signing_time=row.signing_at,
            verify_url=verify_address(public_url, row.number),
            demo=row.demo,
            picture=self.picture,
        )

    def holder(self, name: str) -> str:
        """Return who it is about, as anyone may read it: a person's name is masked."""
        value = self.values.get(name, "")
        return value if name == ENTERPRISE else mask_name(value)


def facts_context(certificate_id: str) -> str:
    """Return what a certificate's facts are bound to."""
    return f"certificate:{certificate_id}"


def open_facts(key: CaseKey, row: Certificate) -> Draft:
    """Return what a certificate in the register says."""
    return Draft.from_json(key.open(row.sealed_facts, facts_context(row.id)))


def holder_of(records: Records, forms: Forms, case: Case, row: Certificate) -> str | None:
    """Return whom a certificate is about, masked; None once the case's key is destroyed."""
    template = forms.templates.find(row.kind, row.template_version)
    if template is None:
        return None
    try:
        return open_facts(records.key_of(case), row).holder(template.holder)
    except VaultError:
        return None


Demand = Callable[[AsyncSession, Case], Awaitable[None]]
PictureOf = Callable[[str], str | None]


async def demand_nothing(_session: AsyncSession, _case: Case) -> None:
    """Ask for no recording."""


def no_picture(_authority_id: str) -> None:
    """Have every seal drawn."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """Draws up what a certificate would say, or says what the case still lacks for it."""

    reader: Reader
    cases: Cases
    catalogue: Catalogue
    forms: Forms
    require_recording: Demand = demand_nothing
    picture_of: PictureOf = no_picture

    async def outline(
        self, session: AsyncSession, case: Case, kind: str, *,
        version: str | None = None, corrected: Mapping[str, str] = NOTHING,
    ) -> Draft:  # fmt: skip
        """Return the facts for a preview, on the newest template or the one of a version.

        `corrected` are values in place of those that the case has.

        Refuses certificate.kind_unknown, certificate.unrecognised where the counter's region does
        not count it, case.incomplete for values the page needs, text.too_long, and
        certificate.unprintable for a value not in the form the page writes.
        """
        item = self.reader.item_of(case)
        line = item.certificate(kind)
        forms = self.forms.templates
        template = forms.get(kind) if version is None else forms.find(kind, version)
        if line is None or template is None or case.jurisdiction not in line.authorities:
            raise ServiceError("certificate.kind_unknown", field="kind")
        refuse_unrecognised(
            self.catalogue, item, case.counter_region, case.jurisdiction, kind=kind, field="kind"
        )
        values = {**await self.reader.values(session, case), **corrected}
        lacking = template.missing(values)
        if lacking:
            raise ServiceError("case.incomplete", fields=lacking)
        too_long = template.too_long(values)
        if too_long:
            raise ServiceError("text.too_long", field=too_long[0])
        try:
            template.check(values)
        except ValueError as error:
            name, _, _ = str(error).partition(":")
            raise ServiceError("certificate.unprintable", field=name) from None
        return Draft(
            kind=kind,
            title=line.title,
            template_version=template.version,
            jurisdiction=case.jurisdiction,
            authority=self._authority(line, case),
            values={name: values[name] for name in template.needed},
        )

    async def complete(
        self, session: AsyncSession, case: Case, kind: str, *,
        version: str | None = None, corrected: Mapping[str, str] = NOTHING,
    ) -> Draft:  # fmt: skip
        """Return the facts to issue on, with the picture that the seal is as of now.

        Refuses as `outline` does, and consent.missing, recording.missing, checks.missing,
        materials.missing, case.incomplete.
        """
        consent = await case_queries.find_consent(session, case.id)
        if consent is None or consent.state is not ConsentState.GIVEN:
            raise ServiceError("consent.missing")
        await self.require_recording(session, case)
        checks = await case_queries.list_checks(session, case.id)
        if not identity_checked((c.at, c.passed) for c in checks if c.kind is CheckKind.IDENTITY):
            raise ServiceError("checks.missing", kinds=[CheckKind.IDENTITY.value])
        for owner in (Owner.LOCAL, Owner.JURISDICTION):
            await self.cases.require_complete(session, case, owner)
        draft = await self.outline(session, case, kind, version=version, corrected=corrected)
        return replace(draft, picture=self.picture_of(draft.authority.id))

    def _authority(self, line: CertificateKind, case: Case) -> Authority:
        return issuing_authority(self.catalogue, line, case.jurisdiction)
