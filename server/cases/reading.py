"""A case as its readers may see it: values opened, masked, and joined with the item's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation
from server.cases import messages as wire
from server.cases import queries
from server.cases.models import Case, CaseEvent, CaseField, Check
from server.cases.record import Records, subject_relations
from server.items.masks import mask_id_number, mask_phone, mask_value
from server.items.rules import APPLICANT as APPLICANTS_FIELDS
from server.items.rules import Field, Item, Owner
from server.items.service import Items
from server.regions.rules import Catalogue
from server.vault import CaseKey

APPLICANT = "applicant"
PAGE = 50


def field_context(case_id: str, name: str) -> str:
    """Return what a field's ciphertext is bound to."""
    return f"field:{case_id}:{name}"


def applicant_context(case_id: str) -> str:
    """Return what the applicant's ciphertext is bound to."""
    return f"applicant:{case_id}"


def remark_context(check_id: str) -> str:
    """Return what a check's remark is bound to."""
    return f"check:{check_id}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Builds what goes on the wire."""

    records: Records
    items: Items
    catalogue: Catalogue

    def item_of(self, case: Case) -> Item:
        """Return the item as it was when the case was opened."""
        return self.items.find(case.item_code, case.item_version)

    async def case(self, session: AsyncSession, actor: Actor, case: Case) -> wire.Case:
        """Return the whole case; the caller has authorized the actor."""
        item = self.item_of(case)
        key = self.records.key_of(case)
        written = {row.name: row for row in await queries.list_fields(session, case.id)}
        materials = await self.materials(session, case)
        agent = None
        if case.agent_id is not None:
            agent = wire.AgentName(id=case.agent_id, name=case.agent_name or "")
        return wire.Case(
            id=case.id,
            number=case.number,
            state=case.state,
            seq=case.seq,
            item=wire.ItemName(code=item.code, version=item.version, name=item.name),
            counter_region=case.counter_region,
            counter_region_name=self.catalogue.regions[case.counter_region].name,
            counter_hall=case.counter_hall,
            counter_hall_name=self.catalogue.halls[case.counter_hall].name,
            counter=case.counter,
            jurisdiction=case.jurisdiction,
            jurisdiction_name=self.catalogue.regions[case.jurisdiction].name,
            side=_side(actor, case),
            applicant=self.applicant(case, key),
            fields=[self.field(case, key, f, written.get(f.name)) for f in item.fields],
            materials=materials,
            missing_materials=missing(item, materials),
            checks=[self.check(key, row) for row in await queries.list_checks(session, case.id)],
            consent=wire.Consent.of(await queries.find_consent(session, case.id)),
            opened_by=case.opened_by_name,
            opened_at=case.opened_at,
            agent=agent,
        )

    async def materials(self, session: AsyncSession, case: Case) -> list[wire.Material]:
        """Return a case's materials with both sides' ticks."""
        item = self.item_of(case)
        rows = await queries.list_materials(session, case.id)
        ticks = await queries.list_ticks(session, [row.id for row in rows])
        return [wire.Material.of(row, item.material_name(row.kind), ticks) for row in rows]

    def row(self, case: Case) -> wire.CaseRow:
        """Return the case as a line of a list."""
        applicant = self.open_applicant(case, self.records.key_of(case))
        return wire.CaseRow(
            id=case.id,
            number=case.number,
            state=case.state,
            seq=case.seq,
            item_name=self.item_of(case).name,
            applicant_name=applicant["enterprise_name"] or applicant["name"],
            counter_region=case.counter_region,
            counter_hall_name=self.catalogue.halls[case.counter_hall].name,
            jurisdiction=case.jurisdiction,
            jurisdiction_name=self.catalogue.regions[case.jurisdiction].name,
            opened_at=case.opened_at,
            last_event_at=case.last_event_at,
        )

    def open_applicant(self, case: Case, key: CaseKey) -> dict[str, str]:
        """Return the applicant's values whole, by the names they were given under."""
        opened: dict[str, str] = json.loads(
            key.open(case.sealed_applicant, applicant_context(case.id))
        )
        return opened

    def applicant(self, case: Case, key: CaseKey) -> wire.Applicant:
        """Return the applicant with the ID number and the phone masked."""
        opened = self.open_applicant(case, key)
        return wire.Applicant(
            kind="enterprise" if opened["enterprise_name"] else "person",
            name=opened["name"],
            id_number=mask_id_number(opened["id_number"]),
            phone=mask_phone(opened["phone"]),
            enterprise_name=opened["enterprise_name"],
            credit_code=opened["credit_code"],
        )

    def field(self, case: Case, key: CaseKey, field: Field, row: CaseField | None) -> wire.Field:
        """Return one field, masked where the item calls it personal."""
        if row is None:
            return wire.Field(
                name=field.name, value=None, masked=False, version=0, by=None, at=None
            )
        value = self.open_field(case, key, row)
        shown = mask_value(field, value) if value is not None and field.personal else value
        return wire.Field(
            name=field.name,
            value=shown,
            masked=shown != value,
            version=row.version,
            by=row.by,
            at=row.at,
        )

    def open_field(self, case: Case, key: CaseKey, row: CaseField) -> str | None:
        """Return a field's whole value."""
        if row.sealed is None:
            return None
        return key.open(row.sealed, field_context(case.id, row.name))

    def check(self, key: CaseKey, row: Check) -> wire.Check:
        """Return one check with its remark."""
        return wire.Check.of(row, key.open(row.sealed_remark, remark_context(row.id)))

    def event(self, case: Case, event: CaseEvent) -> wire.Event:
        """Return one line of the log, personal values masked as in the case."""
        data = self.records.open_event(case, event)
        if event.kind == "field.changed":
            data = self._mask_field(case, data)
        elif event.kind == "certificate.superseded":
            data["differences"] = self._mask_differences(case, data)
        elif APPLICANT in data:
            del data[APPLICANT]
        return wire.Event(
            seq=event.seq,
            at=event.at,
            kind=event.kind,
            actor=wire.EventActor(**event.actor),
            data=data,
        )

    def _mask_field(self, case: Case, data: Mapping[str, object]) -> dict[str, object]:
        field = self.item_of(case).field(str(data["name"]))
        value = data["value"]
        if field is None or not isinstance(value, str) or not field.personal:
            return {**data, "masked": False}
        shown = mask_value(field, value)
        return {**data, "value": shown, "masked": shown != value}

    def _mask_differences(self, case: Case, data: Mapping[str, object]) -> list[dict[str, object]]:
        """Return what a correction changed, personal values masked as in the case."""
        differences = cast("list[dict[str, str]]", data.get("differences", []))
        found: list[dict[str, object]] = []
        for one in differences:
            field = self.item_of(case).field(one["name"]) or APPLICANTS_FIELDS.get(one["name"])
            hide = field is not None and field.personal
            old, new = (
                mask_value(field, one[side]) if field is not None and hide else one[side]
                for side in ("old", "new")
            )
            found.append({**one, "old": old, "new": new})
        return found

    async def values(self, session: AsyncSession, case: Case) -> dict[str, str]:
        """Return every whole value by name, the applicant's too: what facts are made of."""
        key = self.records.key_of(case)
        applicant = self.open_applicant(case, key)
        found = {
            "applicant_name": applicant["name"],
            "applicant_id_number": applicant["id_number"],
            "applicant_phone": applicant["phone"],
            "enterprise_name": applicant["enterprise_name"],
            "credit_code": applicant["credit_code"],
        }
        for row in await queries.list_fields(session, case.id):
            value = self.open_field(case, key, row)
            if value is not None:
                found[row.name] = value
        return {name: value for name, value in found.items() if value}

    async def missing_fields(self, session: AsyncSession, case: Case, owner: Owner) -> list[str]:
        """Return the required fields of one side that nobody has filled in."""
        values = await self.values(session, case)
        return [
            field.name
            for field in self.item_of(case).fields
            if field.owner is owner and field.required and field.name not in values
        ]

    async def read(self, session: AsyncSession, actor: Actor, case_id: str) -> wire.Case:
        """Return a case to whom it concerns."""
        case = await self.records.read(session, actor, case_id, Action.READ_CASE)
        return await self.case(session, actor, case)

    async def events(
        self, session: AsyncSession, actor: Actor, case_id: str, after: int
    ) -> wire.EventList:
        """Return the events after a `seq`, at most 500."""
        case = await self.records.read(session, actor, case_id, Action.READ_CASE)
        found = await queries.events_after(session, case_id, after)
        return wire.EventList(events=[self.event(case, event) for event in found], seq=case.seq)

    async def list(
        self, session: AsyncSession, actor: Actor, query: wire.ListQuery
    ) -> wire.CaseList:
        """Return the newest cases of a scope."""
        mine, hall = query.scope == "mine", query.scope == "hall"
        listing = queries.Listing(
            opened_by=actor.id if mine else None,
            agent_id=actor.id if mine else None,
            hall=actor.hall if hall else None,
            jurisdictions=[actor.region] if query.scope == "jurisdiction" else [],
            state=query.state,
            open=query.open,
            before=query.before,
        )
        found = await queries.list_cases(session, listing, PAGE + 1)
        return wire.CaseList(
            cases=[self.row(case) for case in found[:PAGE]], more=len(found) > PAGE
        )


def missing(item: Item, materials: list[wire.Material]) -> list[str]:
    """Return the kinds of required material that are not there, or were turned down."""
    there = {m.kind for m in materials if not m.removed and not _turned_down(m)}
    return [kind.code for kind in item.materials if kind.required and kind.code not in there]


def _turned_down(material: wire.Material) -> bool:
    tick = material.ticks.jurisdiction
    return tick is not None and not tick.accepted


def _side(actor: Actor, case: Case) -> Literal["local", "jurisdiction", "both", "none"]:
    relations = subject_relations(actor, case)
    if relations >= {Relation.LOCAL, Relation.JURISDICTION}:
        return "both"
    if Relation.LOCAL in relations:
        return "local"
    return "jurisdiction" if Relation.JURISDICTION in relations else "none"
