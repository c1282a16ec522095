"""How the board's figures are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def day_began(now: datetime) -> datetime:
    """Return the instant at which today began in China."""
    return datetime.combine(now.astimezone(CHINA).date(), time(), CHINA).astimezone(UTC)


def average(seconds: Sequence[float]) -> int | None:
    """Return the mean in whole seconds; None without any."""
    return round(sum(seconds) / len(seconds)) if seconds else None


def percentile(seconds: Sequence[float], share: float) -> int | None:
    """Return the nearest-rank percentile in whole seconds; None without any."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return round(ordered[max(math.ceil(share * len(ordered)) - 1, 0)])
