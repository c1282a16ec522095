"""Exports on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from server.calls.rules import SeatSide
from server.exports.models import Export
from server.exports.rules import ExportFailure, ExportState
from server.recordings.messages import Pause
from server.web.http import Message


class ExportReason(Pause):
    """Why somebody takes a recording away."""


class Damage(Message):
    """The first chunk that is not as it was recorded: of which side's which part, from 1 on."""

    side: SeatSide
    part: int
    chunk: int


class ExportJob(Message):
    """An export: how far it is, or why there is none; `mine` if I asked for it."""

    id: str
    call_id: str
    state: ExportState
    progress: int
    code: ExportFailure | None
    damage: Damage | None
    asked_at: datetime
    asked_by_name: str
    expires_at: datetime
    media_type: str | None
    seconds: float | None
    size: int | None
    sha256: str | None
    mine: bool

    @classmethod
    def of(cls, row: Export, *, mine: bool) -> ExportJob:
        """Build from a row."""
        return cls(
            id=row.id, call_id=row.call_id, state=row.state, progress=row.progress, code=row.code,
            damage=None if row.damage is None else Damage.model_validate(row.damage),
            asked_at=row.asked_at, asked_by_name=row.asked_by_name, expires_at=row.expires_at,
            media_type=row.media_type, seconds=row.seconds, size=row.size, sha256=row.sha256,
            mine=mine,
        )  # fmt: skip


class ExportChanged(Message):
    """How far an export is; when its state is another one, ask for it again."""

    export_id: str
    call_id: str
    state: ExportState
    progress: int


NOTICES: dict[str, type[BaseModel]] = {"export.changed": ExportChanged}
