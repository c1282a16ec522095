from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime

import engineio
import pytest
import socketio
from structlog.testing import capture_logs

from server.access import Role
from server.db.unit import Notice, Units
from server.errors import ServiceError
from server.web import channel, lines
from server.web.channel import Channel
from server.web.http import Empty, Message
from server.web.login import COOKIES, Audience
from server.web.socket import MAX_FRAME_BYTES, Connection, Heard, Hub, SocketEvent
from tests.support.site import Logins, Site, serving
from tests.support.wire import QUERY, wired


class Word(Message):
    word: str
    number: int = 0


class Ears:
    """Keeps what events were let through."""

    def __init__(self) -> None:
        self.words: list[str] = []

    async def take(self, heard: Heard[Word]) -> Word:
        self.words.append(heard.said.word)
        return Word(word=heard.said.word, number=heard.said.number + 1)

    async def refuse(self, _heard: Heard[Empty]) -> None:
        raise ServiceError("seat.missing", field="call_id", why="no seat")

    async def crash(self, _heard: Heard[Empty]) -> None:
        raise ZeroDivisionError

    async def enter(self, heard: Heard[Word]) -> None:
        await heard.hub.enter(heard.connection, heard.said.word)

    async def leave(self, heard: Heard[Word]) -> None:
        await heard.hub.leave(heard.connection, heard.said.word)


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def hub(ears: Ears) -> Hub:
    return Hub(
        [
            SocketEvent("word.said", Word, ears.take),
            SocketEvent("case.watched", Word, ears.enter),
            SocketEvent("case.unwatched", Word, ears.leave),
            SocketEvent("seat.taken", Empty, ears.refuse),
            SocketEvent("seat.reported", Empty, ears.crash),
        ]
    )


@pytest.fixture
async def site(units: Units, logins: Logins, hub: Hub) -> AsyncIterator[Site]:
    async with serving(units, find=logins.find, hub=hub) as running:
        yield running


async def until(true: Callable[[], bool]) -> None:
    """Let the server run until something holds; nothing tells us, so we look each time round."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 (the server has no event for this)
            await asyncio.sleep(0)


# Who may connect


async def refused_upgrade(
    site: Site, headers: dict[str, str], query: str = QUERY
) -> tuple[int, str]:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with site.browser.get(
        site.url(f"/socket.io/?{query}"), headers={**upgrade, **headers}
    ) as answer:
        return answer.status, (await answer.json())["error"]["code"]


async def test_without_a_login_there_is_no_upgrade(site: Site) -> None:
    assert await refused_upgrade(site, site.headers()) == (401, "login.missing")
    assert await refused_upgrade(site, site.headers("ended")) == (401, "login.expired")


@pytest.mark.parametrize("asked", ["device", "citizen", "anyone"])
async def test_a_login_of_another_kind_does_not_count(site: Site, asked: str) -> None:
    refusal = await refused_upgrade(site, site.headers("clerk"), f"{QUERY}&as={asked}")
    assert refusal == (401, "login.missing")


async def test_asking_as_nobody_of_ours_is_refused(site: Site) -> None:
    refusal = await refused_upgrade(site, site.headers("clerk"), f"{QUERY}&as=administrator")
    assert refusal == (422, "query.invalid")


@pytest.mark.parametrize("origin", [None, "null", "http://evil.test", "http://kuayu.test:80"])
async def test_a_foreign_or_missing_origin_is_refused(site: Site, origin: str | None) -> None:
    headers = site.headers("clerk", origin=origin)
    assert await refused_upgrade(site, headers) == (403, "origin.foreign")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "EIO=3&transport=websocket",
        "EIO=4&transport=polling",
        "EIO=4",
        f"{QUERY}&sid=somebodys",
        f"{QUERY}&j=1",
        f"{QUERY}&EIO=4",
    ],
)
async def test_only_a_new_websocket_of_our_version_is_taken(site: Site, query: str) -> None:
    status, code = await refused_upgrade(site, site.headers("clerk"), query)
    assert code == "query.invalid"
    assert status < 500


async def test_a_request_that_is_no_upgrade_is_refused(site: Site, hub: Hub) -> None:
    for method, code in (("GET", "body.malformed"), ("POST", "method.wrong")):
        async with site.browser.request(
            method, site.url(f"/socket.io/?{QUERY}"), headers=site.headers("clerk")
        ) as answer:
            assert (await answer.json())["error"]["code"] == code
    half = {"Upgrade": "websocket", "Connection": "Upgrade"}
    async with site.browser.get(
        site.url(f"/socket.io/?{QUERY}"), headers=site.headers("clerk") | half
    ) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "body.malformed")
    assert hub.logins() == set()


# Events and their answers


async def test_every_event_is_acknowledged_with_the_one_answer_shape(site: Site) -> None:
    async with wired(site) as wire:
        assert await wire.say("word.said", {"word": "跨域", "number": 1}) == {
            "data": {"word": "跨域", "number": 2},
            "error": None,
            "request_id": "",
        }
        assert await wire.say("seat.taken", {}) == {
            "data": None,
            "error": {"code": "seat.missing", "field": "call_id", "details": {"why": "no seat"}},
            "request_id": "",
        }


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({}, "event.invalid", "word"),
        ({"word": 1}, "event.invalid", "word"),
        ({"word": "x", "region": "341522"}, "event.invalid", "region"),
        ({"word": "x", "y" * 5000: 1}, "event.invalid", "y" * 100),
        ({"word": "x\x00"}, "text.bad_characters", "word"),
        ({"word": "\ud800"}, "text.bad_characters", "word"),
    ],
)
async def test_an_object_of_another_shape_is_refused_and_the_connection_stays(
    site: Site, ears: Ears, data: dict[str, object], code: str, field: str
) -> None:
    async with wired(site) as wire:
        error = (await wire.say("word.said", data))["error"]
        assert (error["code"], error["field"]) == (code, field)
        assert (await wire.say("word.said", {"word": "ok"}))["error"] is None
    assert ears.words == ["ok"]


async def test_a_crash_is_logged_and_the_connection_stays(site: Site) -> None:
    with capture_logs() as logs:
        async with wired(site) as wire:
            error = (await wire.say("seat.reported", {}))["error"]
            assert (error["code"], error["details"]) == ("server.broken", {})
            assert (await wire.say("word.said", {"word": "ok"}))["error"] is None
    [crash] = [line for line in logs if line["event"] == "crash"]
    assert crash["socket_event"] == "seat.reported"
    assert isinstance(crash["exc_info"], ZeroDivisionError)


async def test_events_can_be_added_after_the_start(site: Site, hub: Hub, ears: Ears) -> None:
    hub.serve([SocketEvent("pointer.moved", Word, ears.take)])
    async with wired(site) as wire:
        assert (await wire.say("pointer.moved", {"word": "x"}))["error"] is None


async def test_another_hub_keeps_its_own_list_of_events(site: Site) -> None:
    Hub().serve([SocketEvent("pointer.moved", Word, Ears().take)])
    async with wired(site) as wire:
        error = (await wire.say("pointer.moved", {"word": "x"}))["error"]
        assert error["code"] == "event.unknown"


# The library's own events among them, and the one that stands for all of these.
NO_EVENTS = ["connect", "disconnect", "*", "", "event.refused", "word.unsaid", "\ud800", "n" * 5000]


@pytest.mark.parametrize("name", NO_EVENTS, ids=lambda name: repr(name[:20]))
@pytest.mark.parametrize("arguments", ['{"word":"x"}', "", "1,2", '{"word":"x"},{}'])
async def test_an_unknown_event_is_refused_and_the_connection_stays(
    site: Site, hub: Hub, ears: Ears, name: str, arguments: str
) -> None:
    said = json.dumps(name) + ("," + arguments if arguments else "")
    async with wired(site) as wire:
        await wire.send(f"427[{said}]")
        frame = await wire.frame()
        assert frame is not None
        assert json.loads(frame.removeprefix("437"))[0] == {
            "data": None,
            "error": {"code": "event.unknown", "field": None, "details": {"event": name[:100]}},
            "request_id": "",
        }
        await wire.send(f"42[{said}]")
        assert await wire.notice() == (
            "event.refused",
            {"event": name[:100], "code": "event.unknown"},
        )
        assert (await wire.say("word.said", {"word": "ok"}))["error"] is None
        assert len(hub.sockets()) == 1
    assert ears.words == ["ok"]


@pytest.mark.parametrize(
    "arguments", ["", ',{"word":"x"},{}', ",[]", ',"x"', ",null", ',[{"word":"x"}]']
)
async def test_an_event_without_exactly_one_object_is_refused_and_the_connection_stays(
    site: Site, ears: Ears, arguments: str
) -> None:
    async with wired(site) as wire:
        await wire.send(f'427["word.said"{arguments}]')
        frame = await wire.frame()
        assert frame is not None
        [answer] = json.loads(frame.removeprefix("437"))
        assert answer["error"]["code"] == "event.invalid"
        await wire.send(f'42["word.said"{arguments}]')
        refused = {"event": "word.said", "code": "event.invalid"}
        assert await wire.notice() == ("event.refused", refused)
        assert (await wire.say("word.said", {"word": "ok"}))["error"] is None
    assert ears.words == ["ok"]


async def test_a_refusal_that_nobody_waits_for_comes_as_a_notice_to_that_socket_alone(
    site: Site, hub: Hub
) -> None:
    async with wired(site) as wire, wired(site) as other:
        await wire.send('42["seat.taken",{}]')
        assert await wire.notice() == (
            "event.refused",
            {"event": "seat.taken", "code": "seat.missing"},
        )
        await hub.publish(Notice("clerk:id-clerk", "end", {}))
        assert await other.notice() == ("end", {})


async def test_refusals_that_nobody_waits_for_are_as_many_as_there_are_tokens(site: Site) -> None:
    async with wired(site) as wire:
        for _ in range(200):
            await wire.send('42["word.unsaid",{}]')
        await wire.send('421["word.said",{"word":"x"}]')
        frames = []
        while (frame := await wire.frame()) is not None and not frame.startswith("431["):
            frames.append(frame)
    assert {json.loads(frame[2:])[0] for frame in frames} == {"event.refused"}
    assert 40 <= len(frames) < 80


async def test_too_many_events_are_refused_until_the_bucket_fills(site: Site, ears: Ears) -> None:
    async with wired(site) as wire:
        for number in range(100):
            await wire.send(f'42{number}["word.said",{{"word":"x"}}]')
        codes = []
        for _ in range(100):
            frame = await wire.frame()
            assert frame is not None
            error = json.loads(frame[frame.index("[") :])[0]["error"]
            codes.append(error and error["code"])
    assert set(codes) == {None, "rate.exceeded"}
    assert codes[:40] == [None] * 40
    assert len(ears.words) < 60


async def test_one_clerks_bucket_is_not_anothers(site: Site, logins: Logins) -> None:
    logins.add("other", Role.AGENT)
    async with wired(site) as wire, wired(site, "other") as other:
        for _ in range(100):
            await wire.send('42["word.said",{"word":"x"}]')
        await wire.say("word.said", {"word": "x"})
        assert (await other.say("word.said", {"word": "x"}))["error"] is None


# Frames that no client of ours sends

MALFORMED = (1008, "frame.malformed")
BAD_FRAMES: list[str | bytes] = [
    # events without a name
    "42[1,{}]", "42[{},{}]", "42[]", "42{}", "42", '42"word.said"', "42null", "421",
    # other packets of Socket.IO
    "43[]", '431[{"data":null}]', "44{}", '44{"message":"x"}', "47", "49", "4", "4x", '4{"a":1}',
    '451-["word.said",{"_placeholder":true,"num":0}]', '461-1[{"_placeholder":true,"num":0}]',
    '421-["word.said",{"word":"x"}]', '45["word.said",{"word":"x"}]',
    # other packets of Engine.IO
    "0{}", "2", "2probe", "5", "6", "7", "9", "x", "", "bAAAA", "b", "-1", "\x00",
    b"", b"\x00", b"42", b'\x04["word.said",{"word":"x"}]',
    # what does not decode
    '42["word.said",', '42["word.said",{"word":"x"}', "42" + "[" * 50_000, "4" + "[" * 50_000,
    "42" + '{"a":' * 10_000, "42" + "1" * 200 + '["word.said",{}]', "42" + "9" * 60_000,
    '42["word.said",{"word":' + "9" * 5000 + "}]", "4٣٢[]", "40" + "[" * 50_000,
    "45" + "9" * 11 + '-["word.said"]', "459999999999-[]",
]  # fmt: skip


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=lambda frame: repr(frame[:24]))
async def test_any_other_frame_ends_the_connection_with_the_reason(
    site: Site, hub: Hub, ears: Ears, frame: str | bytes
) -> None:
    with capture_logs() as logs:
        async with wired(site) as wire:
            await wire.send(frame)
            assert [sent for sent in await wire.ended() if sent.startswith("42")] == []
            assert wire.closed == MALFORMED
        await until(lambda: not hub.logins())
    assert hub.present() == set()
    assert ears.words == []
    assert "crash" not in {line["event"] for line in logs}


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=lambda frame: repr(frame[:24]))
async def test_before_joining_too(site: Site, hub: Hub, frame: str | bytes) -> None:
    async with wired(site, join=False) as wire:
        await wire.send(frame)
        await wire.ended()
        assert wire.closed == MALFORMED
        await until(lambda: not hub.logins())


@pytest.mark.parametrize("join", [True, False])
@pytest.mark.parametrize(
    "frame", ["40/admin,", "40/admin", '42/admin,["word.said",{"word":"x"}]', "41/admin,"]
)
async def test_another_namespace_ends_the_connection_with_the_reason(
    site: Site, hub: Hub, ears: Ears, frame: str, *, join: bool
) -> None:
    async with wired(site, join=join) as wire:
        await wire.send(frame)
        await wire.ended()
        assert wire.closed == (1008, "namespace.unknown")
        await until(lambda: not hub.logins())
    assert ears.words == []


async def test_what_was_answered_before_a_fault_still_arrives(site: Site) -> None:
    async with wired(site) as wire:
        for number in range(30):
            await wire.send(f'42{number}["word.said",{{"word":"x"}}]')
        await wire.send("garbage")
        await wire.send('4299["word.said",{"word":"y"}]')
        frames = await wire.ended()
        assert wire.closed == MALFORMED
    assert [frame.partition("[")[0] for frame in frames] == [f"43{n}" for n in range(30)]


async def test_a_fault_of_ours_below_the_events_is_logged_and_told(
    site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hub._sio, "_handle_connect", crash)
    with capture_logs() as logs:
        async with wired(site, join=False) as wire:
            await wire.send("40")
            await wire.ended()
            assert wire.closed == (1011, "server.broken")
    assert [line["socket_event"] for line in logs if line["event"] == "crash"] == ["message"]


def test_engine_io_still_takes_its_driver_from_where_we_put_ours(hub: Hub) -> None:
    """The one private name of engine.io that the channel needs, and what it asks of a driver."""
    theirs = engineio.AsyncServer(async_mode="aiohttp")._async["websocket"]
    assert theirs.__module__ == "engineio.async_drivers.aiohttp"
    assert hub._sio.eio._async["websocket"] is Channel
    for name in ("__init__", "__call__", "wait", "send", "close"):
        asked = inspect.signature(getattr(theirs, name)).parameters
        assert len(asked) == len(inspect.signature(getattr(Channel, name)).parameters), name
    asks = inspect.getsource(engineio.async_socket.AsyncSocket)
    assert set(re.findall(r"\bws\.(\w+)", asks)) == {"wait", "send", "close"}
    assert "self.server._async['websocket'](" in asks


async def test_an_event_before_joining_is_heard_by_nobody(site: Site, ears: Ears) -> None:
    async with wired(site, join=False) as wire:
        await wire.send('42["word.said",{"word":"x"}]')
        await wire.join()
        assert (await wire.say("word.said", {"word": "y"}))["error"] is None
    assert ears.words == ["y"]


async def test_joining_twice_ends_the_connection(site: Site, hub: Hub) -> None:
    async with wired(site) as wire:
        await wire.send("40")
        await wire.ended()
        assert wire.closed == (1008, "join.repeated")
        await until(lambda: not hub.logins())
    assert hub.sockets() == set()


async def test_who_leaves_cannot_join_again_on_the_same_connection(site: Site, hub: Hub) -> None:
    async with wired(site) as wire:
        await wire.send("41")
        await wire.send("40")
        frames = await wire.ended()
        assert not any(frame.startswith("40") for frame in frames)
        await until(lambda: not hub.logins())


async def test_who_does_not_join_is_dropped(
    site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "JOIN_SECONDS", 0.05)
    async with wired(site, join=False) as wire:
        await wire.ended()
        assert wire.closed == (1008, "join.missing")
        await until(lambda: not hub.logins())


TOO_LARGE = (1009, "frame.too_large")


async def test_a_frame_below_the_limit_is_taken_and_a_larger_one_ends_the_connection(
    site: Site, hub: Hub
) -> None:
    frame = '421["word.said",{"word":"%s"}]'
    fits = "x" * (MAX_FRAME_BYTES - len(frame % "") - 1)
    async with wired(site) as wire:
        await wire.send(frame % fits)
        answer = await wire.frame()
        assert answer is not None
        assert fits in answer
        await wire.send(frame % (fits + "x"))
        await wire.ended()
        assert wire.closed == TOO_LARGE
        await until(lambda: not hub.logins())


async def test_the_reason_reaches_a_client_that_sends_all_before_it_reads(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "LINGER_SECONDS", 60)
    async with wired(site) as wire:
        transport = wire.ws._writer.transport
        transport.pause_reading()
        # More than fits on the way: it is sent only if somebody takes it.
        await wire.send('42["word.said",{"word":"' + "x" * 10_000_000)
        transport.resume_reading()
        await wire.ended()
        assert wire.closed == TOO_LARGE


async def test_a_frame_that_unpacks_to_more_than_the_limit_ends_the_connection(
    site: Site, hub: Hub
) -> None:
    async with wired(site, compress=15) as wire:
        await wire.send('42["word.said",{"word":"' + "x" * 20_000_000 + '"}]')
        await wire.ended()
        assert wire.closed == TOO_LARGE
        await until(lambda: not hub.logins())


async def test_bytes_that_are_no_websocket_frame_end_the_connection(site: Site, hub: Hub) -> None:
    async with wired(site) as wire:
        transport = wire.ws.get_extra_info("socket")
        assert transport is not None
        writer = wire.ws._writer.transport
        writer.write(b"\xff\xff\xff\xff rubbish that is no frame \x00\x01")
        await wire.ended()
        assert wire.closed == MALFORMED
        await until(lambda: not hub.logins())


# Notices


@pytest.mark.parametrize(
    ("role", "rooms"),
    [
        (Role.COUNTER, ["login:login-x", "clerk:id-x", "hall:h3"]),
        (Role.AGENT, ["login:login-x", "clerk:id-x", "queue:320509"]),
        (Role.SUPERVISOR, ["login:login-x", "clerk:id-x", "queue:320509", "board:320509"]),
        (Role.ADMINISTRATOR, ["login:login-x", "clerk:id-x"]),
        (Role.DEVICE, ["login:login-x", "counter:c3"]),
        (Role.CITIZEN, ["login:login-x"]),
    ],
)
async def test_everyone_hears_what_is_theirs_and_nothing_else(
    site: Site, hub: Hub, logins: Logins, role: Role, rooms: list[str]
) -> None:
    audience = Audience(role) if role in {*Audience} else Audience.STAFF
    actor = logins.add("x", role, audience=audience)
    if audience is Audience.STAFF:
        logins.actors[audience, "x"] = dataclasses.replace(actor, hall="h3")
    every = [
        "login:login-x", "clerk:id-x", "hall:h3", "queue:320509", "board:320509", "counter:c3",
    ]  # fmt: skip
    others = [
        "login:login-y", "clerk:id-y", "hall:h4", "queue:341522", "board:341522", "counter:c4",
        "case:1",
    ]  # fmt: skip
    async with wired(site, "x", audience=audience) as wire:
        for room in [*others, *every, "login:login-x"]:
            await hub.publish(Notice(room, "queue.changed", {"room": room}))
        heard: list[str] = []
        while heard.count("login:login-x") < 2:
            notice = await wire.notice()
            assert notice is not None
            heard.append(notice[1]["room"])
    assert heard[:-1] == rooms


async def test_a_room_can_be_entered_left_and_emptied(site: Site, hub: Hub) -> None:
    async with wired(site) as wire:
        heard = []
        for step in ("nothing", "enter", "leave", "enter", "evict"):
            if step == "enter":
                await wire.say("case.watched", {"word": "case:1"})
            elif step == "leave":
                await wire.say("case.unwatched", {"word": "case:1"})
            elif step == "evict":
                await hub.evict("case:1")
            await hub.publish(Notice("case:1", "case.changed", {}))
            await hub.publish(Notice("clerk:id-clerk", "end", {}))
            while (notice := await wire.notice()) is not None and notice[0] != "end":
                heard.append(step)
    assert heard == ["enter", "enter"]


async def test_a_notice_that_cannot_be_sent_is_logged_and_never_the_commands_fault(
    site: Site, hub: Hub
) -> None:
    async with wired(site):
        with capture_logs() as logs:
            moment = datetime(2026, 11, 22, tzinfo=UTC)
            await hub.publish(Notice("clerk:id-clerk", "queue.changed", {"at": moment}))
    assert [line["notice"] for line in logs if line["event"] == "notice lost"] == ["queue.changed"]


async def test_a_client_that_does_not_read_is_dropped_at_the_cap(site: Site, hub: Hub) -> None:
    most = 0
    async with wired(site):
        [socket] = hub._sio.eio.sockets.values()
        for _ in range(3000):
            await hub.publish(Notice("clerk:id-clerk", "queue.changed", {"x": "x" * 50_000}))
            most = max(most, socket.queue.qsize())
            if not hub.present():
                break
        await until(lambda: not hub.logins())
    assert most <= lines.MAX_QUEUED_PACKETS
    assert hub._sio.eio.sockets == {}


# The end of a login


async def test_a_login_that_ends_takes_its_sockets_along(
    site: Site, hub: Hub, logins: Logins
) -> None:
    logins.add("other", Role.AGENT)
    async with (
        wired(site) as first,
        wired(site) as second,
        wired(site, join=False) as third,
        wired(site, "other") as other,
    ):
        assert hub.logins() == {"login-clerk", "login-other"}
        await hub.drop_login("login-clerk")
        for wire in (first, second):
            assert await wire.ended() == ['42["login.ended",{}]', "41", "1"]
        frames = await third.ended()
        assert not any(frame.startswith("4") for frame in frames)
        await until(lambda: hub.logins() == {"login-other"})
        assert hub.present() == {"id-other"}
        assert (await other.say("word.said", {"word": "x"}))["error"] is None


async def test_a_client_that_will_not_go_is_cut_off(
    site: Site, hub: Hub, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "GRACE_SECONDS", 0.05)
    async with wired(site) as wire:
        await hub.drop_login("login-clerk")
        # It neither reads nor answers the close; it goes on talking.
        async with asyncio.timeout(60):
            while not wire.ws._writer.transport.is_closing():
                with suppress(ConnectionError):
                    await wire.send('42["word.said",{"word":"x"}]')
                await asyncio.sleep(0)
        await until(lambda: not hub.logins())
    assert ears.words == []


async def test_who_went_away_is_told_once_to_everyone_who_asked(site: Site, hub: Hub) -> None:
    gone: list[str] = []

    async def crash(_connection: Connection) -> None:
        raise ZeroDivisionError

    async def tell(connection: Connection) -> None:
        gone.append(connection.actor.id)

    hub.when_gone(crash)
    hub.when_gone(tell)
    with capture_logs() as logs:
        async with wired(site):
            assert hub.present() == {"id-clerk"}
            assert len(hub.sockets()) == 1
        await until(lambda: bool(gone))
    assert gone == ["id-clerk"]
    assert hub.present() == set()
    assert [line["socket_event"] for line in logs if line["event"] == "crash"] == ["disconnect"]


async def test_a_broken_line_is_noticed(site: Site, hub: Hub) -> None:
    async with wired(site) as wire:
        wire.ws._writer.transport.abort()
        await until(lambda: not hub.logins())
    assert hub._sio.eio.sockets == {}


async def test_the_end_of_the_service_ends_every_socket(
    units: Units, logins: Logins, hub: Hub
) -> None:
    async with serving(units, find=logins.find, hub=hub) as site:
        wires = [wired(site), wired(site, join=False)]
        opened = [await wire.__aenter__() for wire in wires]
    for wire in opened:
        await wire.ended()
    for closing in wires:
        await closing.__aexit__(None, None, None)
    assert hub.logins() == set()


# A client as it should be


async def test_the_librarys_own_client_gets_along(site: Site, hub: Hub) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()

    async def gone(_reason: str) -> None:
        await heard.put("gone")

    client = socketio.AsyncClient(reconnection=False)
    client.on("queue.changed", heard.put)
    client.on("disconnect", gone)
    await client.connect(
        site.url("/?as=staff"),
        headers=site.headers() | {"Cookie": f"{COOKIES[Audience.STAFF]}=clerk"},
        transports=["websocket"],
    )
    answer = await client.call("word.said", {"word": "跨域"})
    assert answer["data"] == {"word": "跨域", "number": 1}
    await hub.publish(Notice("queue:320509", "queue.changed", {"version": 7}))
    async with asyncio.timeout(60):
        assert await heard.get() == {"version": 7}
        await hub.drop_login("login-clerk")
        assert await heard.get() == "gone"
        await client.wait()
        await client.shutdown()
