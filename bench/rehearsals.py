"""How long each stage of the main job takes, over rehearsals one after another on one service."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from counter_client.rehearsal import rehearse
from server.lifetime import set_up_logs
from tests.support.service import ACCOUNTS, demonstration


async def stages(count: int) -> dict[str, list[float]]:
    """Play the main job `count` times; return each stage's milliseconds."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with demonstration(Path(folder) / "data") as service:
            for _ in range(count):
                result = await rehearse(service.url, ACCOUNTS, Path(folder))
                for name, milliseconds in asdict(result.stages).items():
                    found.setdefault(name, []).append(milliseconds)
    return found


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def main(count: int = 20) -> None:
    """Print median and 95th percentile of every stage, and each as a share of the whole."""
    set_up_logs(quiet=True)
    found = asyncio.run(stages(count))
    whole = statistics.median(found["whole"])
    print(f"main job, {count} rehearsals, milliseconds")
    print(f"{'stage':<30}{'median':>10}{'p95':>10}{'of whole':>10}")
    for name, values in found.items():
        median = statistics.median(values)
        p95 = percentile(values, 0.95)
        print(f"{name:<30}{median:>10.1f}{p95:>10.1f}{median / whole:>10.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
