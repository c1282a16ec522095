"""How long a clerk waits from asking for a certificate until it is released, at ten a second.

Reserved, drawn, signed, validated, put away durably and released, each on a case of its own, by the
service's own verb on SQLite with the keys' process behind it; without HTTP and the signer's socket.
The aim is 300 ms for 99 of 100 on two cores that do nothing else; on a busy machine only the CPU
says something, which is this process's alone and not that of the one that draws and signs.

    python bench/issuing.py [COUNT]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.certificates.seals import Seals
from server.db.engine import open_database
from server.db.schema import upgrade
from server.db.unit import Units
from server.files import LocalFiles
from server.lifetime import set_up_logs
from tests.support.database import News, SetClock
from tests.support.desk import Desk, SignerHere, load_catalogue, running_seals

PER_SECOND = 10


async def measure(folder: Path, seals: Seals, count: int) -> tuple[list[float], float]:
    """Return the milliseconds that each took, the shortest first, and the CPU of one here."""
    database = open_database(f"sqlite+aiosqlite:///{folder}/bench.db")
    await upgrade(database.writer)
    drawing = Drawing(Forms(), seals.folder)
    units = Units(database, News().publish, SetClock())
    desk = Desk(units, LocalFiles(folder / "files"), drawing, seals, *load_catalogue())
    # One clerk asks for all of them here, which a limit is there to stop.
    desk.signer = SignerHere(replace(desk.signer.signing, admit=lambda _kind, _whose: None))
    desk.issuing = desk.issuing_on(units)
    cases = [await desk.ready_case() for _ in range(count + 1)]
    await _wait(desk, cases.pop(), 0.0)  # What is done once for all is done by the first.
    began, used = time.perf_counter(), time.process_time()
    took = await asyncio.gather(
        *(_wait(desk, case, began + i / PER_SECOND) for i, case in enumerate(cases))
    )
    used = (time.process_time() - used) * 1000 / count
    await drawing.close()
    await database.close()
    return sorted(took), used


async def _wait(desk: Desk, case_id: str, at: float) -> float:
    """Ask for a certificate at a time, whether or not the last is there."""
    await asyncio.sleep(max(0.0, at - time.perf_counter()))
    began = time.perf_counter()
    await desk.issue(case_id, f"key-{case_id}")
    return (time.perf_counter() - began) * 1000


def main(count: int = 100) -> None:
    """Print the median, the 99th of a hundred and the longest."""
    set_up_logs(quiet=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_seals(folder / "keys", SetClock().now) as seals:
            took, used = asyncio.run(measure(folder, seals, count))
    print(f"issue asked → released, {PER_SECOND} a second, {count} certificates")
    print(f"{'CPU of the service, each':<30}{used:>10.1f} ms")
    for said, at in (("median", 0.5), ("99 of 100", 0.99), ("longest", 1.0)):
        print(f"{said:<30}{took[min(int(len(took) * at), len(took) - 1)]:>10.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
