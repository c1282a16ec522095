"""What leaves the key folder: the trust list, for the service, and signed for everybody."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

import structlog

from server.certificates.drawing import PUBLISHED, TRUST
from server.certificates.seals import KeyFolderError, Seals
from server.db.unit import Clock

log = structlog.get_logger("kuayu.signing")

EVERY: Final = 5.0
AGAIN: Final = 60.0


class Publisher:
    """Gives the trust list to those who may not look into the key folder, and signs it.

    Both happen whenever the list was written anew: daily, and by every `kuayu keys` that changes
    it. Where the list's key is elsewhere nothing is signed: its operator brings the signed list.
    """

    def __init__(self, seals: Seals, target: Path, clock: Clock) -> None:
        """Publish what the seals' key folder holds, in the folder `target`."""
        self._seals, self._target, self._clock = seals, target, clock
        self._given = 0

    async def look(self) -> bool:
        """Publish the list if it is another than the last time; False if that did not work."""
        source = self._seals.folder / TRUST
        try:
            written = source.stat().st_mtime_ns
            if written != self._given:
                await self._give(TRUST)
                if await self._seals.publish_list(self._clock()):
                    await self._give(PUBLISHED)
                self._given = written
        except (OSError, KeyFolderError):
            log.exception("trust list not published")
            return False
        return True

    async def run(self) -> None:
        """Look every five seconds until cancelled; after a failure, in a minute."""
        while True:
            await asyncio.sleep(EVERY)
            if not await self.look():
                await asyncio.sleep(AGAIN)

    async def _give(self, name: str) -> None:
        if self._target != self._seals.folder:
            await asyncio.to_thread(_copy, self._seals.folder / name, self._target / name)


def _copy(source: Path, target: Path) -> None:
    part = target.with_suffix(".part")
    shutil.copyfile(source, part)
    part.chmod(0o644)
    part.replace(target)
