"""`make soak PART=… N=…`: large counts in slices whose results add up in a file."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.rehearsals import stages
from server.running import set_up_logs

RESULTS = Path("build/soak.json")
SLICE_SECONDS = 540.0


async def rehearsals(count: int) -> int:
    """Play the main job at most `count` times; return how often it was played."""
    began, done = time.monotonic(), 0
    while done < count and time.monotonic() - began < SLICE_SECONDS:
        # A rehearsal that strays from the story raises, and the soak stops with its words.
        await stages(min(5, count - done))
        done += min(5, count - done)
    return done


PARTS = {"rehearsals": rehearsals}


def main() -> None:
    """Run one slice and add what it did to the results; run again to go on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=sorted(PARTS), required=True)
    parser.add_argument("--count", type=int, required=True)
    given = parser.parse_args()
    set_up_logs(quiet=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = results.get(given.part, 0)
    results[given.part] = before + asyncio.run(PARTS[given.part](max(given.count - before, 0)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(f"{given.part}: {results[given.part]} of {given.count}")


if __name__ == "__main__":
    main()
