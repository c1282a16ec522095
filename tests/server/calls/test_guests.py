"""Advisers and observers: who may come into a call, what they may do there, and how they go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from server.access import Action, Actor, Role, Sitting
from server.calls import guest_messages as guest_wire
from server.calls import messages as wire
from server.calls.guest_queries import end_seat, open_invitations
from server.calls.models import Call
from server.calls.queries import find_sitting
from server.calls.rules import (
    INVITATION_LASTS,
    MOST_GUESTS,
    SEAT_LEASE,
    CallState,
    EndReason,
    InvitationState,
    SeatSide,
    negotiates,
    next_order,
)
from server.calls.service import Calls
from server.calls.talking import Talking
from server.calls.worker import CallWorker
from server.cases.record import Entry
from server.cases.rules import CaseState
from server.db.unit import Unit
from server.errors import ServiceError
from server.tickets.rules import LEASE_LASTS, AgentState
from tests.server.calls.test_calls import connect
from tests.support.database import News, SetClock
from tests.support.halls import (
    CLERK,
    DEQING,
    HUOQIU,
    OTHER_CLERK,
    STRANGER,
    WANG,
    WUJIANG,
    ZHOU,
    Halls,
    agent,
    clerk,
    screen,
)

CHIEF = clerk("fang", HUOQIU, Role.SUPERVISOR)
THEIR_CHIEF = clerk("lu", WUJIANG, Role.SUPERVISOR)
FAR_CHIEF = clerk("qiu", DEQING, Role.SUPERVISOR)
PROVINCE = replace(clerk("an", HUOQIU, Role.SUPERVISOR), region="340000", hall="")


@dataclass
class Visits:
    """The verbs of guests, each in a unit of its own."""

    halls: Halls

    async def run(self, verb: str, *said: Any) -> Any:  # noqa: ANN401 (any verb)
        async with self.halls.units.open() as unit:
            return await getattr(self.halls.calls, verb)(unit, *said)

    async def invite(
        self, call_id: str, whom: Actor = ZHOU, by: Actor = WANG
    ) -> guest_wire.Invitation:
        found: guest_wire.Invitation = await self.run("invite", by, call_id, whom.id)
        return found

    async def join(self, call_id: str, whom: Actor = ZHOU, by: Actor = WANG) -> wire.Call:
        """Have an agent be ready, asked in and seated."""
        await self.halls.become(whom)
        invitation = await self.invite(call_id, whom, by)
        found: wire.Call = await self.run("accept_invitation", whom, invitation.id)
        return found

    async def read(self, who: Actor, call_id: str) -> wire.Call:
        async with self.halls.units.database.reading() as session:
            return await self.halls.calls.read(session, who, call_id)

    async def sitting(self, who: Actor, case_id: str) -> Sitting:
        row = await self.halls.case_row(case_id)
        async with self.halls.units.database.reading() as session:
            return await find_sitting(session, who, row)

    async def sides(self, call_id: str) -> list[SeatSide]:
        return [seat.side for seat in await self.halls.seats(call_id)]

    def worker(self, *sids: str) -> CallWorker:
        return CallWorker(self.halls.units, self.halls.calls, lambda: set(sids))


@pytest.fixture
def visits(halls: Halls) -> Visits:
    return Visits(halls)


@pytest.fixture
def either_visits(either_halls: Halls) -> Visits:
    return Visits(either_halls)


async def refused(code: str, attempt: Any) -> None:  # noqa: ANN401 (any verb)
    with pytest.raises(ServiceError) as found:
        await attempt
    assert found.value.code == code


def test_guests_come_after_those_of_whom_each_call_has_one() -> None:
    assert next_order([0, 1]) == 3
    assert next_order([0, 1, 2, 3, 5]) == 6


def test_in_a_direct_call_all_pairs_connect_of_which_one_sends() -> None:
    assert all(
        negotiates(side, other)
        for side in (SeatSide.LOCAL, SeatSide.REMOTE, SeatSide.ADVISER)
        for other in (SeatSide.REMOTE, SeatSide.ADVISER, SeatSide.OBSERVER)
    )
    assert not negotiates(SeatSide.LOCAL, SeatSide.CITIZEN)
    assert not negotiates(SeatSide.OBSERVER, SeatSide.CITIZEN)
    assert not negotiates(SeatSide.OBSERVER, SeatSide.OBSERVER)


async def test_a_colleague_is_asked_comes_in_and_leaves_while_the_call_goes_on(
    either_visits: Visits, news: News
) -> None:
    visits, halls = either_visits, either_visits.halls
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.become(ZHOU)
    invitation = await visits.invite(call_id)
    assert await halls.state_of(ZHOU) is AgentState.OFFERED
    assert (f"clerk:{ZHOU.id}", "invitation.made") in news.events()
    told = news.events()
    assert (f"queue:{HUOQIU}", "queue.changed") in told[
        told.index((f"clerk:{ZHOU.id}", "invitation.made")) :
    ]
    [pending] = (await visits.read(CLERK, call_id)).invitations
    assert (pending.id, pending.name) == (invitation.id, ZHOU.name)
    call = await visits.run("accept_invitation", ZHOU, invitation.id)
    assert await halls.state_of(ZHOU) is AgentState.ON_CALL
    mine = next(seat for seat in call.seats if seat.id == call.my_seat)
    assert (mine.side, mine.office, mine.invited_by) == (
        SeatSide.ADVISER, "霍邱县政务服务中心", WANG.id,
    )  # fmt: skip
    await halls.sit(ZHOU, call_id)
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    left = await visits.run("depart", ZHOU, call_id)
    assert left.my_seat is None
    assert await visits.sides(call_id) == [SeatSide.LOCAL, SeatSide.REMOTE]
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    assert await halls.state_of(ZHOU) is AgentState.READY
    kinds = await halls.log(case_id)
    assert [kind for kind in kinds if kind.startswith("adviser.")] == [
        "adviser.invited", "adviser.joined", "adviser.left",
    ]  # fmt: skip


async def test_who_comes_back_has_the_seat_of_before_in_another_epoch(visits: Visits) -> None:
    _, call_id = await visits.halls.in_call()
    first = await visits.join(call_id)
    await visits.run("depart", ZHOU, call_id)
    again = await visits.join(call_id, by=CLERK)
    assert again.my_seat == first.my_seat
    since = [next(s.since for s in call.seats if s.id == call.my_seat) for call in (first, again)]
    assert since[1] > since[0]
    assert next(s for s in again.seats if s.id == again.my_seat).invited_by == CLERK.id


async def test_an_adviser_reads_and_writes_and_neither_issues_nor_ends_the_call(
    visits: Visits,
) -> None:
    halls = visits.halls
    case_id, call_id = await halls.in_call()
    await visits.join(call_id)
    assert await visits.sitting(ZHOU, case_id) is Sitting.ADVISER
    assert (await visits.read(ZHOU, call_id)).my_seat is not None
    async with halls.units.open() as unit:
        await Talking(halls.calls).say(unit, ZHOU, call_id, "户籍信息一致")
    assert (await halls.log(case_id))[-1] == "chat.said"
    for action in (
        Action.ISSUE_CERTIFICATE, Action.PREVIEW_CERTIFICATE, Action.EDIT_JURISDICTION_FIELD,
        Action.RECORD_CHECK, Action.REFUSE_CASE, Action.REVEAL_VALUE, Action.ASK_STILL,
        Action.INVITE_ADVISER, Action.RECORD_CALL,
    ):  # fmt: skip
        async with halls.units.database.reading() as session:
            await refused("seat.missing", halls.records.read(session, ZHOU, case_id, action))
    await refused("seat.missing", halls.hang_up(ZHOU, call_id))


@pytest.mark.parametrize("by", [CLERK, WANG])
async def test_either_party_asks_and_nobody_else_does(visits: Visits, by: Actor) -> None:
    _, call_id = await visits.halls.in_call()
    await visits.halls.become(ZHOU)
    for other in (OTHER_CLERK, agent("third")):
        await refused("seat.missing", visits.invite(call_id, by=other))
    await refused("call.unknown", visits.invite(call_id, by=STRANGER))
    assert (await visits.invite(call_id, by=by)).invited_by_name == by.name


async def test_only_ready_agents_of_both_regions_can_be_asked(visits: Visits) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    near, far = agent("gu", region=WUJIANG), agent("shen", region=DEQING)
    for who in (ZHOU, near, far):
        await halls.become(who)
    async with halls.units.database.reading() as session:
        found = await halls.calls.colleagues(session, CLERK, call_id, halls.now)
    assert {one.clerk_id for one in found.colleagues} == {ZHOU.id, near.id}
    await refused("colleague.unknown", visits.invite(call_id, far))
    await refused("colleague.unknown", visits.invite(call_id, OTHER_CLERK))
    await refused("colleague.unknown", visits.invite(call_id, WANG, by=WANG))
    await halls.become(ZHOU, AgentState.BREAK)
    await refused("colleague.busy", visits.invite(call_id))
    assert await visits.invite(call_id, near)
    await refused("colleague.busy", visits.invite(call_id, near, by=CLERK))


async def test_a_third_region_learns_of_no_invitation_and_no_call(visits: Visits) -> None:
    _, call_id = await visits.halls.in_call()
    await visits.halls.become(ZHOU)
    invitation = await visits.invite(call_id)
    for other in (STRANGER, agent("third")):
        await refused("invitation.unknown", visits.run("accept_invitation", other, invitation.id))
        await refused(
            "invitation.unknown", visits.run("decline_invitation", other, invitation.id, "")
        )
    await refused("invitation.unknown", visits.run("withdraw_invitation", STRANGER, invitation.id))
    for verb in ("observe", "depart"):
        for tried in (call_id, "0" * 32):
            await refused("call.unknown", visits.run(verb, STRANGER, tried))
    await refused("call.unknown", visits.run("dismiss", STRANGER, call_id, "0" * 32))


async def test_nothing_rings_at_whom_is_asked_and_a_refusal_frees_them(
    visits: Visits, news: News
) -> None:
    halls = visits.halls
    case_id, call_id = await halls.in_call()
    await halls.become(ZHOU)
    invitation = await visits.invite(call_id)
    await halls.waiting(OTHER_CLERK)
    assert await halls.find_offer(ZHOU) is None
    closed = await visits.run("decline_invitation", ZHOU, invitation.id, "大厅有人")
    assert closed.state is InvitationState.DECLINED
    assert await halls.find_offer(ZHOU) is not None
    told = {n.room for n in news.notices if n.event == "invitation.closed"}
    assert told == {f"clerk:{ZHOU.id}", f"clerk:{WANG.id}"}
    await refused("invitation.gone", visits.run("accept_invitation", ZHOU, invitation.id))
    assert "adviser.declined" in await halls.log(case_id)


async def test_who_is_asked_and_goes_into_another_call_is_asked_no_more(
    either_visits: Visits, news: News
) -> None:
    visits, halls = either_visits, either_visits.halls
    case_id, call_id = await halls.in_call()
    both = clerk("gu", WUJIANG, Role.COUNTER, Role.AGENT, counter="pingwang-2")
    await halls.waiting(both)
    await halls.become(both)
    invitation = await visits.invite(call_id, both)
    await halls.become(ZHOU)
    other_id = await halls.accept(ZHOU)
    assert await halls.state_of(both) is AgentState.ON_CALL
    assert (await visits.read(CLERK, call_id)).invitations == []
    assert (f"clerk:{both.id}", "invitation.closed") in news.events()
    assert "invitation.withdrawn" in await halls.log(case_id)
    await halls.hang_up(ZHOU, other_id)
    await refused("invitation.gone", visits.run("accept_invitation", both, invitation.id))
    await visits.join(call_id, both)


async def test_who_was_away_while_asked_can_be_asked_again(
    either_visits: Visits, clock: SetClock
) -> None:
    visits, halls = either_visits, either_visits.halls
    _, call_id = await halls.in_call()
    old = await away_while_asked(visits, call_id, clock)
    await halls.become(ZHOU)
    new = await visits.invite(call_id)
    await refused("invitation.gone", visits.run("accept_invitation", ZHOU, old.id))
    await visits.run("accept_invitation", ZHOU, new.id)


async def test_who_was_away_while_asked_and_is_offered_a_ticket_answers_that_one_only(
    visits: Visits, clock: SetClock
) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    old = await away_while_asked(visits, call_id, clock)
    await halls.waiting(OTHER_CLERK)
    await halls.become(ZHOU)
    await refused("agent.busy", visits.run("accept_invitation", ZHOU, old.id))
    clock.now = old.expires_at
    await visits.run("miss_invitation", old.id)
    assert (await visits.read(CLERK, call_id)).invitations == []
    assert await halls.state_of(ZHOU) is AgentState.OFFERED
    assert await halls.find_offer(ZHOU) is not None


async def away_while_asked(visits: Visits, call_id: str, clock: SetClock) -> guest_wire.Invitation:
    """Have an agent's lease run out under an invitation, which stays open for five seconds."""
    halls = visits.halls
    await halls.become(ZHOU)
    clock.now += LEASE_LASTS - INVITATION_LASTS + timedelta(seconds=5)
    invitation = await visits.invite(call_id)
    clock.now += INVITATION_LASTS - timedelta(seconds=5)
    async with halls.units.open() as unit:
        await halls.tickets.lapse(unit, ZHOU.id)
    assert await halls.state_of(ZHOU) is AgentState.OFFLINE
    return invitation


async def test_an_invitation_that_nobody_answers_lapses_and_who_let_it_ring_is_on_break(
    visits: Visits, clock: SetClock
) -> None:
    halls = visits.halls
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.become(ZHOU)
    invitation = await visits.invite(call_id)
    worker = visits.worker(CLERK.name, WANG.name)
    clock.now += INVITATION_LASTS - timedelta(milliseconds=1)
    await worker.tick()
    assert (await visits.read(CLERK, call_id)).invitations != []
    clock.advance(seconds=0.001)
    await refused("invitation.gone", visits.run("accept_invitation", ZHOU, invitation.id))
    await worker.tick()
    assert (await visits.read(CLERK, call_id)).invitations == []
    assert await halls.state_of(ZHOU) is AgentState.BREAK
    assert "adviser.missed" in await halls.log(case_id)


async def test_who_asked_takes_it_back_and_lets_the_adviser_go_and_nobody_else(
    visits: Visits, news: News
) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    await halls.become(ZHOU)
    invitation = await visits.invite(call_id)
    await refused("action.forbidden", visits.run("withdraw_invitation", CLERK, invitation.id))
    await visits.run("withdraw_invitation", WANG, invitation.id)
    assert await halls.state_of(ZHOU) is AgentState.READY
    joined = await visits.join(call_id)
    await refused("action.forbidden", visits.run("dismiss", CLERK, call_id, joined.my_seat))
    local = joined.seats[0].id
    await refused("seat.unknown", visits.run("dismiss", WANG, call_id, local))
    await visits.run("dismiss", WANG, call_id, joined.my_seat)
    assert await visits.sides(call_id) == [SeatSide.LOCAL, SeatSide.REMOTE]
    ended = [n for n in news.notices if n.event == "seat.ended"]
    assert [(n.room, n.data["reason"]) for n in ended] == [(f"clerk:{ZHOU.id}", "dismissed")]
    await refused("call.unknown", halls.sit(ZHOU, call_id))
    await refused("seat.unknown", visits.run("dismiss", WANG, call_id, joined.my_seat))


async def test_a_guest_who_is_let_go_while_taking_the_seat_finds_no_call(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    joined = await visits.join(call_id)
    lock = Calls.lock

    async def late(calls: Calls, unit: Unit, actor: Actor, call: Call) -> Entry:
        assert await end_seat(unit.session, joined.my_seat or "", unit.now)
        return await lock(calls, unit, actor, call)

    monkeypatch.setattr(Calls, "lock", late)
    await refused("call.unknown", halls.sit(ZHOU, call_id))


@pytest.mark.parametrize("who", [CHIEF, THEIR_CHIEF, PROVINCE])
async def test_a_supervisor_of_either_region_looks_on_for_all_to_see(
    visits: Visits, who: Actor
) -> None:
    halls = visits.halls
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    call = await visits.run("observe", who, call_id)
    assert await visits.run("observe", who, call_id) == call
    await halls.sit(who, call_id)
    for reader in (CLERK, WANG, screen()):
        seen = (await visits.read(reader, call_id)).seats[-1]
        assert (seen.side, seen.name, seen.connected) == (SeatSide.OBSERVER, who.name, True)
    assert await visits.sitting(who, case_id) is Sitting.NONE
    await visits.run("depart", who, call_id)
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    kinds = await halls.log(case_id)
    assert [kind for kind in kinds if kind.startswith("observer.")] == [
        "observer.joined", "observer.left",
    ]  # fmt: skip


async def test_nobody_else_looks_on(visits: Visits) -> None:
    _, call_id = await visits.halls.in_call()
    await refused("call.unknown", visits.run("observe", FAR_CHIEF, call_id))
    for other in (OTHER_CLERK, ZHOU, WANG):
        await refused("action.forbidden", visits.run("observe", other, call_id))


async def test_those_of_the_halls_do_not_leave_but_hang_up(visits: Visits) -> None:
    _, call_id = await visits.halls.in_call()
    await refused("action.forbidden", visits.run("depart", WANG, call_id))
    await refused("action.forbidden", visits.run("depart", CLERK, call_id))
    await refused("action.forbidden", visits.run("depart", ZHOU, call_id))


async def test_a_guest_has_one_call_and_a_call_has_so_many_guests(visits: Visits) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    for number in range(MOST_GUESTS):
        await visits.run("observe", clerk(f"chief{number}", HUOQIU, Role.SUPERVISOR), call_id)
    await refused("call.full", visits.run("observe", CHIEF, call_id))
    for number in range(MOST_GUESTS - 1):
        await visits.join(call_id, agent(f"adviser{number}"))
    last, more = agent("last"), agent("more")
    for who in (last, more):
        await halls.become(who)
    await visits.invite(call_id, last)
    await refused("call.full", visits.invite(call_id, more))
    orders = [seat.place for seat in await halls.seats(call_id)]
    assert orders == sorted(set(orders))


async def test_an_observer_who_is_in_a_call_already_is_refused(visits: Visits) -> None:
    halls = visits.halls
    _, first = await halls.in_call()
    _, second = await halls.in_call(ZHOU, OTHER_CLERK)
    await visits.run("observe", CHIEF, first)
    await refused("agent.busy", visits.run("observe", CHIEF, second))


async def test_three_seats_of_a_direct_call_meet_each_other_and_signal(visits: Visits) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    await visits.join(call_id)
    await visits.run("observe", CHIEF, call_id)
    for who in (CLERK, WANG, ZHOU, CHIEF):
        await halls.sit(who, call_id)
    calls = {name: await visits.read(who, call_id) for name, who in
             ((who.name, who) for who in (CLERK, WANG, ZHOU, CHIEF))}  # fmt: skip
    mine = {name: call.my_seat for name, call in calls.items()}
    for name, call in calls.items():
        assert {end.seat_id for end in call.ends} == set(mine.values()) - {mine[name]}
    polite = {
        (name, end.seat_id) for name, call in calls.items() for end in call.ends if end.polite
    }
    # Of each pair exactly one gives way.
    assert len(polite) == 6


async def test_a_guest_who_does_not_come_back_loses_the_seat_and_nobody_else_does(
    visits: Visits, clock: SetClock, news: News
) -> None:
    halls = visits.halls
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await visits.join(call_id)
    await visits.run("observe", CHIEF, call_id)
    for who in (ZHOU, CHIEF):
        await halls.sit(who, call_id)
        await halls.leave(call_id, who.name)
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    worker = visits.worker(CLERK.name, WANG.name)
    clock.now += SEAT_LEASE - timedelta(milliseconds=1)
    await worker.tick()
    assert len(await halls.seats(call_id)) == 4
    clock.advance(seconds=0.001)
    await worker.tick()
    assert await visits.sides(call_id) == [SeatSide.LOCAL, SeatSide.REMOTE]
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    reasons = {n.data["reason"] for n in news.notices if n.event == "seat.ended"}
    assert reasons == {"line"}


async def test_a_reload_keeps_a_guests_seat(visits: Visits) -> None:
    _, call_id = await visits.halls.in_call()
    joined = await visits.join(call_id)
    _, before, first = await visits.halls.sit(ZHOU, call_id, "tab-1")
    again, lost, same = await visits.halls.sit(ZHOU, call_id, "tab-2")
    assert (before, lost, first, same) == (None, "tab-1", joined.my_seat, joined.my_seat)
    assert next(seat for seat in again.seats if seat.id == same).connected


async def test_the_end_of_a_call_frees_its_guests_and_takes_back_what_was_asked(
    visits: Visits, news: News
) -> None:
    halls = visits.halls
    case_id, call_id = await halls.in_call()
    await visits.join(call_id)
    await visits.run("observe", CHIEF, call_id)
    third = agent("third")
    await halls.become(third)
    await visits.invite(call_id, third)
    await halls.move(case_id, CaseState.CERTIFIED)
    await halls.hang_up(CLERK, call_id)
    assert (await halls.call(call_id)).end_reason is EndReason.FINISHED
    assert await halls.state_of(ZHOU) is AgentState.READY
    assert await halls.state_of(third) is AgentState.READY
    async with halls.units.database.reading() as session:
        assert await open_invitations(session, call_id) == []
    ended = {n.room for n in news.notices if n.event == "call.ended"}
    assert {f"clerk:{ZHOU.id}", f"clerk:{CHIEF.id}"} <= ended
    await refused("call.over", visits.run("depart", CHIEF, call_id))
