"""The namespace of media workers: who comes in, and what they may say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSServerHandshakeError

from server.access import Actor
from server.db.unit import Notice, Units
from server.rooms import MEDIA
from server.rooms import worker as worker_room
from server.web.login import Audience
from server.web.socket import BURST, WORKER_BURST, Connection, Heard, Hub, SocketEvent
from tests.server.web.test_socket import Word, until
from tests.support.site import ORIGIN, Logins, Site, serving
from tests.support.wire import wired, worker_wired

WORKER = Actor(id="worker", name="", login_id="", roles=frozenset())


class Heads:
    """What each namespace's listeners heard."""

    def __init__(self) -> None:
        self.words: list[tuple[str, str]] = []
        self.left: asyncio.Queue[str] = asyncio.Queue()

    async def take(self, heard: Heard[Word]) -> None:
        self.words.append((heard.connection.namespace, heard.said.word))
        await heard.hub.enter(heard.connection, worker_room(heard.said.word))

    async def gone(self, connection: Connection) -> None:
        self.left.put_nowait(connection.namespace)


@pytest.fixture
def heads() -> Heads:
    return Heads()


@pytest.fixture
def hub(heads: Heads) -> Hub:
    hub = Hub([SocketEvent("word.said", Word, heads.take)])
    hub.serve([SocketEvent("worker.reported", Word, heads.take)], MEDIA)
    hub.when_gone(heads.gone, MEDIA)
    return hub


@pytest.fixture
async def site(units: Units, logins: Logins, hub: Hub) -> AsyncIterator[Site]:
    logins.actors[Audience.WORKER, "secret"] = WORKER
    async with serving(units, find=logins.find, hub=hub) as running:
        yield running


async def test_a_worker_speaks_and_hears_in_its_own_namespace(
    site: Site, hub: Hub, heads: Heads
) -> None:
    async with worker_wired(site) as worker, wired(site) as clerk:
        said = await worker.say("worker.reported", {"word": "w1"})
        assert said == {"data": None, "error": None, "request_id": ""}
        assert heads.words == [(MEDIA, "w1")]
        await clerk.say("word.said", {"word": "w1"})
        await hub.publish(Notice(worker_room("w1"), "leg.closed", {"to": "worker"}, MEDIA))
        await hub.publish(Notice(worker_room("w1"), "call.changed", {"to": "clerk"}))
        assert await worker.notice() == ("leg.closed", {"to": "worker"})
        assert await clerk.notice() == ("call.changed", {"to": "clerk"})
        assert hub.logins() == {"login-clerk"}
        assert hub.present() == {"id-clerk"}
        assert len(hub.sockets()) == 1
    assert await heads.left.get() == MEDIA


@pytest.mark.parametrize(
    "authorization",
    ["Bearer wrong", "Bearer ", "bearer secret", "Basic secret", "Bearer secret secret", "secret"],
)
async def test_without_the_secret_nobody_gets_as_far_as_a_websocket(
    site: Site, authorization: str
) -> None:
    for headers in ({"Authorization": authorization}, {}):
        async with site.browser.get(
            site.url("/socket.io/?EIO=4&transport=websocket&as=worker"), headers=headers
        ) as answer:
            assert answer.status == 401
            assert (await answer.json())["error"]["code"] == "login.refused"


@pytest.mark.parametrize(
    "more", [{"Origin": ORIGIN}, {"Origin": "null"}, {"Cookie": "__Host-kuayu=clerk"}]
)
async def test_a_page_is_no_worker_even_with_the_secret(site: Site, more: dict[str, str]) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        async with worker_wired(site, **more):
            pass
    assert refused.value.status == 403


async def test_the_secret_opens_nothing_but_the_socket(site: Site) -> None:
    headers = {"Authorization": "Bearer secret"}
    for path in ("/socket.io/?EIO=4&transport=websocket&as=staff", "/socket.io/?EIO=4"):
        async with site.browser.get(site.url(path), headers=headers) as answer:
            assert answer.status == 403
    headers["Origin"] = ORIGIN
    url = site.url("/socket.io/?EIO=4&transport=websocket")
    async with site.browser.get(url, headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("join", [True, False])
@pytest.mark.parametrize(
    "frame", ["40/media,", "40/media", '42/media,["worker.reported",{"word":"x"}]']
)
async def test_a_clerk_is_refused_in_the_namespace_of_workers(
    site: Site, heads: Heads, frame: str, *, join: bool
) -> None:
    async with wired(site, join=join) as wire:
        await wire.send(frame)
        await wire.ended()
        assert wire.closed == (1008, "namespace.unknown")
    assert heads.words == []


@pytest.mark.parametrize("join", [True, False])
@pytest.mark.parametrize("frame", ["40", "40/,", '42["word.said",{"word":"x"}]', "40/admin,"])
async def test_a_worker_is_refused_in_every_other_namespace(
    site: Site, hub: Hub, heads: Heads, frame: str, *, join: bool
) -> None:
    async with worker_wired(site, join=join) as wire:
        await wire.send(frame)
        await wire.ended()
        assert wire.closed == (1008, "namespace.unknown")
    assert heads.words == []
    if join:
        assert await heads.left.get() == MEDIA


async def test_a_namespace_knows_its_own_events_only(site: Site, heads: Heads) -> None:
    async with worker_wired(site) as worker, wired(site) as clerk:
        for wire, event in ((worker, "word.said"), (clerk, "worker.reported")):
            said = await wire.say(event, {"word": "x"})
            assert said["error"]["code"] == "event.unknown"
        await worker.send('42/media,["word.said",{"word":"x"}]')
        assert await worker.notice() == (
            "event.refused", {"event": "word.said", "code": "event.unknown"},
        )  # fmt: skip
    assert heads.words == []


async def test_a_worker_may_say_more_than_a_clerk_and_not_without_end(site: Site) -> None:
    async with worker_wired(site) as wire:
        for _ in range(int(WORKER_BURST) * 2):
            await wire.send('42/media,1["worker.reported",{"word":"x"}]')
        codes = []
        while "rate.exceeded" not in (frame := await wire.frame() or ""):
            codes.append(frame)
        assert len(codes) > BURST * 10


async def test_a_worker_whose_service_leaves_is_not_taken_as_gone(
    units: Units, logins: Logins, hub: Hub, heads: Heads
) -> None:
    logins.actors[Audience.WORKER, "secret"] = WORKER
    async with serving(units, find=logins.find, hub=hub) as site:
        wire = await worker_wired(site).__aenter__()
        await wire.say("worker.reported", {"word": "w1"})
    await until(lambda: not hub._connections)
    assert heads.left.empty()
