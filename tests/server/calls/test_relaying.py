"""Calls over the relay, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from server.access import Actor
from server.calls import messages as wire
from server.calls.queries import loose_calls
from server.calls.rules import CallState, SeatSide, Topology, hears
from server.calls.worker import CallWorker
from server.db.unit import Units
from server.errors import ServiceError
from server.relays import messages as relay_wire
from server.rooms import MEDIA
from server.staff.models import Login
from server.staff.rules import EndReason as StaffEnd
from tests.server.calls.test_call_races import refusals
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, OTHER_CLERK, STRANGER, WANG, ZHOU, Halls, enlist, screen
from tests.support.relay import Relay, id_of


@dataclass
class Stage:
    """Halls with media workers. A tab is a socket, called like whom it belongs to."""

    halls: Halls
    relay: Relay
    news: News

    async def open(
        self, who: Actor, *, has: str | None = None, sid: str = "", **near: str
    ) -> str | None:
        said = relay_wire.LegOpened.model_validate({"near": near or None, "leg_id": has})
        async with self.halls.units.open() as unit:
            leg = await self.halls.calls.open_leg(unit, who, sid or who.name, said)
            return None if leg is None else leg.leg_id

    async def connected(self, who: Actor, worker: str, *, sid: str = "", **near: str) -> str:
        leg_id = await self.open(who, sid=sid, **near)
        assert leg_id is not None
        await self.relay.change(worker, leg_id, "connected")
        return leg_id

    async def sit(self, who: Actor, call_id: str, leg_id: str | None, sid: str = "") -> wire.Call:
        async with self.halls.units.open() as unit:
            call, _, _ = await self.halls.calls.take_seat(
                unit, who, call_id, sid or who.name, leg_id
            )
            return call

    async def move_seat(self, who: Actor, call_id: str, leg_id: str, sid: str = "") -> wire.Call:
        said = wire.SeatMoved(call_id=call_id, leg_id=leg_id)
        async with self.halls.units.open() as unit:
            return await self.halls.calls.move_seat(unit, who, sid or who.name, said)

    async def settle(self) -> None:
        async with self.halls.units.database.reading() as session:
            loose = await loose_calls(session)
        for call_id in loose:
            async with self.halls.units.open() as unit:
                await self.halls.calls.settle(unit, call_id)

    async def bring_back(self, call_id: str) -> None:
        async with self.halls.units.open() as unit:
            await self.halls.calls.bring_back(unit, call_id)

    async def seat_of(self, call_id: str, side: SeatSide) -> Any:  # noqa: ANN401
        return next(seat for seat in await self.halls.seats(call_id) if seat.side is side)

    async def on_legs(self, call_id: str) -> list[str | None]:
        return [seat.leg_id for seat in await self.halls.seats(call_id)]

    def arranged(self, worker: str) -> list[dict[str, Any]]:
        """Every arrangement that a worker was told."""
        return [
            dict(n.data) for n in self.news.notices
            if n.event == "call.arranged" and n.room == f"worker:{id_of(worker)}"
            and n.namespace == MEDIA
        ]  # fmt: skip

    def lost(self) -> set[tuple[str, object]]:
        return {(n.room, n.data["leg_id"]) for n in self.news.notices if n.event == "leg.lost"}

    async def met(self) -> tuple[str, str, str, str]:
        """Both clerks on legs of `w1` before the call; the case, the call and their legs."""
        await self.relay.report("w1")
        at_counter = await self.connected(CLERK, "w1")
        at_agent = await self.connected(WANG, "w1")
        case_id, call_id = await self.halls.in_call()
        return case_id, call_id, at_counter, at_agent


@pytest.fixture
def stage(halls: Halls, units: Units, news: News) -> Stage:
    return Stage(halls, Relay(units, halls.calls.relays), news)


@pytest.fixture
def either_stage(either_halls: Halls, either_units: Units, news: News) -> Stage:
    return Stage(either_halls, Relay(either_units, either_halls.calls.relays), news)


async def refused(code: str, attempt: Any) -> None:  # noqa: ANN401 (any verb)
    with pytest.raises(ServiceError) as found:
        await attempt
    assert found.value.code == code


def test_who_hears_whom_is_said_for_every_pair() -> None:
    letters = {side: side.value[0].upper() for side in SeatSide} | {SeatSide.OBSERVER: "B"}
    heard = {
        letters[one] + letters[other] for one, other in product(SeatSide, SeatSide)
        if hears(one, other)
    }  # fmt: skip
    assert heard == {
        "LR", "LA", "RL", "RA", "AL", "AR", "AA", "CR", "CA", "BL", "BR", "BA",
    }  # fmt: skip


async def test_without_a_worker_a_call_is_direct(stage: Stage) -> None:
    case_id, call_id = await stage.halls.in_call()
    call = await stage.sit(CLERK, call_id, None)
    assert (call.topology, len(call.ends), call.my_leg) == (Topology.DIRECT, 1, None)
    assert "call.relayed" not in await stage.halls.log(case_id)
    assert await stage.open(CLERK, call_id=call_id) is None
    with pytest.raises(ServiceError, match=r"leg\.elsewhere"):
        await stage.move_seat(CLERK, call_id, id_of("x"))


async def test_a_direct_call_is_relayed_once_both_halls_have_a_leg_where_they_meet(
    either_stage: Stage, news: News
) -> None:
    case_id, call_id = await either_stage.halls.in_call()
    for who in (CLERK, WANG):
        await either_stage.sit(who, call_id, None)
    workers = {id_of(name): name for name in ("w1", "w2", "w3")}
    for name in workers.values():
        await either_stage.relay.report(name)
    # Whoever has a leg elsewhere gets another one.
    await either_stage.relay.connected(CLERK.name, "w1", holder=CLERK.id, on="w1")
    first = await either_stage.open(CLERK, call_id=call_id)
    [leg] = [leg for leg in await either_stage.relay.legs() if leg.id == first]
    meeting = workers[leg.worker_id]
    await either_stage.relay.change(meeting, leg.id, "connected")
    await either_stage.bring_back(call_id)
    assert (await either_stage.halls.call(call_id)).topology is Topology.DIRECT
    second = await either_stage.connected(WANG, meeting, call_id=call_id)
    news.notices.clear()
    await asyncio.gather(*(either_stage.bring_back(call_id) for _ in range(3)))
    call = await either_stage.halls.call(call_id)
    assert (call.topology, call.worker_id) == (Topology.RELAY, leg.worker_id)
    assert await either_stage.on_legs(call_id) == [leg.id, second]
    assert (await either_stage.halls.log(case_id)).count("call.moved") == 1
    [arranged] = either_stage.arranged(meeting)
    assert len(arranged["seats"]) == 2
    assert "call.changed" in {notice.event for notice in news.notices}


async def test_a_call_that_is_over_is_not_brought_back(stage: Stage) -> None:
    case_id, call_id = await stage.halls.in_call()
    for who in (CLERK, WANG):
        await stage.sit(who, call_id, None)
    await stage.relay.report("w1")
    for who in (CLERK, WANG):
        await stage.connected(who, "w1", call_id=call_id)
    await stage.halls.hang_up(WANG, call_id)
    await stage.bring_back(call_id)
    assert (await stage.halls.call(call_id)).topology is Topology.DIRECT
    assert "call.moved" not in await stage.halls.log(case_id)


async def test_an_accepted_offer_puts_both_seats_on_their_legs_at_once(
    either_stage: Stage,
) -> None:
    case_id, call_id, at_counter, at_agent = await either_stage.met()
    call = await either_stage.halls.call(call_id)
    assert (call.topology, call.worker_id) == (Topology.RELAY, id_of("w1"))
    local, remote = await either_stage.halls.seats(call_id)
    unrecorded = {"record": None, "paused": False}
    assert either_stage.arranged("w1") == [
        {
            "call_id": call_id,
            "version": 1,
            "seats": [
                {"seat_id": local.id, "leg_id": at_counter, "hears": [remote.id], **unrecorded},
                {"seat_id": remote.id, "leg_id": at_agent, "hears": [local.id], **unrecorded},
            ],
        }
    ]
    assert (await either_stage.halls.log(case_id))[-1] == "call.relayed"


async def test_a_call_is_on_the_worker_of_its_counters_leg(stage: Stage) -> None:
    await stage.relay.report("w1", capacity=100)
    await stage.connected(CLERK, "w1")
    await stage.relay.report("w2", capacity=1000)
    for number in range(5):
        await stage.relay.open(f"somebody-{number}")
    at_agent = await stage.connected(WANG, "w2")
    case_id = await stage.halls.case()
    await stage.halls.take(case_id)
    await stage.halls.become(WANG)
    offer = await stage.halls.offer_to(WANG)
    near = await stage.connected(WANG, "w1", offer_id=offer.id)
    assert near != at_agent
    call_id = await stage.halls.accept(WANG)
    assert (await stage.halls.call(call_id)).worker_id == id_of("w1")
    assert (await stage.on_legs(call_id))[1] == near


async def test_without_the_counters_leg_a_call_is_where_the_agent_is(stage: Stage) -> None:
    await stage.relay.report("w1")
    await stage.relay.report("w2")
    for number in range(4):
        await stage.relay.open(f"somebody-{number}", on="w2")
    await stage.relay.connected(WANG.name, "w2", holder=WANG.id, on="w2")
    _, call_id = await stage.halls.in_call()
    assert (await stage.halls.call(call_id)).worker_id == id_of("w2")


async def test_a_relayed_call_names_no_ends(stage: Stage) -> None:
    _, call_id, at_counter, _ = await stage.met()
    call = await stage.sit(CLERK, call_id, at_counter)
    assert (call.ends, call.my_leg) == ([], at_counter)
    assert len(stage.arranged("w1")) == 1, "nothing changed by sitting down where one was"


async def test_a_screen_hears_the_far_side_and_nobody_hears_it(stage: Stage) -> None:
    _, call_id, _, _ = await stage.met()
    at_screen = await stage.connected(screen(), "w1", call_id=call_id)
    await stage.sit(screen(), call_id, at_screen)
    local, remote, citizen = await stage.halls.seats(call_id)
    heard = {one["seat_id"]: one["hears"] for one in stage.arranged("w1")[-1]["seats"]}
    assert heard == {local.id: [remote.id], remote.id: [local.id], citizen.id: [remote.id]}


async def test_a_seat_moves_to_another_leg_and_keeps_its_epoch(either_stage: Stage) -> None:
    case_id, call_id, at_counter, _ = await either_stage.met()
    await either_stage.sit(CLERK, call_id, at_counter)
    before = await either_stage.seat_of(call_id, SeatSide.LOCAL)
    log = await either_stage.halls.log(case_id)
    other = await either_stage.relay.open(CLERK.name, holder=CLERK.id, has=id_of("gone"))
    assert other is not None
    call = await either_stage.move_seat(CLERK, call_id, other)
    after = await either_stage.seat_of(call_id, SeatSide.LOCAL)
    assert (call.my_leg, after.leg_id, after.since) == (other, other, before.since)
    assert await either_stage.halls.log(case_id) == log
    versions = [one["version"] for one in either_stage.arranged("w1")]
    assert versions == sorted(set(versions))


async def test_a_leg_serves_its_own_socket_alone(stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await stage.met()
    await stage.sit(CLERK, call_id, at_counter)
    for foreign in (at_agent, id_of("nothing")):
        await refused("leg.unknown", stage.sit(CLERK, call_id, foreign))
        await refused("leg.unknown", stage.move_seat(CLERK, call_id, foreign))
    await refused("leg.unknown", stage.sit(CLERK, call_id, at_counter, sid="another tab"))
    await refused("seat.missing", stage.move_seat(CLERK, call_id, at_counter, sid="another"))
    await refused("call.unknown", stage.move_seat(STRANGER, call_id, at_counter))
    assert await stage.on_legs(call_id) == [at_counter, at_agent]


async def test_a_leg_of_another_worker_is_elsewhere(stage: Stage) -> None:
    _, call_id, _, _ = await stage.met()
    await stage.relay.report("w2")
    elsewhere = await stage.relay.open(CLERK.name, holder=CLERK.id, on="w2")
    assert elsewhere is not None
    await refused("leg.elsewhere", stage.sit(CLERK, call_id, elsewhere))


async def test_a_leg_is_opened_near_what_its_actor_may_know_and_nothing_else(
    stage: Stage,
) -> None:
    case_id, call_id, _, _ = await stage.met()
    waiting = await stage.halls.case(OTHER_CLERK)
    await stage.halls.take(waiting, OTHER_CLERK)
    await stage.halls.become(ZHOU)
    offer = await stage.halls.offer_to(ZHOU)
    for near, code in (
        ({"case_id": case_id}, "case.unknown"),
        ({"call_id": call_id}, "call.unknown"),
        ({"offer_id": offer.id}, "offer.unknown"),
    ):
        assert await stage.open(ZHOU, **near)
        await refused(code, stage.open(STRANGER, **near))
        await refused(code, stage.open(STRANGER, **{next(iter(near)): id_of("nothing")}))
    await refused("call.unknown", stage.open(screen("pingwang-2"), call_id=call_id))
    assert await stage.open(screen(), call_id=call_id)
    await stage.halls.hang_up(WANG, call_id)
    await refused("call.over", stage.open(CLERK, call_id=call_id))


async def test_a_tab_that_comes_back_has_its_leg_and_its_seat_again(either_stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await either_stage.met()
    await either_stage.sit(CLERK, call_id, at_counter)
    async with either_stage.halls.units.open() as unit:
        await either_stage.relay.relays.forget_socket(unit, CLERK.name)
    await either_stage.halls.leave(call_id, CLERK.name)
    await either_stage.settle()
    assert await either_stage.on_legs(call_id) == [at_counter, at_agent]
    again = await either_stage.open(CLERK, sid="again", has=at_counter, call_id=call_id)
    assert again == at_counter
    call = await either_stage.sit(CLERK, call_id, again, sid="again")
    assert call.my_leg == at_counter
    assert len(either_stage.arranged("w1")) == 1


async def test_a_lost_leg_takes_its_seat_out_of_the_picture(either_stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await either_stage.met()
    await either_stage.relay.change("w1", at_counter, "failed")
    await either_stage.settle()
    assert await either_stage.on_legs(call_id) == [None, at_agent]
    [one] = either_stage.arranged("w1")[-1]["seats"]
    assert (one["leg_id"], one["hears"]) == (at_agent, [])
    assert either_stage.lost() == {(CLERK.name, at_counter)}


async def test_the_call_of_a_lost_worker_goes_to_another(either_stage: Stage) -> None:
    case_id, call_id, at_counter, at_agent = await either_stage.met()
    await either_stage.relay.report("w2")
    await either_stage.relay.part("w1")
    await either_stage.settle()
    call = await either_stage.halls.call(call_id)
    assert (call.topology, call.worker_id) == (Topology.RELAY, id_of("w2"))
    assert await either_stage.on_legs(call_id) == [None, None]
    assert either_stage.lost() == {(CLERK.name, at_counter), (WANG.name, at_agent)}
    [moved] = [e for e in await either_stage.halls.events(case_id) if e.kind == "call.moved"]
    assert moved.data == {"call_id": call_id, "topology": "relay", "reason": "worker_lost"}
    assert (f"clerk:{CLERK.id}", "call.changed") in either_stage.news.events()
    new = await either_stage.connected(CLERK, "w2", call_id=call_id)
    await either_stage.sit(CLERK, call_id, new)
    last = either_stage.arranged("w2")[-1]
    assert [one["leg_id"] for one in last["seats"]] == [new]
    assert last["version"] > either_stage.arranged("w1")[-1]["version"]


@pytest.mark.parametrize("there", ["w2", None])
async def test_who_asks_before_the_call_was_moved_is_not_left_without_a_leg(
    either_stage: Stage, there: str | None
) -> None:
    stage = either_stage
    case_id, call_id, _, _ = await stage.met()
    if there:
        await stage.relay.report(there)
    await stage.relay.part("w1")
    leg_id = await stage.open(CLERK, call_id=call_id)
    workers = [leg.worker_id for leg in await stage.relay.legs() if leg.id == leg_id]
    assert workers == ([id_of(there)] if there else [])
    assert (await stage.halls.log(case_id))[-1] == "call.moved"


async def test_with_no_other_worker_the_call_becomes_direct(either_stage: Stage) -> None:
    case_id, call_id, at_counter, _ = await either_stage.met()
    await either_stage.sit(CLERK, call_id, at_counter)
    await either_stage.relay.part("w1")
    await either_stage.settle()
    await either_stage.settle()
    async with either_stage.halls.units.database.reading() as session:
        call = await either_stage.halls.calls.read(session, CLERK, call_id)
    assert (call.topology, len(call.ends), call.my_leg) == (Topology.DIRECT, 1, None)
    assert (await either_stage.halls.log(case_id)).count("call.moved") == 1


async def test_the_timers_do_what_a_killed_process_left(stage: Stage, clock: SetClock) -> None:
    _, call_id, _, _ = await stage.met()
    await stage.relay.part("w1")
    timers = CallWorker(stage.halls.units, stage.halls.calls, set)
    clock.advance(seconds=1)
    await timers.tick()
    assert (await stage.halls.call(call_id)).topology is Topology.DIRECT


async def test_an_ended_call_frees_its_legs_for_the_next(either_stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await either_stage.met()
    await either_stage.halls.finish(call_id)
    over = either_stage.arranged("w1")[-1]
    assert (over["call_id"], over["seats"]) == (call_id, [])
    _, again = await either_stage.halls.in_call()
    assert await either_stage.on_legs(again) == [at_counter, at_agent]


async def test_a_worker_that_comes_back_is_told_its_calls_again(either_stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await either_stage.met()
    assert await either_stage.relay.report("w1", at_agent, sid="w1 again")
    async with either_stage.halls.units.open() as unit:
        await either_stage.halls.calls.rearrange(unit, call_id)
    last = either_stage.arranged("w1")[-1]
    assert [one["leg_id"] for one in last["seats"]] == [at_agent]
    assert last["version"] == 2
    assert either_stage.lost() == {(CLERK.name, at_counter)}


async def test_a_worker_lost_while_an_offer_is_accepted_has_no_call(either_stage: Stage) -> None:
    await either_stage.halls.become(WANG)
    for turn in range(6):
        name = f"w{turn}"
        await either_stage.relay.report(name)
        await either_stage.connected(CLERK, name)
        case_id = await either_stage.halls.case()
        await either_stage.halls.take(case_id)
        offer = await either_stage.halls.offer_to(WANG)

        async def lose(name: str = name) -> None:
            await either_stage.relay.part(name)
            await either_stage.settle()

        assert await refusals(either_stage.halls.accept(WANG, offer.id), lose()) == []
        async with either_stage.halls.units.database.reading() as session:
            live = await either_stage.halls.calls.read_live(session, CLERK, case_id)
        assert live is not None
        assert live.topology is Topology.DIRECT
        await either_stage.halls.finish(live.id)


async def test_two_tabs_that_take_the_seat_at_once_leave_it_on_the_leg_of_one(
    either_stage: Stage,
) -> None:
    _, call_id, _, at_agent = await either_stage.met()
    legs = {
        f"tab-{number}": await either_stage.connected(CLERK, "w1", sid=f"tab-{number}")
        for number in range(4)
    }
    sits = (either_stage.sit(CLERK, call_id, leg_id, sid) for sid, leg_id in legs.items())
    assert await refusals(*sits) == []
    seat = await either_stage.seat_of(call_id, SeatSide.LOCAL)
    assert seat.leg_id == legs[seat.sid]
    last = max(either_stage.arranged("w1"), key=lambda one: int(one["version"]))
    assert [one["leg_id"] for one in last["seats"]] == [seat.leg_id, at_agent]


async def test_losing_a_worker_and_everything_else_at_once_ends_well(
    either_stage: Stage,
) -> None:
    _, call_id, at_counter, at_agent = await either_stage.met()

    async def lose() -> None:
        await either_stage.relay.part("w1")
        await either_stage.settle()

    said = await refusals(
        either_stage.sit(CLERK, call_id, at_counter),
        lose(),
        either_stage.sit(WANG, call_id, at_agent),
        either_stage.halls.report(CLERK, call_id, CallState.CONNECTED),
        *(either_stage.open(CLERK, sid=f"tab-{i}", call_id=call_id) for i in range(3)),
    )
    assert set(said) <= {"leg.unknown", "seat.missing"}
    await asyncio.gather(either_stage.settle(), either_stage.settle())
    call = await either_stage.halls.call(call_id)
    assert (call.topology, call.worker_id) == (Topology.DIRECT, None)
    assert await either_stage.on_legs(call_id) == [None, None]


async def test_a_leg_lapses_on_a_call_too(stage: Stage, clock: SetClock) -> None:
    _, call_id, at_counter, _ = await stage.met()
    clock.now += timedelta(seconds=61)
    async with stage.halls.units.open() as unit:
        await stage.relay.relays.lapse_leg(unit, at_counter)
    await stage.settle()
    assert (await stage.on_legs(call_id))[0] is None


async def test_a_login_that_has_ended_takes_its_media_along_with_its_socket(stage: Stage) -> None:
    _, call_id, at_counter, at_agent = await stage.met()
    await enlist(stage.halls, WANG)
    async with stage.halls.units.open() as unit:
        unit.session.add(
            Login(
                id=WANG.login_id, clerk_id=WANG.id, token_hash="h", created_at=unit.now,
                seen_at=unit.now, expires_at=unit.now + timedelta(hours=1), ended_at=unit.now,
                end_reason=StaffEnd.DISABLED,
            )
        )  # fmt: skip
    relays, closed = stage.halls.calls.relays, []
    for who in (CLERK, WANG):
        async with stage.halls.units.open() as unit:
            closed.append(await relays.forget_socket(unit, who.name))
    await stage.settle()
    assert closed == [False, True]
    assert await stage.on_legs(call_id) == [at_counter, None]
    told = [n.data["leg_id"] for n in stage.news.notices if n.event == "leg.closed"]
    assert told == [at_agent]
    assert [seat["leg_id"] for seat in stage.arranged("w1")[-1]["seats"]] == [at_counter]
