"""The shared case over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.access import Action, Actor
from server.cases import messages as wire
from server.cases import queries
from server.cases.models import Material
from server.cases.pictures import JPEG, MAX_BYTES, PDF, PNG, Picture, Pictures
from server.cases.reading import Reader
from server.cases.service import Cases, StoredFile
from server.db.unit import Unit
from server.errors import ServiceError
from server.files import FileStore
from server.web.http import Ask, Empty, FileAnswer, Route, Upload

CASE = "/api/cases/{case_id:[0-9a-f]{32}}"
MATERIAL = CASE + "/materials/{material_id:[0-9a-f]{32}}"
ENDINGS = {JPEG: "jpg", PNG: "png", PDF: "pdf"}


async def store_picture(files: FileStore, picture: Picture) -> StoredFile:
    """Put a file that may be kept under the name that its SHA-256 gives it."""
    digest = hashlib.sha256(picture.content).hexdigest()
    name = f"materials/{digest[:2]}/{digest}.{ENDINGS[picture.media_type]}"
    await files.put(name, picture.content)
    return StoredFile(name=name, sha256=digest, picture=picture)


@dataclass(frozen=True, slots=True)
class _Handlers:
    cases: Cases
    reader: Reader
    pictures: Pictures
    files: FileStore
    notice_version: str

    async def open_case(self, ask: Ask[wire.CaseOrder]) -> wire.Case:
        return await ask.command(lambda unit: self.cases.open_case(unit, ask.actor, ask.said))

    async def list_cases(self, ask: Ask[wire.ListQuery]) -> wire.CaseList:
        async with ask.database.reading() as session:
            return await self.reader.list(session, ask.actor, ask.said)

    async def read_case(self, ask: Ask[Empty]) -> wire.Case:
        async with ask.database.reading() as session:
            return await self.reader.read(session, ask.actor, ask.path["case_id"])

    async def read_events(self, ask: Ask[wire.EventsQuery]) -> wire.EventList:
        async with ask.database.reading() as session:
            return await self.reader.events(session, ask.actor, ask.path["case_id"], ask.said.after)

    async def edit_field(self, ask: Ask[wire.FieldEdit]) -> wire.Field:
        return await ask.command(
            lambda unit: self.cases.edit_field(
                unit, ask.actor, ask.path["case_id"], ask.path["name"], ask.said
            )
        )

    async def reveal_value(self, ask: Ask[wire.RevealOrder]) -> wire.Revealed:
        return await ask.command(
            lambda unit: self.cases.reveal(unit, ask.actor, ask.path["case_id"], ask.said.name)
        )

    async def add_material(self, ask: Ask[wire.MaterialQuery]) -> wire.Material:
        # Rights first: nobody may make us decode files for a case that is not theirs.
        async with ask.database.reading() as session:
            await self.reader.records.read(
                session, ask.actor, ask.path["case_id"], Action.ADD_MATERIAL
            )
        picture = await self.pictures.admit(ask.content, ask.media_type)
        file = await store_picture(self.files, picture)
        return await ask.command(
            lambda unit: self.cases.add_material(
                unit, ask.actor, ask.path["case_id"], ask.said, file
            )
        )

    async def read_file(self, ask: Ask[Empty]) -> FileAnswer:
        row = await self._material(ask.actor, ask)
        content = await self.files.get(row.file_name)
        return FileAnswer(content, row.media_type, f"{row.kind}.{ENDINGS[row.media_type]}")

    async def read_picture(self, ask: Ask[wire.PictureQuery]) -> FileAnswer:
        row = await self._material(ask.actor, ask)
        content = await self.files.get(row.file_name)
        thumb = ask.said.size == "thumb"
        drawn = await self.pictures.draw(content, row.media_type, ask.said.page, thumb=thumb)
        return FileAnswer(drawn, JPEG, f"{row.kind}-{ask.said.page}.jpg", attachment=False)

    async def _material(self, actor: Actor, ask: Ask[Any]) -> Material:
        async with ask.database.reading() as session:
            case_id = ask.path["case_id"]
            await self.reader.records.read(session, actor, case_id, Action.READ_MATERIAL)
            row = await queries.find_material(session, case_id, ask.path["material_id"])
        if row is None:
            raise ServiceError("material.unknown")
        return row

    async def tick_material(self, ask: Ask[wire.TickOrder]) -> wire.Material:
        return await ask.command(
            lambda unit: self.cases.tick_material(
                unit, ask.actor, ask.path["case_id"], ask.path["material_id"], ask.said
            )
        )

    async def remove_material(self, ask: Ask[wire.ReasonGiven]) -> wire.Material:
        return await ask.command(
            lambda unit: self.cases.remove_material(
                unit, ask.actor, ask.path["case_id"], ask.path["material_id"], ask.said.reason
            )
        )

    async def record_check(self, ask: Ask[wire.CheckOrder]) -> wire.Check:
        return await ask.command(
            lambda unit: self.cases.record_check(unit, ask.actor, ask.path["case_id"], ask.said)
        )

    async def ask_consent(self, ask: Ask[Empty]) -> wire.Consent:
        return await ask.command(
            lambda unit: self.cases.ask_consent(
                unit, ask.actor, ask.path["case_id"], self.notice_version
            )
        )

    async def return_case(self, ask: Ask[wire.ReturnOrder]) -> wire.Case:
        return await self._conclude(ask, self.cases.return_case)

    async def refuse_case(self, ask: Ask[wire.RefusalOrder]) -> wire.Case:
        return await self._conclude(ask, self.cases.refuse_case)

    async def defer_case(self, ask: Ask[wire.DeferralOrder]) -> wire.Case:
        return await self._conclude(ask, self.cases.defer_case)

    async def promise_case(self, ask: Ask[wire.PromiseOrder]) -> wire.Case:
        return await self._conclude(ask, self.cases.promise_case)

    async def _conclude(
        self, ask: Ask[Any], verb: Callable[[Unit, Actor, str, Any], Awaitable[wire.Case]]
    ) -> wire.Case:
        return await ask.command(lambda unit: verb(unit, ask.actor, ask.path["case_id"], ask.said))


def routes(
    cases: Cases, reader: Reader, pictures: Pictures, files: FileStore, *, notice_version: str
) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    on = _Handlers(cases, reader, pictures, files, notice_version)
    upload = Upload(MAX_BYTES, (JPEG, PNG, PDF))
    return [
        Route("POST", "/api/cases", Action.OPEN_CASE, wire.CaseOrder, on.open_case, wire.Case,
              "Open a case at the clerk's counter", keyed=True),
        Route("GET", "/api/cases", Action.LIST_CASES, wire.ListQuery, on.list_cases,
              wire.CaseList, "List cases, newest first"),
        Route("GET", CASE, Action.READ_CASE, Empty, on.read_case, wire.Case, "Read a case"),
        Route("GET", CASE + "/events", Action.READ_CASE, wire.EventsQuery, on.read_events,
              wire.EventList, "Read a case's log from a seq on"),
        Route("PATCH", CASE + "/fields/{name:[a-z][a-z0-9_]{0,63}}", Action.EDIT_FIELD,
              wire.FieldEdit, on.edit_field, wire.Field, "Write a field of the clerk's side"),
        Route("POST", CASE + "/reveals", Action.REVEAL_VALUE, wire.RevealOrder, on.reveal_value,
              wire.Revealed, "See the whole of a masked value; logged"),
        Route("POST", CASE + "/materials", Action.ADD_MATERIAL, wire.MaterialQuery,
              on.add_material, wire.Material, "File a picture or PDF", keyed=True, upload=upload),
        Route("GET", MATERIAL + "/file", Action.READ_MATERIAL, Empty, on.read_file, None,
              "Download a material"),
        Route("GET", MATERIAL + "/picture", Action.READ_MATERIAL, wire.PictureQuery,
              on.read_picture, None, "A picture of one page of a material"),
        Route("POST", MATERIAL + "/tick", Action.TICK_MATERIAL, wire.TickOrder, on.tick_material,
              wire.Material, "Accept or turn down a material for one side"),
        Route("POST", MATERIAL + "/removal", Action.REMOVE_MATERIAL, wire.ReasonGiven,
              on.remove_material, wire.Material, "Take a material out of the case"),
        Route("POST", CASE + "/checks", Action.RECORD_CHECK, wire.CheckOrder, on.record_check,
              wire.Check, "Record what was checked", keyed=True),
        Route("POST", CASE + "/consent-requests", Action.ASK_CONSENT, Empty, on.ask_consent,
              wire.Consent, "Show the notice on the facing screen"),
        Route("POST", CASE + "/return", Action.RETURN_CASE, wire.ReturnOrder, on.return_case,
              wire.Case, "Send the case back for correction"),
        Route("POST", CASE + "/refusal", Action.REFUSE_CASE, wire.RefusalOrder, on.refuse_case,
              wire.Case, "Refuse the case"),
        Route("POST", CASE + "/deferral", Action.DEFER_CASE, wire.DeferralOrder, on.defer_case,
              wire.Case, "Finish the case after the call"),
        Route("POST", CASE + "/promise", Action.PROMISE_CASE, wire.PromiseOrder, on.promise_case,
              wire.Case, "Take a promise in place of proof"),
    ]  # fmt: skip
