"""Legs and workers over real sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.access import Actor
from server.calls.rules import MAX_LEG_SDP, Topology
from server.calls.service import Calls
from server.db.unit import Unit
from server.errors import ServiceError
from server.relays.worker import DROPPED
from tests.server.calls.conftest import Lines
from tests.server.calls.test_socket import SDP, code_of, heard
from tests.support.halls import CLERK, STRANGER, WANG
from tests.support.relay import id_of
from tests.support.wire import Wire


def a_report(name: str, *legs: str) -> dict[str, object]:
    return {"worker_id": id_of(name), "name": name, "capacity": 10, "legs": list(legs)}


async def report(worker: Wire, name: str, *legs: str) -> None:
    assert (await worker.say("worker.reported", a_report(name, *legs)))["error"] is None


async def opened(wire: Wire, **near: str) -> str:
    said = await wire.say("leg.opened", {"near": near or None})
    assert said["error"] is None, said
    return str(said["data"]["leg_id"])


async def connect(wire: Wire, worker: Wire) -> str:
    """Open a leg and have it answered, as a browser and a worker do."""
    leg_id = await opened(wire)
    assert (await wire.say("leg.offered", {"leg_id": leg_id, "n": 1, "sdp": SDP}))["error"] is None
    assert await worker.notice() == ("leg.offered", {"leg_id": leg_id, "n": 1, "sdp": SDP})
    await worker.say("leg.answered", {"leg_id": leg_id, "n": 1, "sdp": "v=0 answer"})
    assert await heard(wire, "leg.answered") == {
        "event": "leg.answered", "leg_id": leg_id, "n": 1, "sdp": "v=0 answer",
    }  # fmt: skip
    await worker.say("leg.changed", {"leg_id": leg_id, "state": "connected"})
    return leg_id


async def in_call(lines: Lines, worker: Wire) -> tuple[str, dict[str, Wire], dict[str, str]]:
    """Both clerks seated on legs of a worker: the call, their sockets and legs."""
    wires = {who.name: await lines.socket(who) for who in (CLERK, WANG)}
    legs = {name: await connect(wire, worker) for name, wire in wires.items()}
    _, call_id = await lines.halls.in_call()
    for name, wire in wires.items():
        said = await wire.say("seat.taken", {"call_id": call_id, "leg_id": legs[name]})
        assert said["data"]["my_leg"] == legs[name]
    return call_id, wires, legs


async def test_what_workers_dropped_is_counted_by_reason(lines: Lines) -> None:
    worker = await lines.worker()
    before = DROPPED.labels("foreign")._value.get()
    for dropped in ({"foreign": 3}, {}, {"foreign": 4}):
        said = await worker.say("worker.reported", a_report("w1") | {"dropped": dropped})
        assert said["error"] is None
    assert DROPPED.labels("foreign")._value.get() == before + 7
    said = await worker.say("worker.reported", a_report("w1") | {"dropped": {"No word": 1}})
    assert said["error"] is not None


async def test_a_tab_and_a_worker_speak_of_a_leg(lines: Lines) -> None:
    worker, wire = await lines.worker(), await lines.socket(CLERK)
    assert (await wire.say("leg.opened", {}))["data"] is None
    await report(worker, "w1")
    leg_id = await connect(wire, worker)
    assert await opened(wire) == leg_id
    mapped = {"leg_id": leg_id, "call_id": id_of("c"), "streams": []}
    for event, data in (
        ("negotiation.wanted", {"leg_id": leg_id, "audio": 2, "video": 3, "again": True}),
        ("streams.mapped", mapped),
        ("leg.refused", {"leg_id": leg_id, "n": 2, "code": "worker.full"}),
    ):
        await worker.say(event, data)
        assert await heard(wire, event) == {"event": event, **data}
    await worker.say("leg.refused", {"leg_id": leg_id, "n": 2, "code": "whatever it says"})
    assert (await heard(wire, "leg.refused"))["code"] == "signal.invalid"
    assert (await wire.say("leg.closed", {"leg_id": leg_id}))["error"] is None
    assert await worker.notice() == ("leg.closed", {"leg_id": leg_id})


async def test_a_foreign_leg_is_unknown(lines: Lines) -> None:
    worker, wire, other = (
        await lines.worker(), await lines.socket(CLERK), await lines.socket(CLERK),
    )  # fmt: skip
    await report(worker, "w1")
    leg_id = await connect(wire, worker)
    _, call_id = await lines.halls.in_call()
    for thief in (other, await lines.socket(STRANGER)):
        offer = {"leg_id": leg_id, "n": 2, "sdp": SDP}
        assert await code_of(thief, "leg.offered", offer) == "leg.unknown"
        assert await code_of(thief, "leg.closed", {"leg_id": leg_id}) == "leg.unknown"
    seat = {"call_id": call_id, "leg_id": leg_id}
    assert await code_of(other, "seat.taken", seat) == "leg.unknown"


@pytest.mark.parametrize(
    "sdp",
    [
        SDP + "a=" + "x" * MAX_LEG_SDP + "\r\n",
        SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 33,
        SDP + "c=IN IP4 evil.example\r\n",
        "hello",
        "",
    ],
)
async def test_an_offer_that_is_none_never_reaches_a_worker(lines: Lines, sdp: str) -> None:
    worker, wire = await lines.worker(), await lines.socket(CLERK)
    await report(worker, "w1")
    leg_id = await opened(wire)
    offer = {"leg_id": leg_id, "n": 1, "sdp": sdp}
    assert await code_of(wire, "leg.offered", offer) == "signal.invalid"
    await wire.say("leg.closed", {"leg_id": leg_id})
    assert (await worker.notice() or ("",))[0] == "leg.closed"


async def test_a_leg_that_serves_many_others_may_have_many_sections(lines: Lines) -> None:
    worker, wire = await lines.worker(), await lines.socket(CLERK)
    await report(worker, "w1")
    leg_id = await opened(wire)
    sdp = SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 32
    assert await code_of(wire, "leg.offered", {"leg_id": leg_id, "n": 1, "sdp": sdp}) == ""


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("leg.opened", {"near": {}}),
        ("leg.opened", {"near": {"case_id": "0" * 32, "call_id": "0" * 32}}),
        ("leg.opened", {"near": {"call_id": "x"}}),
        ("leg.opened", {"near": None, "worker_id": "0" * 32}),
        ("leg.offered", {"leg_id": "0" * 32, "n": -1, "sdp": SDP}),
        ("leg.offered", {"leg_id": "0" * 32, "n": 1, "sdp": None}),
        ("seat.moved", {"call_id": "0" * 32}),
    ],
)
async def test_what_has_another_shape_is_refused(
    lines: Lines, event: str, said: dict[str, Any]
) -> None:
    assert await code_of(await lines.socket(CLERK), event, said) == "event.invalid"


async def test_a_worker_speaks_to_the_tabs_of_its_own_legs_only(lines: Lines) -> None:
    worker, other = await lines.worker(), await lines.worker()
    await report(worker, "w1")
    wire = await lines.socket(CLERK)
    leg_id = await connect(wire, worker)
    await report(other, "w2")
    for event in ("leg.answered", "leg.refused"):
        await other.say(event, {"leg_id": leg_id, "n": 1, "sdp": "x", "code": "x"})
    await other.say("leg.answered", {"leg_id": leg_id, "n": 1, "sdp": "theirs"})
    await other.say("leg.changed", {"leg_id": leg_id, "state": "closed"})
    await worker.say("leg.answered", {"leg_id": leg_id, "n": 9, "sdp": "ours"})
    assert (await heard(wire, "leg.answered", "leg.lost"))["n"] == 9


async def test_an_accepted_offer_is_arranged_before_anybody_asks(lines: Lines) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, _, legs = await in_call(lines, worker)
    event, arranged = await worker.notice() or ("", {})
    assert (event, arranged["call_id"]) == ("call.arranged", call_id)
    assert [seat["leg_id"] for seat in arranged["seats"]] == [legs[CLERK.name], legs[WANG.name]]


async def test_a_killed_worker_is_seen_by_its_socket_long_before_its_lease(lines: Lines) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, wires, legs = await in_call(lines, worker)
    assert worker.ws._response.connection is not None
    # The clock of the test stands still, so that the lease never ends.
    worker.ws._response.connection.transport.abort()  # type: ignore[union-attr]
    for name, wire in wires.items():
        lost = await heard(wire, "leg.lost")
        assert lost == {"event": "leg.lost", "leg_id": legs[name], "reason": "worker_lost"}
        assert (await heard(wire, "call.changed"))["call_id"] == call_id
    call = await lines.halls.call(call_id)
    assert (call.topology, call.worker_id) == (Topology.DIRECT, None)


async def test_a_worker_that_connects_again_goes_on(lines: Lines) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, wires, legs = await in_call(lines, worker)
    again = await lines.worker()
    stray = id_of("stray")
    said = ["worker.reported", a_report("w1", stray, *legs.values())]
    await again.send(f"42/media,{json.dumps(said)}")
    told = {}
    for _ in range(2):
        event, data = await again.notice() or ("", {})
        told[event] = data
    assert told["leg.closed"] == {"leg_id": stray}
    assert {seat["leg_id"] for seat in told["call.arranged"]["seats"]} == set(legs.values())
    await worker.ws.close()
    await report(again, "w1", *legs.values())
    assert (await lines.halls.call(call_id)).worker_id == id_of("w1")
    assert await opened(wires[CLERK.name]) == legs[CLERK.name]


async def test_a_call_that_could_not_be_told_is_told_before_the_worker_has_heard_all(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, _, legs = await in_call(lines, worker)
    again = await lines.worker()

    async def busy(_calls: Calls, _unit: Unit, _call_id: str) -> None:
        raise ServiceError("server.busy")

    with monkeypatch.context() as held:
        held.setattr(Calls, "rearrange", busy)
        await report(again, "w1", *legs.values())
    said = ["worker.reported", a_report("w1", *legs.values())]
    await again.send(f"42/media,{json.dumps(said)}")
    event, arranged = await again.notice() or ("", {})
    assert (event, arranged["call_id"]) == ("call.arranged", call_id)
    assert await again.notice() == ("calls.told", {})


async def test_a_call_that_cannot_be_told_is_tried_ever_more_seldom_and_logged_in_full_once(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    _, _, legs = await in_call(lines, worker)
    again, tried, after = await lines.worker(), list[str](), list[int]()

    async def broken(_calls: Calls, _unit: Unit, call_id: str) -> None:
        tried.append(call_id)
        raise ZeroDivisionError

    monkeypatch.setattr(Calls, "rearrange", broken)
    with capture_logs() as logged:
        for _ in range(9):
            await report(again, "w1", *legs.values())
            after.append(len(tried))
    assert after == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    full = [one.get("exc_info", False) for one in logged if one["event"] == "call not told"]
    assert full == [True, False, False, False]


async def test_a_tab_that_comes_back_on_a_new_socket_hears_its_streams_again(
    lines: Lines,
) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, wires, legs = await in_call(lines, worker)
    assert (await worker.notice() or ("",))[0] == "call.arranged"
    leg_id = legs[CLERK.name]
    await wires[CLERK.name].ws.close()
    again = await lines.socket(CLERK)
    said = await again.say("leg.opened", {"near": {"call_id": call_id}, "leg_id": leg_id})
    assert said["data"]["leg_id"] == leg_id
    assert await worker.notice() == ("leg.resumed", {"leg_id": leg_id})
    mapped = {"leg_id": leg_id, "call_id": call_id, "streams": []}
    await worker.say("streams.mapped", mapped)
    assert await heard(again, "streams.mapped") == {"event": "streams.mapped", **mapped}


@pytest.mark.parametrize("who", [STRANGER])
async def test_a_call_of_another_region_is_not_there(lines: Lines, who: Actor) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    _, call_id = await lines.halls.in_call()
    wire = await lines.socket(who)
    near = {"near": {"call_id": call_id}}
    assert await code_of(wire, "leg.opened", near) == "call.unknown"
    leg_id = await opened(wire)
    moved = {"call_id": call_id, "leg_id": leg_id}
    assert await code_of(wire, "seat.moved", moved) == "call.unknown"
    assert await code_of(wire, "seat.taken", moved) == "call.unknown"


async def test_a_tab_hears_itself_and_what_its_worker_counted(lines: Lines) -> None:
    worker, wire, other = (
        await lines.worker(), await lines.socket(CLERK), await lines.socket(CLERK),
    )  # fmt: skip
    await report(worker, "w1")
    leg_id = await connect(wire, worker)
    probe = {"leg_id": leg_id, "seconds": 5}
    assert await code_of(wire, "leg.probed", probe) == ""
    assert await worker.notice() == ("leg.probed", probe)
    measured = {"leg_id": leg_id, "packets": 900, "lost": 3}
    await worker.say("leg.measured", measured)
    assert await heard(wire, "leg.measured") == {"event": "leg.measured", **measured}
    assert await code_of(other, "leg.probed", probe) == "leg.unknown"
    for seconds in (0, 11, 2.5):
        wrong = {"leg_id": leg_id, "seconds": seconds}
        assert await code_of(wire, "leg.probed", wrong) == "event.invalid", seconds


async def test_somebody_probes_ten_times_a_minute_at_most(lines: Lines) -> None:
    worker, wire = await lines.worker(), await lines.socket(CLERK)
    await report(worker, "w1")
    probe = {"leg_id": await connect(wire, worker), "seconds": 1}
    said = [await code_of(wire, "leg.probed", probe) for _ in range(11)]
    assert said == [""] * 10 + ["rate.exceeded"]


async def test_a_leg_with_a_seat_of_a_call_is_not_probed(lines: Lines) -> None:
    worker = await lines.worker()
    await report(worker, "w1")
    call_id, wires, legs = await in_call(lines, worker)
    probe = {"leg_id": legs[CLERK.name], "seconds": 5}
    assert await code_of(wires[CLERK.name], "leg.probed", probe) == "leg.busy"
    await lines.halls.hang_up(WANG, call_id)
    assert await code_of(wires[CLERK.name], "leg.probed", probe) == ""
