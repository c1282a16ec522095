"""A recorded call in real browsers: the red light on every screen, and what is replayed of it."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from server.recordings import queries
from server.recordings.films import Films
from tests.support.acts import (
    Hall,
    connect,
    consent,
    hang_up,
    open_hall,
    ready_case,
    see_each_other,
)
from tests.support.clips import Seen, look
from tests.support.flashes import FLASH_AND_BEEP, apart
from tests.support.inspector import Inspector
from tests.support.media_worker import media_worker, until
from tests.support.screens import Screen, Stage
from tests.support.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PORTS = range(31_700, 31_750)
REASON = "群众投诉复核"


@pytest.fixture
async def stage(chromium: Browser, service: Service) -> Stage:
    return Stage(chromium, service.url, FLASH_AND_BEEP)


async def shoot(screen: Screen, name: str) -> None:
    """Keep a picture of the screen for people to look at, if a folder for them is named."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await screen.page.screenshot(path=f"{folder}/{name}.png")


async def pause(agent: Screen) -> None:
    """Pause with a reason."""
    await agent.click("recording-pause")
    dialog = agent.page.get_by_role("dialog", name="暂停录制")
    await dialog.get_by_role("textbox").fill("群众要求暂停")
    await dialog.get_by_role("button", name="暂停录制").click()
    await agent.says("recording-light", "录制已暂停")


async def record(hall: Hall, board: Screen, service: Service) -> str:
    """Have a call recorded with a pause in it, seen on every screen; return the case's number."""
    counter, agent, facing = hall.counter, hall.agent, hall.facing
    number = await ready_case(counter)
    await connect(counter, agent)
    await consent(hall)
    await agent.click("recording-start")
    for screen in (agent, counter):
        await screen.says("recording-light", re.compile(r"录制中\s*00:\d\d"))
    await facing.says("facing-recording", "正在录音录像")
    await board.says("board-recording", "录制中")
    screens = {"agent": agent, "counter": counter, "facing": facing, "board": board}
    for name, screen in screens.items():
        await shoot(screen, f"{name}-recording")
    await more_is_kept(service)
    await pause(agent)
    await counter.says("recording-light", "录制已暂停")
    await facing.says("facing-recording", "录音录像已暂停")
    await shoot(agent, "agent-paused")
    await agent.click("recording-resume")
    await agent.says("recording-light", "录制中")
    return number


async def more_is_kept(service: Service) -> None:
    """Wait until two more chunks of each part have come: what was sent by now is in them."""

    async def counts() -> list[int]:
        async with service.house.database.reading() as session:
            return [part.chunks for part in await queries.live(session)]

    before = await counts()

    async def come() -> bool:
        return all(now >= then + 2 for now, then in zip(await counts(), before, strict=True))

    await until(come)


async def lose_the_worker(hall: Hall, board: Screen, worker: Process) -> None:
    """Kill the only worker: everybody hears the alarm, and the call goes on without recording."""
    worker.kill()
    for screen in (hall.agent, hall.counter):
        await screen.says("recording-alarm", "媒体中继断开")
        await screen.says("recording-light", "录制失败")
    await hall.facing.says("facing-recording", "录音录像已中断")
    await board.says("board-recording", "录制失败")
    for name, screen in (("agent", hall.agent), ("counter", hall.counter), ("board", board)):
        await shoot(screen, f"{name}-alarm")
    await see_each_other(hall.counter, hall.agent)
    await hang_up(hall.agent)


async def films_move(board: Screen, frames: int) -> None:
    """See both films move at once: they end after some seconds."""
    films = (board.sees_moving(f"film-{side}", frames=frames, within=30)
             for side in ("local", "remote"))  # fmt: skip
    await asyncio.gather(*films)


async def replay(board: Screen, number: str) -> None:
    """Open the recording with a reason, see both films move, and jump by the case's log."""
    await board.click("board-recordings")
    await expect(board.at(f"recording-{number}")).to_be_visible()
    await shoot(board, "recordings")
    await board.click(f"recording-{number}")
    await board.fill("viewing-reason", REASON)
    await shoot(board, "viewing-reason")
    inspector = Inspector()
    await inspector.look(board, "reason")
    await board.click("viewing-open")
    await board.click("film-play")
    await films_move(board, 10)
    await board.click("film-play")
    for kind in ("paused", "resumed"):
        jump = board.at(f"jump-recording.{kind}")
        await jump.click()
        moment = await jump.locator("time").inner_text()
        await expect(board.at("film-bar")).to_have_attribute("aria-valuetext", moment)
    await board.click("film-play")
    await films_move(board, 5)
    await shoot(board, "viewing")
    await inspector.look(board, "viewing")
    assert inspector.found == []


async def export(board: Screen, folder: Path) -> Seen:
    """Have both films made into one, with a reason; take it away and look at it."""
    await board.click("export-request")
    dialog = board.page.get_by_role("dialog", name="导出为单个文件")
    await dialog.get_by_role("textbox").fill(REASON)
    await shoot(board, "export-reason")
    await dialog.get_by_role("button", name="导出", exact=True).click()
    await board.says("export-state", re.compile("排队中|正在合成|可下载"))
    await shoot(board, "export-composing")
    await expect(board.at("export-download")).to_be_visible(timeout=150_000)
    await board.says("export-state", "可下载")
    await shoot(board, "export-ready")
    async with board.page.expect_download() as begun:
        await board.click("export-download")
    taken = await begun.value
    assert taken.suggested_filename.endswith(".mp4")
    path = folder / "film.mp4"
    await taken.save_as(path)
    return await asyncio.to_thread(look, str(path))


async def films_of(service: Service, number: str, folder: Path) -> dict[str, Seen]:
    """Look at the film of each side of a case's one call."""
    films, found = Films(service.house.files, service.house.vault), {}
    async with service.house.database.reading() as session:
        [(call, _, _)] = await queries.recorded_calls(
            session, "341522", number=number, before=None, limit=2
        )
        for part in await queries.parts_of(session, call.id):
            film = await films.film(part, await queries.chunks_of(session, part.id))
            path = folder / f"{part.side.value}.webm"
            path.write_bytes(await films.read(part, film, 0, film.size))
            found[part.side.value] = await asyncio.to_thread(look, str(path))
    return found


async def test_a_call_is_recorded_before_everybodys_eyes_and_replayed_by_its_timeline(
    stage: Stage, service: Service, tmp_path: Path
) -> None:
    # Browsers would take all that is left to who steps back for everybody.
    service.house.making.niceness = 0
    async with (
        media_worker(service, PORTS) as worker, open_hall(stage) as hall,
        stage.desk("huoqiu-supervisor") as board,
    ):  # fmt: skip
        number = await record(hall, board, service)
        await more_is_kept(service)
        await lose_the_worker(hall, board, worker)
        await replay(board, number)
        whole = await export(board, tmp_path)
        assert stage.faults() == []
    films = await films_of(service, number, tmp_path)
    # It ends with one of its thirty pictures a second.
    assert whole.seconds > max(seen.seconds for seen in films.values()) - 1 / 30
    assert len(whole.sizes) == 1
    for seen in films.values():
        assert len(seen.beeps) >= 6
        # What canvas and sound card of a busy browser add is theirs: the recorder's own share is
        # held to 20 ms without them, in tests/server/media/test_recorder.py.
        # Chromium's queue of sound alone was seen to add 104 ms on two busy cores.
        assert abs(apart(seen)) <= 0.15
