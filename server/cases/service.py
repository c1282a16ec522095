"""The verbs of the shared case."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.cases import messages as wire
from server.cases import queries
from server.cases.models import Case, CaseField, Check, Consent, Material, MaterialTick
from server.cases.pictures import Picture
from server.cases.reading import (
    Reader,
    applicant_context,
    field_context,
    missing,
    remark_context,
)
from server.cases.record import Entry, Records
from server.cases.rules import (
    FIRST_HASH,
    CaseState,
    ConsentState,
    Origin,
    case_number,
    china_day,
)
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import (
    Field,
    Owner,
    check_applicant,
    check_order,
    check_prose,
    check_value,
)
from server.items.service import Items, deciding_authority, refuse_unrecognised
from server.regions.rules import Catalogue
from server.texts import REFUSAL_NOTICE_VERSION

FileStill = Callable[[Entry, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is in the FileStore already and may become a material."""

    name: str
    sha256: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Cases:
    """Opens cases and changes them; each verb is one command in the unit it is given."""

    records: Records
    reader: Reader
    items: Items
    catalogue: Catalogue
    file_still: FileStill

    async def open_case(self, unit: Unit, actor: Actor, order: wire.CaseOrder) -> wire.Case:
        """Open a case at the actor's counter; its number is the next of the region's day.

        Refuses jurisdiction.own, region.unknown, and certificate.unrecognised where the counter's
        region counts no certificate that the jurisdiction could issue on the item.
        """
        authorize(actor, Action.OPEN_CASE)
        item = self.items.current(order.item_code)
        if order.jurisdiction == actor.region:
            raise ServiceError("jurisdiction.own", field="jurisdiction")
        if order.jurisdiction not in item.jurisdictions:
            raise ServiceError("region.unknown", field="jurisdiction")
        refuse_unrecognised(
            self.catalogue, item, actor.region, order.jurisdiction, field="jurisdiction"
        )
        applicant = check_applicant(item, order.applicant.model_dump(), unit.now)
        case_id, day = new_id(), china_day(unit.now)
        wrapped = self.records.vault.new_key(case_id)
        key = self.records.vault.open_key(wrapped, case_id)
        serial = await queries.next_serial(unit.session, actor.region, day)
        case = Case(
            id=case_id,
            number=case_number(actor.region, day, serial),
            counter_region=actor.region,
            counter_hall=actor.hall,
            counter=actor.counter,
            jurisdiction=order.jurisdiction,
            item_code=item.code,
            item_version=item.version,
            state=CaseState.DRAFT,
            seq=0,
            head_hash=FIRST_HASH,
            last_event_at=unit.now,
            wrapped_key=wrapped,
            sealed_applicant=key.seal(
                json.dumps(applicant, ensure_ascii=False), applicant_context(case_id)
            ),
            applicant_index=self.records.vault.blind_index("id_number", applicant["id_number"]),
            opened_by=actor.id,
            opened_by_name=actor.name,
            opened_at=unit.now,
        )
        unit.session.add(case)
        await unit.session.flush()
        entry = Entry(unit, actor, case, key)
        opened = {"number": case.number, "item": item.code, "jurisdiction": case.jurisdiction}
        await entry.append("case.opened", opened, private={"applicant": applicant})
        return await self.reader.case(unit.session, actor, case)

    async def edit_field(
        self, unit: Unit, actor: Actor, case_id: str, name: str, edit: wire.FieldEdit
    ) -> wire.Field:
        """Write a field that belongs to the actor's side.

        A version that is not the last one is refused as field.stale with both values, so that
        nobody overwrites what they have not seen. An empty value clears the field.
        """
        case = await queries.find_case(unit.session, case_id)
        field = self.reader.item_of(case).field(name) if case is not None else None
        local = field is None or field.owner is Owner.LOCAL
        action = Action.EDIT_LOCAL_FIELD if local else Action.EDIT_JURISDICTION_FIELD
        entry = await self.records.begin(unit, actor, case_id, action)
        if field is None:
            raise ServiceError("field.unknown", field=name)
        value = check_value(field, edit.value, unit.now) if edit.value.strip() else None
        row = await self.put_field(entry, field, value, edit.version)
        if row is None:
            raise await self._stale(entry, field, edit.value)
        return self.reader.field(entry.case, entry.key, field, row)

    async def put_field(
        self, entry: Entry, field: Field, value: str | None, version: int
    ) -> CaseField | None:
        """Write a checked value over the version that was seen; None if that is not the last."""
        case_id, by = entry.case.id, entry.actor.name
        sealed = None
        if value is not None:
            sealed = entry.key.seal(value, field_context(case_id, field.name))
        row = CaseField(
            case_id=case_id, name=field.name, version=version + 1, sealed=sealed, by=by,
            at=entry.unit.now,
        )  # fmt: skip
        if not await queries.write_field(entry.unit.session, row, expected_version=version):
            return None
        public = {"name": field.name, "version": row.version, "by": by, "at": _iso(entry)}
        await entry.append("field.changed", public, private={"value": value})
        return row

    async def _stale(self, entry: Entry, field: Field, yours: str) -> ServiceError:
        """Return a refusal with both values; theirs is shown no further than the case shows it."""
        row = await queries.find_field(entry.unit.session, entry.case.id, field.name)
        shown = self.reader.field(entry.case, entry.key, field, row)
        return ServiceError(
            "field.stale",
            field=field.name,
            yours=yours,
            theirs=shown.value,
            masked=shown.masked,
            version=shown.version,
            by=shown.by,
        )

    async def reveal(self, unit: Unit, actor: Actor, case_id: str, name: str) -> wire.Revealed:
        """Return the whole of one masked value; the log keeps who saw it."""
        entry = await self.records.begin(unit, actor, case_id, Action.REVEAL_VALUE)
        value = (await self.reader.values(unit.session, entry.case)).get(name)
        if value is None:
            raise ServiceError("field.unknown", field=name)
        await entry.append("value.revealed", {"name": name})
        return wire.Revealed(value=value)

    async def add_material(
        self, unit: Unit, actor: Actor, case_id: str, query: wire.MaterialQuery, file: StoredFile
    ) -> wire.Material:
        """File a picture or PDF that is stored already; with `still_id` it answers that still."""
        entry = await self.records.begin(unit, actor, case_id, Action.ADD_MATERIAL)
        row = await self.file_material(entry, query.kind, query.origin, file)
        if query.still_id is not None:
            await self.file_still(entry, query.still_id, row.id)
        name = self.reader.item_of(entry.case).material_name(row.kind)
        return wire.Material.of(row, name)

    async def file_material(
        self, entry: Entry, kind: str, origin: Origin, file: StoredFile
    ) -> Material:
        """Put one stored file into the case and its log."""
        item = self.reader.item_of(entry.case)
        if origin is not Origin.SIGNATURE and not item.takes_material(kind):
            raise ServiceError("material.unknown", field="kind")
        row = Material(
            id=new_id(),
            case_id=entry.case.id,
            kind=kind,
            origin=origin,
            media_type=file.picture.media_type,
            size=len(file.picture.content),
            width=file.picture.width,
            height=file.picture.height,
            pages=file.picture.pages,
            sha256=file.sha256,
            file_name=file.name,
            by=entry.actor.name,
            at=entry.unit.now,
            removed=False,
        )
        entry.unit.session.add(row)
        data = {"material_id": row.id, "kind": kind, "origin": origin.value, "sha256": row.sha256}
        await entry.append("material.added", data)
        return row

    async def tick_material(
        self, unit: Unit, actor: Actor, case_id: str, material_id: str, order: wire.TickOrder
    ) -> wire.Material:
        """Say for the actor's side whether a material is accepted; a later word replaces it."""
        entry = await self.records.begin(unit, actor, case_id, Action.TICK_MATERIAL)
        row = await self._material(entry, material_id)
        tick = MaterialTick(
            material_id=row.id, side=entry.side, accepted=order.accepted, remark=order.remark,
            by=actor.name, at=unit.now,
        )  # fmt: skip
        await queries.put_tick(unit.session, tick)
        data = {"material_id": row.id, "side": entry.side.value, "accepted": order.accepted}
        await entry.append("material.ticked", data)
        return await self._shown(entry, row)

    async def remove_material(
        self, unit: Unit, actor: Actor, case_id: str, material_id: str, reason: str
    ) -> wire.Material:
        """Take a material out of the case; the file and the log keep it."""
        entry = await self.records.begin(unit, actor, case_id, Action.REMOVE_MATERIAL)
        row = await self._material(entry, material_id)
        row.removed = True
        await entry.append("material.removed", {"material_id": row.id}, private={"reason": reason})
        return await self._shown(entry, row)

    async def _material(self, entry: Entry, material_id: str) -> Material:
        row = await queries.find_material(entry.unit.session, entry.case.id, material_id)
        if row is None or row.removed:
            raise ServiceError("material.unknown")
        return row

    async def _shown(self, entry: Entry, row: Material) -> wire.Material:
        ticks = await queries.list_ticks(entry.unit.session, [row.id])
        name = self.reader.item_of(entry.case).material_name(row.kind)
        return wire.Material.of(row, name, ticks)

    async def record_check(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.CheckOrder
    ) -> wire.Check:
        """Keep who checked what, on which evidence of this very case, with what result."""
        entry = await self.records.begin(unit, actor, case_id, Action.RECORD_CHECK)
        for material_id in order.evidence:
            await self._material(entry, material_id)
        check_id = new_id()
        remark = check_prose(order.remark, "remark", 200)
        row = Check(
            id=check_id,
            case_id=case_id,
            kind=order.kind,
            side=entry.side,
            passed=order.passed,
            evidence=list(order.evidence),
            sealed_remark=entry.key.seal(remark, remark_context(check_id)),
            by=actor.name,
            at=unit.now,
        )
        unit.session.add(row)
        public = {
            "check_id": check_id, "kind": order.kind.value, "side": entry.side.value,
            "passed": order.passed, "evidence": list(order.evidence),
        }  # fmt: skip
        await entry.append("check.recorded", public, private={"remark": remark})
        return self.reader.check(entry.key, row)

    async def ask_consent(
        self, unit: Unit, actor: Actor, case_id: str, notice_version: str
    ) -> wire.Consent:
        """Have the facing screen show the notice; a consent that was given stays given."""
        entry = await self.records.begin(unit, actor, case_id, Action.ASK_CONSENT)
        row = await queries.find_consent(unit.session, case_id)
        if row is not None and row.state is ConsentState.GIVEN:
            return wire.Consent.of(row)
        row = Consent(
            case_id=case_id, state=ConsentState.ASKED, notice_version=notice_version,
            asked_at=unit.now,
        )  # fmt: skip
        row = await unit.session.merge(row)
        await entry.append("consent.asked", {"notice_version": notice_version})
        return wire.Consent.of(row)

    async def answer_consent(
        self, entry: Entry, notice_version: str, signature: StoredFile | None
    ) -> None:
        """Keep the citizen's answer: a consent with its signature, or a refusal (None)."""
        row = await queries.find_consent(entry.unit.session, entry.case.id)
        if row is None or row.state is ConsentState.NONE:
            raise ServiceError("consent.missing")
        if row.notice_version != notice_version:
            raise ServiceError("notice.stale")
        row.answered_at = entry.unit.now
        if signature is None:
            row.state = ConsentState.REFUSED
            await entry.append("consent.refused", {"notice_version": notice_version})
            return
        material = await self.file_material(entry, "signature", Origin.SIGNATURE, signature)
        row.state, row.signature_id = ConsentState.GIVEN, material.id
        data = {"notice_version": notice_version, "material_id": material.id}
        await entry.append("consent.given", data)

    async def return_case(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.ReturnOrder
    ) -> wire.Case:
        """Send the case back for correction, with what is missing."""
        entry = await self.records.begin(unit, actor, case_id, Action.RETURN_CASE)
        lines = [line.model_dump() for line in order.missing]
        return await self._conclude(
            entry, CaseState.RETURNED, "case.returned", {"missing": lines, "remark": order.remark}
        )

    async def refuse_case(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.RefusalOrder
    ) -> wire.Case:
        """Refuse the case, with the reason and its basis in law.

        The event keeps who refuses and which wording the paper has, so that it never changes.
        """
        entry = await self.records.begin(unit, actor, case_id, Action.REFUSE_CASE)
        reason = check_prose(order.reason, "reason", 1000, required=True)
        item = self.reader.item_of(entry.case)
        issuer = deciding_authority(self.catalogue, item, entry.case.jurisdiction).name
        data = {
            "reason": reason, "basis": order.basis, "issuer": issuer,
            "notice_version": REFUSAL_NOTICE_VERSION,
        }  # fmt: skip
        return await self._conclude(entry, CaseState.REFUSED, "case.refused", data)

    async def defer_case(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.DeferralOrder
    ) -> wire.Case:
        """Leave the case with the jurisdiction, which finishes it after the call."""
        entry = await self.records.begin(unit, actor, case_id, Action.DEFER_CASE)
        if order.due_on < china_day(unit.now):
            raise ServiceError("date.out_of_range", field="due_on")
        entry.case.due_on = order.due_on.isoformat()
        data = {"due_on": entry.case.due_on, "remark": order.remark}
        return await self._conclude(entry, CaseState.WITH_JURISDICTION, "case.deferred", data)

    async def promise_case(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.PromiseOrder
    ) -> wire.Case:
        """Take a promise in place of proof, where the item allows it."""
        entry = await self.records.begin(unit, actor, case_id, Action.PROMISE_CASE)
        if not self.reader.item_of(entry.case).promise_allowed:
            raise ServiceError("promise.forbidden")
        consent = await queries.find_consent(unit.session, case_id)
        if consent is None or consent.state is not ConsentState.GIVEN:
            raise ServiceError("consent.missing")
        return await self._conclude(
            entry, CaseState.PROMISED, "case.promised", {"text": order.text}
        )

    async def _conclude(
        self, entry: Entry, state: CaseState, kind: str, private: Mapping[str, object]
    ) -> wire.Case:
        entry.move(state)
        await entry.append(kind, private=private)
        return await self.reader.case(entry.unit.session, entry.actor, entry.case)

    async def require_complete(self, session: AsyncSession, case: Case, owner: Owner) -> None:
        """Refuse materials.missing or case.incomplete, naming what one side still has to do.

        Dates that come in the wrong order are refused as date.out_of_range.
        """
        item = self.reader.item_of(case)
        if owner is Owner.LOCAL:
            lacking = missing(item, await self.reader.materials(session, case))
            if lacking:
                raise ServiceError("materials.missing", kinds=lacking)
        fields = await self.reader.missing_fields(session, case, owner)
        if fields:
            raise ServiceError("case.incomplete", fields=fields)
        check_order(item, await self.reader.values(session, case))


def _iso(entry: Entry) -> str:
    return entry.at.isoformat()
