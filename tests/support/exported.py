"""A call that is over and was filmed on both sides, and what becomes of its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.composing.plan import Made, Plan
from server.composing.process import Desk
from server.exports.rules import LAST_CHUNKS
from server.exports.worker import ExportWorker
from server.recordings.models import Recording
from tests.support.clips import recorded
from tests.support.halls import WANG
from tests.support.site import Site
from tests.support.studio import FANG, Studio, open_site, put

SECONDS, CHUNKS = 4, 3
BEGAN, LATER = 1_764_000_000.5, 0.4
REASON = {"reason": "行政复议调取"}


@dataclass
class Cinema:
    """A filmed call, and the worker that composes its film."""

    studio: Studio
    site: Site
    case_id: str
    call_id: str
    parts: dict[str, Recording]
    worker: ExportWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = ExportWorker(self.studio.halls.units, self.studio.making)

    async def ask(self, who: str = FANG.name, body: object = None) -> tuple[int, dict[str, Any]]:
        """Have a film made, or be refused: status, and the job or the refusal."""
        path = f"/api/calls/{self.call_id}/export"
        return self.found(await self.site.ask("POST", path, who, REASON if body is None else body))

    async def job(self, who: str = FANG.name) -> dict[str, Any]:
        path = f"/api/calls/{self.call_id}/export"
        return self.found(await self.site.ask("GET", path, who))[1]

    async def cancel(self, export_id: str, who: str = FANG.name) -> tuple[int, dict[str, Any]]:
        path = f"/api/exports/{export_id}/cancel"
        return self.found(await self.site.ask("POST", path, who, {}))

    def found(self, answer: tuple[int, dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        status, said = answer
        return status, said["data"] if said["error"] is None else said["error"]

    async def download(
        self, export_id: str, who: str = FANG.name
    ) -> tuple[int, bytes, dict[str, str]]:
        url = self.site.url(f"/api/exports/{export_id}/file")
        async with self.site.browser.get(url, headers=self.site.headers(who)) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    async def compose(self) -> None:
        """Do what is due, and wait for what is composed."""
        await self.worker.tick()
        await self.worker.settle()

    async def kinds(self) -> list[str]:
        found = await self.studio.halls.log(self.case_id)
        return [kind for kind in found if kind.startswith("export.")]

    def pages(self) -> list[Path]:
        folder = self.studio.folder / "files/exports"
        return [path for path in folder.rglob("*") if path.is_file()]

    def chunk(self, side: str, number: int) -> Path:
        """The sealed file of a chunk."""
        folder = self.studio.folder / "files/recordings" / self.parts[side].id
        [path] = folder.glob(f"{number:05d}-*")
        return path


@asynccontextmanager
async def filmed(studio: Studio, *, later: float = LATER) -> AsyncIterator[Cinema]:
    """Have a call of which both sides were filmed, the agent's a little later; it goes on."""
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    parts = {part.side.value: part for part in await studio.parts(call_id)}
    async with open_site(studio) as site:
        for side, began in (("local", BEGAN), ("remote", BEGAN + later)):
            for number, content in enumerate(recorded(SECONDS, CHUNKS)):
                kept = await put(site, parts[side].id, content, number=number, began=began)
                assert kept == (200, "")
        yield Cinema(studio, site, case_id, call_id, parts)


async def hang_up(cinema: Cinema) -> None:
    """End the call, long enough ago that nothing more will come of it."""
    await cinema.studio.halls.hang_up(WANG, cinema.call_id)
    cinema.studio.clock.advance(seconds=LAST_CHUNKS.total_seconds())


Act = Callable[[Desk], Awaitable[None]]


MADE = Made("video/mp4", len(b"indexpictures"), len(b"index"))


def instead(act: Act, made: Made = MADE) -> Any:  # noqa: ANN401 (it stands for compose_apart)
    """Return what stands for the process: it keeps two pages with `act` between them."""

    async def compose(_plan: Plan, desk: Desk, _niceness: int) -> Made:
        await desk.keep(1, b"pictures")
        await act(desk)
        await desk.keep(0, b"index")
        return made

    return compose
