"""Seats and signals over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.access import Actor
from server.calls.rules import MOST_POINTS, CallState
from server.web.socket import MAX_FRAME_BYTES, Connection, Hub
from tests.server.calls.conftest import Lines
from tests.support.halls import CLERK, OTHER_CLERK, STRANGER, WANG, ZHOU, screen
from tests.support.wire import Wire

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
CANDIDATE = {
    "candidate": "candidate:1 1 udp 2113937151 192.0.2.7 54400 typ host",
    "sdp_mid": "0",
    "sdp_m_line_index": 0,
    "username_fragment": "a1B/",
}


async def heard(wire: Wire, *events: str) -> dict[str, Any]:
    """Return the next notice of one of these events."""
    while (notice := await wire.notice()) is not None:
        if notice[0] in events:
            return {"event": notice[0], **notice[1]}
    raise AssertionError("the connection ended")


async def code_of(wire: Wire, event: str, data: object) -> str:
    """Send an event and return the code it was refused with."""
    said = await wire.say(event, data)
    return str(said["error"]["code"]) if said["error"] else ""


async def silence(wire: Wire) -> list[str]:
    """Everything that a socket has heard until an event of its own comes back."""
    frames: list[str] = []
    await wire.send('429["seat.taken",{"call_id":"%s"}]' % ("0" * 32))
    while (frame := await wire.frame()) is not None and not frame.startswith("439["):
        frames.append(frame)
    return frames


@dataclass
class Pair:
    """Both clerks in one call."""

    call_id: str
    local: Wire
    remote: Wire
    local_id: str
    remote_id: str

    def to_remote(self, **what: object) -> dict[str, object]:
        return {"call_id": self.call_id, "to": self.remote_id, **what}


@pytest.fixture
async def pair(lines: Lines) -> Pair:
    _, call_id = await lines.halls.in_call()
    local, at_local = await lines.seat(CLERK, call_id)
    remote, at_remote = await lines.seat(WANG, call_id)
    return Pair(call_id, local, remote, at_local["my_seat"], at_remote["my_seat"])


async def test_a_taken_seat_is_answered_with_the_call_as_it_is_seen_from_there(
    lines: Lines,
) -> None:
    _, call_id = await lines.halls.in_call()
    _, call = await lines.seat(CLERK, call_id)
    assert call["id"] == call_id
    assert call["topology"] == "direct"
    mine = next(seat for seat in call["seats"] if seat["id"] == call["my_seat"])
    assert (mine["side"], mine["connected"], mine["order"]) == ("local", True, 0)
    assert len(call["ends"]) == 1


async def test_a_description_reaches_the_other_end_built_anew(pair: Pair) -> None:
    description = {"type": "offer", "sdp": SDP.replace("\r\n", "\n")}
    assert await code_of(pair.local, "signal.sent", pair.to_remote(description=description)) == ""
    got = await heard(pair.remote, "signal.received")
    assert got == {
        "event": "signal.received",
        "call_id": pair.call_id,
        "from": pair.local_id,
        "description": {"type": "offer", "sdp": SDP},
    }


@pytest.mark.parametrize("candidate", [CANDIDATE, None])
async def test_a_candidate_and_their_end_reach_the_other_end(pair: Pair, candidate: object) -> None:
    assert await code_of(pair.local, "signal.sent", pair.to_remote(candidate=candidate)) == ""
    got = await heard(pair.remote, "signal.received")
    assert (got["from"], got["candidate"]) == (pair.local_id, candidate)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"description": {"type": "offer", "sdp": "hello"}}, "signal.invalid"),
        ({"description": {"type": "offer", "sdp": SDP + "a=x:" + "y" * 33_000}}, "signal.invalid"),
        ({"description": {"type": "offer", "sdp": SDP + "a=x\u2028"}}, "signal.invalid"),
        ({"description": {"type": "pranswer", "sdp": SDP}}, "event.invalid"),
        ({"description": {"type": "offer", "sdp": SDP, "more": 1}}, "event.invalid"),
        ({"description": {"type": "offer"}}, "event.invalid"),
        ({"description": None}, "event.invalid"),
        ({"description": {"type": "offer", "sdp": SDP}, "candidate": None}, "event.invalid"),
        ({"candidate": {**CANDIDATE, "more": 1}}, "event.invalid"),
        ({"candidate": {**CANDIDATE, "candidate": "candidate:1 1 udp 1 evil.example 1 typ host"}},
         "signal.invalid"),
        ({"candidate": {**CANDIDATE, "sdp_mid": "0\n"}}, "event.invalid"),
        ({"candidate": {**CANDIDATE, "sdp_m_line_index": -1}}, "event.invalid"),
        ({"candidate": {**CANDIDATE, "username_fragment": "名"}}, "event.invalid"),
        ({"candidate": "candidate:1"}, "event.invalid"),
        ({}, "event.invalid"),
        ({"candidate": None, "from": "0" * 32}, "event.invalid"),
    ],
)  # fmt: skip
async def test_what_is_no_signal_is_refused_and_reaches_nobody(
    pair: Pair, what: dict[str, object], code: str
) -> None:
    with capture_logs() as logs:
        assert await code_of(pair.local, "signal.sent", pair.to_remote(**what)) == code
    assert not [line for frame in await silence(pair.remote) if "signal" in (line := frame)]
    assert "crash" not in [line["event"] for line in logs]


async def test_a_description_of_a_megabyte_ends_the_connection_and_nothing_else(
    lines: Lines, pair: Pair
) -> None:
    await pair.local.send('421["signal.sent",{"sdp":"%s"}]' % ("x" * 1_000_000))
    await pair.local.ended()
    assert MAX_FRAME_BYTES < 1_000_000
    changed = await heard(pair.remote, "call.changed")
    assert changed["call_id"] == pair.call_id
    _, call = await lines.seat(CLERK, pair.call_id)
    assert call["my_seat"] == pair.local_id


async def test_a_seat_that_is_taken_is_named_to_the_others_when_it_hears_them(
    lines: Lines, pair: Pair
) -> None:
    line, call = await lines.seat(CLERK, pair.call_id)
    [since] = [seat["since"] for seat in call["seats"] if seat["id"] == pair.local_id]
    taken = {"seat_id": pair.local_id, "since": since}
    while (await heard(pair.remote, "call.changed"))["taken"] != taken:
        pass
    said = {"call_id": pair.call_id, "to": pair.local_id, "candidate": None}
    await pair.remote.say("signal.sent", said)
    assert (await heard(line, "signal.received"))["from"] == pair.remote_id


async def test_signals_go_between_ends_of_one_call_only(lines: Lines, pair: Pair) -> None:
    _, other_call = await lines.halls.in_call(ZHOU, OTHER_CLERK)
    _, theirs = await lines.seat(ZHOU, other_call)
    shown, citizen = await lines.seat(screen(), pair.call_id)
    for to in (pair.local_id, theirs["my_seat"], citizen["my_seat"], "0" * 32):
        signal = {"call_id": pair.call_id, "to": to, "candidate": None}
        assert await code_of(pair.local, "signal.sent", signal) == "signal.invalid", to
    signal = {"call_id": pair.call_id, "to": pair.local_id, "candidate": None}
    assert await code_of(shown, "signal.sent", signal) == "signal.invalid"
    signal = {"call_id": other_call, "to": theirs["my_seat"], "candidate": None}
    assert await code_of(pair.local, "signal.sent", signal) == "call.unknown"


async def test_the_screen_and_the_agent_signal_to_each_other(lines: Lines, pair: Pair) -> None:
    shown, citizen = await lines.seat(screen(), pair.call_id)
    signal = {"call_id": pair.call_id, "to": pair.remote_id, "candidate": None}
    assert await code_of(shown, "signal.sent", signal) == ""
    got = await heard(pair.remote, "signal.received")
    assert got["from"] == citizen["my_seat"]


@pytest.mark.parametrize("who", [STRANGER, ZHOU, OTHER_CLERK])
async def test_who_has_no_seat_neither_takes_one_nor_signals(
    lines: Lines, pair: Pair, who: Actor
) -> None:
    wire = await lines.socket(who)
    said = [
        await code_of(wire, "seat.taken", {"call_id": pair.call_id}),
        await code_of(wire, "seat.reported", {"call_id": pair.call_id, "state": "connected"}),
        await code_of(wire, "signal.sent", pair.to_remote(candidate=None)),
        await code_of(wire, "pointer.moved", pointer(pair)),
        await code_of(wire, "devices.switched", switched(pair)),
    ]
    assert said == ["call.unknown"] * 5
    assert await code_of(wire, "signal.sent", {**pair.to_remote(), "call_id": "0" * 32,
                                               "candidate": None}) == "call.unknown"  # fmt: skip


async def test_a_second_tab_takes_the_seat_over_and_the_first_is_out(
    lines: Lines, pair: Pair
) -> None:
    second, call = await lines.seat(CLERK, pair.call_id)
    assert call["my_seat"] == pair.local_id
    assert (await heard(pair.local, "seat.lost"))["call_id"] == pair.call_id
    assert await code_of(pair.local, "signal.sent", pair.to_remote(candidate=None)) == (
        "seat.missing"
    )
    report = {"call_id": pair.call_id, "state": "connected"}
    assert await code_of(pair.local, "seat.reported", report) == "seat.missing"
    signal = {"call_id": pair.call_id, "to": pair.local_id, "candidate": None}
    assert await code_of(pair.remote, "signal.sent", signal) == ""
    assert (await heard(second, "signal.received"))["from"] == pair.remote_id
    assert not [frame for frame in await silence(pair.local) if "signal" in frame]


async def test_of_tabs_that_take_a_seat_at_once_the_one_that_has_it_hears_signals_alone(
    lines: Lines, pair: Pair
) -> None:
    tabs = [await lines.socket(CLERK) for _ in range(8)]
    order = {"call_id": pair.call_id}
    said = await asyncio.gather(*(tab.say("seat.taken", order) for tab in tabs))
    signal = {"call_id": pair.call_id, "to": pair.local_id, "candidate": None}
    assert await code_of(pair.remote, "signal.sent", signal) == ""
    hearing = []
    for tab, answer in zip(tabs, said, strict=True):
        if [frame for frame in await silence(tab) if "signal.received" in frame]:
            hearing.append(answer["error"])
    assert hearing == [None]


async def test_a_socket_that_goes_away_is_noticed_at_the_other_end(
    lines: Lines, pair: Pair
) -> None:
    for wire in (pair.local, pair.remote):
        report = {"call_id": pair.call_id, "state": "connected"}
        assert await code_of(wire, "seat.reported", report) == ""
    assert (await lines.halls.call(pair.call_id)).state is CallState.CONNECTED
    await pair.local.ws.close()
    while (await heard(pair.remote, "call.changed"))["state"] != "interrupted":
        pass
    _, call = await lines.seat(CLERK, pair.call_id)
    assert (call["my_seat"], call["state"]) == (pair.local_id, "interrupted")


async def test_after_the_call_nothing_passes_any_more(lines: Lines, pair: Pair) -> None:
    status, said = await lines.site.ask(
        "POST", f"/api/calls/{pair.call_id}/hang-up", "wang", json={"reason": "finished"}
    )
    assert (status, said["data"]["state"]) == (200, "ended")
    assert (await heard(pair.local, "call.ended"))["reason"] == "finished"
    for event, data in (
        ("signal.sent", pair.to_remote(candidate=None)),
        ("pointer.moved", pointer(pair)),
        ("devices.switched", switched(pair)),
        ("seat.taken", {"call_id": pair.call_id}),
        ("seat.reported", {"call_id": pair.call_id, "state": "connected"}),
    ):
        assert await code_of(pair.local, event, data) == "call.over", event


def pointer(pair: Pair, **changed: object) -> dict[str, object]:
    stream = f"{pair.remote_id}:camera"
    return {"call_id": pair.call_id, "stream": stream, "x": 0.25, "y": 1, **changed}


def switched(pair: Pair) -> dict[str, object]:
    return {"call_id": pair.call_id, "microphone": False, "camera": True, "sends": "voice"}


async def test_the_others_learn_which_devices_are_on(lines: Lines, pair: Pair) -> None:
    assert await code_of(pair.local, "devices.switched", switched(pair)) == ""
    got = await heard(pair.remote, "devices.switched")
    assert got == {**switched(pair), "event": "devices.switched", "from": pair.local_id}
    assert not [frame for frame in await silence(pair.local) if "devices" in frame]
    strange = {**switched(pair), "sends": "nothing"}
    assert await code_of(pair.local, "devices.switched", strange) == "event.invalid"


async def test_a_pointer_is_seen_by_the_others_in_the_call(lines: Lines, pair: Pair) -> None:
    shown, _ = await lines.seat(screen(), pair.call_id)
    assert await code_of(pair.local, "pointer.moved", pointer(pair)) == ""
    for wire in (pair.remote, shown):
        got = await heard(wire, "pointer.moved")
        assert (got["from"], got["x"], got["y"]) == (pair.local_id, 0.25, 1)
    assert not [frame for frame in await silence(pair.local) if "pointer" in frame]


@pytest.mark.parametrize(
    "changed", [{"x": 1.01}, {"y": -0.01}, {"x": float("nan")}, {"stream": "x:camera"}, {"z": 1}]
)
async def test_a_pointer_off_the_picture_is_refused(pair: Pair, changed: dict[str, object]) -> None:
    assert await code_of(pair.local, "pointer.moved", pointer(pair, **changed)) == "event.invalid"


async def test_a_still_is_asked_of_the_counters_socket_and_its_end_told_to_both(
    lines: Lines, pair: Pair
) -> None:
    status, said = await lines.site.ask(
        "POST", f"/api/calls/{pair.call_id}/stills", "wang",
        json={"kind": "id-card", "remark": ""}, key="key-00001",
    )  # fmt: skip
    assert status == 200
    still = said["data"]
    asked = await heard(pair.local, "still.requested")
    assert (asked["id"], asked["state"]) == (still["id"], "asked")
    status, said = await lines.site.ask(
        "POST", f"/api/stills/{still['id']}/refusal", "li", json={"reason": "反光"}
    )
    assert (status, said["data"]["state"]) == (200, "refused")
    for wire in (pair.local, pair.remote):
        assert (await heard(wire, "still.closed"))["id"] == still["id"]


async def test_both_clerks_hear_that_their_call_has_started(lines: Lines) -> None:
    counter, remote = await lines.socket(CLERK), await lines.socket(WANG)
    facing = await lines.socket(screen())
    _, call_id = await lines.halls.in_call()
    for wire in (counter, remote, facing):
        assert (await heard(wire, "call.started"))["call_id"] == call_id


async def test_a_socket_that_lost_its_seat_before_it_came_in_is_put_out_again(
    lines: Lines, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = await lines.socket(CLERK), await lines.socket(CLERK)
    came, may_go_on = asyncio.Event(), asyncio.Event()
    enter = Hub.enter

    async def enter_late(hub: Hub, connection: Connection, room: str) -> None:
        if not came.is_set():
            came.set()
            await may_go_on.wait()
        await enter(hub, connection, room)

    monkeypatch.setattr(Hub, "enter", enter_late)
    order = {"call_id": pair.call_id}
    held_up = asyncio.create_task(slow.say("seat.taken", order))
    await came.wait()
    assert await code_of(fast, "seat.taken", order) == ""
    may_go_on.set()
    assert (await held_up)["error"]["code"] == "seat.taken"
    signal = {"call_id": pair.call_id, "to": pair.local_id, "candidate": None}
    assert await code_of(pair.remote, "signal.sent", signal) == ""
    assert (await heard(fast, "signal.received"))["from"] == pair.remote_id
    assert not [frame for frame in await silence(slow) if "signal.received" in frame]


def stroke(pair: Pair, **changed: object) -> dict[str, object]:
    stream = f"{pair.remote_id}:screen"
    points = [[0, 0.5], [0.25, 1]]
    return {
        "call_id": pair.call_id, "stream": stream, "stroke": "a1", "points": points, **changed,
    }  # fmt: skip


async def test_what_is_drawn_is_seen_by_the_others_until_it_is_cleared(
    lines: Lines, pair: Pair
) -> None:
    shown, _ = await lines.seat(screen(), pair.call_id)
    cleared = {"call_id": pair.call_id, "stream": stroke(pair)["stream"]}
    for event, said in (("mark.drawn", stroke(pair)), ("marks.cleared", cleared)):
        assert await code_of(pair.local, event, said) == ""
        for wire in (pair.remote, shown):
            assert await heard(wire, event) == {"event": event, "from": pair.local_id, **said}
    assert not [frame for frame in await silence(pair.local) if "mark" in frame]
    case_id = (await lines.halls.call(pair.call_id)).case_id
    assert not [kind for kind in await lines.halls.log(case_id) if "mark" in kind]


@pytest.mark.parametrize(
    "changed",
    [
        {"points": []},
        {"points": [[0.5, 0.5]] * (MOST_POINTS + 1)},
        {"points": [[0.5, 1.01]]},
        {"points": [[0.5]]},
        {"points": [[0.5, float("inf")]]},
        {"stroke": ""},
        {"stroke": "a" * 17},
        {"stream": "0" * 32 + ":camera"},
        {"colour": "red"},
    ],
)
async def test_a_stroke_of_another_shape_is_refused(pair: Pair, changed: dict[str, object]) -> None:
    assert await code_of(pair.local, "mark.drawn", stroke(pair, **changed)) == "event.invalid"


async def test_who_has_no_seat_draws_nothing(lines: Lines, pair: Pair) -> None:
    wire = await lines.socket(OTHER_CLERK)
    assert await code_of(wire, "mark.drawn", stroke(pair)) == "call.unknown"
    cleared = {"call_id": pair.call_id, "stream": stroke(pair)["stream"]}
    assert await code_of(wire, "marks.cleared", cleared) == "call.unknown"
