"""Device checks on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from server.calls import models
from server.calls.rules import Figures, Outlook, Tried, Way
from server.web.http import Message

Kbps = Annotated[int, Field(ge=0, le=10_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


class DeviceFigures(Message):
    """What the way to a media worker gave."""

    up_kbps: Kbps
    down_kbps: Kbps
    up_loss: Share
    down_loss: Share
    round_trip_ms: Milliseconds

    def bare(self) -> Figures:
        """Return what the rules judge by."""
        return Figures(**self.model_dump())


class DeviceTrial(Message):
    """What a clerk's devices and network gave; figures are there where a way was measured."""

    camera: Tried
    microphone: Tried
    speaker: Tried
    network: Way
    figures: DeviceFigures | None = None

    @model_validator(mode="after")
    def _has_what_it_says(self) -> DeviceTrial:
        if (self.network is Way.MEASURED) != (self.figures is not None):
            raise ValueError("expected figures where the network was measured, and only there")
        return self


class DeviceCheck(Message):
    """A check that is kept."""

    id: str
    at: datetime
    outlook: Outlook

    @classmethod
    def of(cls, row: models.DeviceCheck) -> DeviceCheck:
        """Build from its row."""
        return cls(id=row.id, at=row.at, outlook=row.outlook)
