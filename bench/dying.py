"""Service and signer killed with SIGKILL at every step of issuing, and what is found after it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

from bench.slices import portions
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.certificates.seals import Seals
from server.files import LocalFiles
from tests.support import issue_and_stop, sign_and_stop
from tests.support.database import News, SetClock, Templates, opened, units_on
from tests.support.desk import PASSPHRASE, Desk, load_catalogue
from tests.support.killing import faults, kill_service, kill_signer
from tests.support.signer_socket import ask_at

# Walking the whole store takes longer with each certificate.
WALK_EVERY: Final = 50
STEPS: Final = [
    *(("service", step) for step in issue_and_stop.STEPS),
    *(("signer", step) for step in sign_and_stop.STEPS),
]


class LostError(Exception):
    """A kill has cost or doubled something; says what."""


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[tuple[Desk, str]]:
    """Give a desk with its own keys and database, and the database's address."""
    catalogue, items = load_catalogue()
    clock, seals = SetClock(), Seals(folder / "keys", PASSPHRASE)
    await seals.prepare_demo(catalogue.authorities, clock())
    await seals.start(demo=True)
    drawing = Drawing(Forms(), seals.folder)
    url = await Templates(folder).copy_sqlite(folder / "kuayu.db")
    try:
        async with opened(url) as database:
            files = LocalFiles(folder / "files")
            desk = Desk(units_on(database, News(), clock), files, drawing, seals, catalogue, items)
            yield desk, url
            await desk.pictures.close()
    finally:
        await drawing.close()
        await seals.close()


async def issuing_kills(count: int) -> int:
    """Kill at one step after the other; each retry must give the case's one certificate."""
    done = 0
    with tempfile.TemporaryDirectory() as name:
        async with office(folder := Path(name)) as (desk, url):
            here = desk.issuing.signer
            for (who, step), _ in zip(cycle(STEPS), portions(count, 1), strict=False):
                case_id = await desk.ready_case()
                if who == "service":
                    await kill_service(desk, url, case_id, step)
                    desk.files.sweep()
                else:
                    ask_at(desk, socket := folder / "signer" / "signer.sock")
                    asking = desk.issue(case_id, f"key-{case_id}")
                    await kill_signer(desk, url, socket, step, asking)
                    object.__setattr__(desk.issuing, "signer", here)
                done += 1
                await _require_one(desk, case_id, done, f"{who} at {step}")
                if done % WALK_EVERY == 0:
                    await _require_whole(desk, url, folder)
            await _require_whole(desk, url, folder)
    return done


async def _require_one(desk: Desk, case_id: str, serial: int, where: str) -> None:
    key = f"key-{case_id}"
    row, again = await desk.issue(case_id, key), await desk.issue(case_id, key)
    found = (row.serial, row.attempt, row.sha256, (await desk.log(case_id)).count(ISSUED))
    if found != (serial, 1, again.sha256, 1):
        raise LostError(f"{where}: serial {serial} is {found}")
    files = await desk.files.names(f"certificates/{row.id}")
    if files != [f"certificates/{row.id}/{row.sha256}.pdf"]:
        raise LostError(f"{where}: the certificate's files are {files}")


async def _require_whole(desk: Desk, url: str, folder: Path) -> None:
    wrong = await faults(desk, url, folder)
    if wrong:
        raise LostError(f"verify-store: {wrong}")


ISSUED: Final = "certificate.issued"
