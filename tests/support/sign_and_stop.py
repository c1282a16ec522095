"""A signer's process that stands still at a named step, to be killed there.

Run as a script: DATABASE_URL KEYS_FOLDER SOCKET STEP. It says "signing" on its standard output
when it answers, "at STEP" when that comes, and then does nothing more.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

from server import pool
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms, Order, Signed, Sm2Signed
from server.certificates.seals import Seals
from server.db.engine import open_database
from server.db.unit import Units
from server.files import LocalFiles
from server.signing.service import Signing
from tests.support.database import News, SetClock
from tests.support.desk import PASSPHRASE, Desk, load_catalogue
from tests.support.issue_and_stop import Stop
from tests.support.signer_socket import answering

STEPS = ("asked", "borne out", "signed")
SM2_STEP = "signed with SM2"


class StoppingSeals(Seals):
    """Seals that stand still before they sign, and when they have."""

    stop = Stop("")

    async def issue(self, order: Order, now: object) -> Signed:
        await self.stop.at("borne out")
        signed = await super().issue(order, now)  # type: ignore[arg-type]
        await self.stop.at("signed")
        return signed

    async def sign_sm2(self, authority_id: str, pdf: bytes, now: object) -> Sm2Signed:
        signed = await super().sign_sm2(authority_id, pdf, now)  # type: ignore[arg-type]
        await self.stop.at(SM2_STEP)
        return signed


@dataclass(frozen=True, slots=True)
class StoppingSigning(Signing):
    """Signing that stands still when it is asked."""

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        await StoppingSeals.stop.at("asked")
        return await Signing.sign(self, certificate_id, attempt)


async def main(url: str, keys: str, socket: str, step: str) -> None:
    pool.JOB_SECONDS = 200  # Its process starts slowly on a machine that does other work.
    StoppingSeals.stop = Stop(step)
    catalogue, items = load_catalogue()
    units = Units(open_database(url), News().publish, SetClock())
    seals = StoppingSeals(Path(keys), PASSPHRASE)
    await seals.start(demo=True)
    drawing, files = Drawing(Forms(), Path(keys)), LocalFiles(Path(socket).parent / "none")
    desk = Desk(units, files, drawing, seals, catalogue, items)
    parts = {
        one.name: getattr(desk.signer.signing, one.name) for one in dataclasses.fields(Signing)
    }
    async with answering(StoppingSigning(**parts), Path(socket)):
        sys.stdout.write("signing\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
