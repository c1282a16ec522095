from __future__ import annotations

from datetime import timedelta

import pytest

from server.access import Action, Actor, Role, Sitting
from server.calls import messages as wire
from server.calls.queries import find_sitting
from server.calls.rules import CallState, EndReason, SeatSide
from server.cases.models import Case
from server.cases.rules import CaseState
from server.errors import ServiceError
from server.tickets.rules import AgentState, TicketState
from tests.support.database import News, SetClock
from tests.support.halls import (
    CLERK,
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

# A clerk of the counter who answers calls for their own jurisdiction too.
BOTH = clerk("both", WUJIANG, Role.COUNTER, Role.AGENT)


async def connect(halls: Halls, call_id: str, *actors: Actor) -> None:
    for actor in actors:
        await halls.sit(actor, call_id)
    for actor in actors:
        await halls.report(actor, call_id, CallState.CONNECTED)


async def test_an_accepted_offer_begins_a_call_between_the_two_clerks(
    halls: Halls, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    case = await halls.case_row(case_id)
    assert (case.state, case.agent_id, case.agent_name) == (
        CaseState.IN_CALL, WANG.id, WANG.name,
    )  # fmt: skip
    assert await halls.state_of(WANG) is AgentState.ON_CALL
    assert (await halls.ticket_of(case_id)).state is TicketState.SERVING
    seats = await halls.seats(call_id)
    assert [(seat.side, seat.holder, seat.office) for seat in seats] == [
        (SeatSide.LOCAL, CLERK.id, "平望镇便民服务中心"),
        (SeatSide.REMOTE, WANG.id, "霍邱县政务服务中心"),
    ]
    started = {n.room for n in news.notices if n.event == "call.started"}
    assert started == {f"clerk:{CLERK.id}", f"clerk:{WANG.id}", "counter:pingwang-1"}
    assert (await halls.log(case_id))[-1] == "offer.accepted"
    assert (await halls.events(case_id))[-1].actor["id"] == WANG.id


async def test_the_counters_clerk_is_told_the_whole_call_and_nobody_else(
    halls: Halls, news: News
) -> None:
    _, call_id = await halls.in_call()
    told = {n.room: n.data["call"] for n in news.notices if n.event == "call.started"}
    seen = wire.Call.model_validate(told.pop(f"clerk:{CLERK.id}"))
    assert (seen.id, seen.my_seat) == (call_id, (await halls.seats(call_id))[0].id)
    assert [*told.values()] == [None, None]


async def test_the_counters_seat_is_the_clerks_who_took_the_ticket(halls: Halls) -> None:
    case_id = await halls.case(CLERK)
    await halls.take(case_id, OTHER_CLERK)
    await halls.become(WANG)
    local = (await halls.seats(await halls.accept(WANG)))[0]
    assert local.holder == OTHER_CLERK.id


async def test_an_offer_is_not_accepted_once_its_time_is_over(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    await halls.waiting()
    offer = await halls.offer_to(WANG)
    clock.advance(seconds=20)
    with pytest.raises(ServiceError, match=r"offer\.gone"):
        await halls.accept(WANG, offer.id)
    clock.advance(seconds=-0.001)
    assert await halls.accept(WANG, offer.id)


async def test_a_seat_that_is_taken_again_is_a_new_epoch_of_the_same_seat(
    halls: Halls, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    first, before, seat_id = await halls.sit(CLERK, call_id, "tab-1")
    assert before is None
    again, lost, same_seat = await halls.sit(CLERK, call_id, "tab-2")
    assert (lost, same_seat) == ("tab-1", seat_id)
    mine = [next(seat for seat in call.seats if seat.id == seat_id) for call in (first, again)]
    assert mine[1].since > mine[0].since
    assert (await halls.log(case_id))[-2:] == ["seat.taken", "seat.taken"]


async def test_the_higher_order_is_polite_and_the_screen_meets_the_far_side_only(
    halls: Halls,
) -> None:
    _, call_id = await halls.in_call()
    local, _, local_id = await halls.sit(CLERK, call_id)
    remote, _, remote_id = await halls.sit(WANG, call_id)
    citizen, _, citizen_id = await halls.sit(screen(), call_id)
    remote = (await halls.sit(WANG, call_id))[0]
    assert [(end.seat_id, end.polite) for end in local.ends] == [(remote_id, False)]
    assert [(end.seat_id, end.polite) for end in remote.ends] == [
        (local_id, True), (citizen_id, False),
    ]  # fmt: skip
    assert [(end.seat_id, end.polite) for end in citizen.ends] == [(remote_id, True)]
    assert citizen.my_seat == citizen_id
    assert [seat.order for seat in citizen.seats] == [0, 1, 2]


@pytest.mark.parametrize(
    "who",
    [STRANGER, ZHOU, OTHER_CLERK, screen("pingwang-2"), screen("deqing-1", "330521")],
)
async def test_whoever_has_no_seat_learns_nothing_of_the_call(halls: Halls, who: Actor) -> None:
    _, call_id = await halls.in_call()
    for tried in (call_id, "0" * 32):
        with pytest.raises(ServiceError, match=r"^call\.unknown$"):
            await halls.sit(who, tried)
        with pytest.raises(ServiceError, match=r"^call\.unknown$"):
            await halls.report(who, tried, CallState.CONNECTED)


async def test_a_third_region_gets_the_same_answer_for_a_call_and_for_none(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    order = wire.StillOrder(kind="id-card")
    for tried in (call_id, "0" * 32):
        with pytest.raises(ServiceError, match=r"^call\.unknown$"):
            await halls.hang_up(STRANGER, tried)
        async with halls.units.database.reading() as session:
            with pytest.raises(ServiceError, match=r"^call\.unknown$"):
                await halls.calls.read(session, STRANGER, tried)
        with pytest.raises(ServiceError, match=r"^call\.unknown$"):
            async with halls.units.open() as unit:
                await halls.calls.ask_still(unit, STRANGER, tried, order)
    async with halls.units.database.reading() as session:
        with pytest.raises(ServiceError, match=r"^case\.unknown$"):
            await halls.calls.read_live(session, STRANGER, case_id)


async def test_a_call_is_connected_when_both_halls_say_so(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    await halls.sit(CLERK, call_id)
    await halls.sit(WANG, call_id)
    await halls.report(CLERK, call_id, CallState.CONNECTED)
    assert (await halls.call(call_id)).state is CallState.CONNECTING
    await halls.report(WANG, call_id, CallState.CONNECTED)
    call = await halls.call(call_id)
    assert (call.state, call.connected_at) == (CallState.CONNECTED, halls.now)
    assert (await halls.log(case_id))[-1] == "call.connected"


async def test_repeated_reports_change_nothing(halls: Halls, news: News) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    before = await halls.log(case_id)
    news.notices.clear()
    await halls.report(WANG, call_id, CallState.CONNECTED)
    assert await halls.log(case_id) == before
    assert news.notices == []


async def test_the_citizens_screen_neither_connects_nor_interrupts_a_call(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.sit(screen(), call_id, "screen")
    await halls.report(screen(), call_id, CallState.INTERRUPTED, "screen")
    await halls.leave(call_id, "screen")
    assert (await halls.call(call_id)).state is CallState.CONNECTED


async def test_only_the_socket_that_has_the_seat_is_heard(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    await halls.sit(CLERK, call_id, "tab-1")
    await halls.sit(CLERK, call_id, "tab-2")
    with pytest.raises(ServiceError, match=r"seat\.missing"):
        await halls.report(CLERK, call_id, CallState.CONNECTED, "tab-1")


async def test_a_gone_socket_interrupts_the_call_and_the_seat_stays(
    halls: Halls, clock: SetClock
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    clock.advance(seconds=30)
    await halls.leave(call_id, WANG.name)
    assert (await halls.call(call_id)).state is CallState.INTERRUPTED
    seat = (await halls.seats(call_id))[1]
    assert (seat.sid, seat.lease_until) == (None, halls.now + timedelta(seconds=120))
    assert (await halls.case_row(case_id)).state is CaseState.IN_CALL
    clock.advance(seconds=30)
    await connect(halls, call_id, WANG)
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    assert (await halls.log(case_id))[-3:] == ["call.interrupted", "seat.taken", "call.connected"]


async def test_a_socket_that_lost_its_seat_interrupts_nothing_when_it_goes(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    [local, _] = await halls.seats(call_id)
    await halls.sit(CLERK, call_id, "tab-2")
    await halls.report(CLERK, call_id, CallState.CONNECTED, "tab-2")
    async with halls.units.open() as unit:
        await halls.calls.leave_seat(unit, local.id, CLERK.name)
    assert (await halls.call(call_id)).state is CallState.CONNECTED
    assert (await halls.seats(call_id))[0].sid == "tab-2"


async def test_taking_a_connected_seat_over_interrupts_until_media_flows_again(
    halls: Halls,
) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    call, *_ = await halls.sit(CLERK, call_id, "tab-2")
    assert call.state is CallState.INTERRUPTED


# The end of a call.


async def test_a_finished_case_ends_its_ticket_and_gives_the_agent_time_to_wrap_up(
    halls: Halls, clock: SetClock, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.CERTIFIED)
    clock.advance(seconds=60)
    news.notices.clear()
    call = await halls.hang_up(WANG, call_id)
    assert (call.state, call.end_reason) == (CallState.ENDED, EndReason.FINISHED)
    assert [seat.connected for seat in call.seats] == [False, False]
    assert (await halls.ticket_of(case_id)).state is TicketState.DONE
    wang = await halls.agent(WANG)
    assert (wang.state, wang.wrap_up_until) == (
        AgentState.WRAP_UP, halls.now + timedelta(seconds=120),
    )  # fmt: skip
    assert (await halls.log(case_id))[-1] == "call.ended"
    ended = {n.room for n in news.notices if n.event == "call.ended"}
    assert ended >= {f"clerk:{CLERK.id}", f"clerk:{WANG.id}", "counter:pingwang-1"}


@pytest.mark.parametrize("who", [WANG, CLERK])
async def test_a_case_still_in_the_call_goes_back_in_line_with_its_old_place(
    halls: Halls, clock: SetClock, who: Actor
) -> None:
    case_id, call_id = await halls.in_call()
    ticket = await halls.ticket_of(case_id)
    clock.advance(seconds=90)
    behind = await halls.waiting(OTHER_CLERK)
    await halls.hang_up(who, call_id, EndReason.LINE)
    again = await halls.ticket_of(case_id)
    assert (again.id, again.taken_at, again.state) == (
        ticket.id, ticket.taken_at, TicketState.WAITING,
    )  # fmt: skip
    case = await halls.case_row(case_id)
    assert (case.state, case.agent_id) == (CaseState.WAITING, None)
    assert (await halls.log(case_id))[-2:] == ["call.ended", "case.requeued"]
    async with halls.units.database.reading() as session:
        line = (await halls.tickets.show_queue(session, HUOQIU)).waiting
    assert [row.ticket_id for row in line] == [ticket.id, behind]
    await halls.become(ZHOU)
    assert (await halls.offer_to(ZHOU)).ticket_id == ticket.id


async def test_the_second_to_hang_up_is_told_that_it_is_over(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    await halls.hang_up(WANG, call_id)
    for who in (CLERK, WANG):
        with pytest.raises(ServiceError, match=r"call\.over"):
            await halls.hang_up(who, call_id)
        with pytest.raises(ServiceError, match=r"call\.over"):
            await halls.sit(who, call_id)


@pytest.mark.parametrize(("who", "code"), [(OTHER_CLERK, "seat.missing"), (ZHOU, "seat.missing")])
async def test_a_colleague_does_not_hang_up(halls: Halls, who: Actor, code: str) -> None:
    _, call_id = await halls.in_call()
    with pytest.raises(ServiceError) as refused:
        await halls.hang_up(who, call_id)
    assert refused.value.code == code


async def test_the_counter_hangs_up_though_the_case_was_left_with_the_jurisdiction(
    halls: Halls,
) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.WITH_JURISDICTION)
    await halls.hang_up(CLERK, call_id)
    assert (await halls.case_row(case_id)).agent_id == WANG.id


async def test_a_wrap_up_may_be_ended_early(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    await halls.hang_up(WANG, call_id)
    assert (await halls.become(WANG)).state is not AgentState.WRAP_UP


async def test_an_agent_on_a_call_cannot_be_anything_else(halls: Halls) -> None:
    await halls.in_call()
    for state in (AgentState.READY, AgentState.BREAK, AgentState.OFFLINE):
        with pytest.raises(ServiceError, match=r"agent\.busy"):
            await halls.become(WANG, state)


# Who has a seat.


async def sitting(halls: Halls, who: Actor, case_id: str) -> Sitting:
    async with halls.units.database.reading() as session:
        return await find_sitting(session, who, await halls.case_row(case_id))


async def seated(halls: Halls, who: Actor, case_id: str) -> bool:
    return await sitting(halls, who, case_id) is Sitting.PARTY


async def test_the_two_clerks_of_the_live_call_have_seats_and_nobody_else(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    assert await seated(halls, WANG, case_id)
    assert await seated(halls, CLERK, case_id)
    for who in (ZHOU, OTHER_CLERK, STRANGER, screen()):
        assert not await seated(halls, who, case_id)
    await halls.move(case_id, CaseState.CERTIFIED)
    assert await seated(halls, WANG, case_id)
    await halls.hang_up(WANG, call_id)
    assert not await seated(halls, WANG, case_id)


async def test_who_spoke_on_a_case_that_is_certified_and_still_has_it_is_a_former_party(
    halls: Halls,
) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.CERTIFIED)
    await halls.hang_up(WANG, call_id)
    for state in (None, CaseState.SETTLED):
        if state is not None:
            await halls.move(case_id, state)
        assert await sitting(halls, WANG, case_id) is Sitting.FORMER
        for who in (ZHOU, CLERK, OTHER_CLERK, STRANGER, screen()):
            assert await sitting(halls, who, case_id) is Sitting.NONE
    async with halls.units.open() as unit:
        case = await unit.session.get_one(Case, case_id)
        case.agent_id = ZHOU.id
    for who in (WANG, ZHOU):
        assert await sitting(halls, who, case_id) is Sitting.NONE


async def test_a_seat_in_a_call_on_another_case_is_none_in_this_one(halls: Halls) -> None:
    await halls.in_call()
    other, _ = await halls.in_call(ZHOU, OTHER_CLERK)
    assert not await seated(halls, WANG, other)


async def test_after_the_call_only_the_agent_it_was_left_with_still_has_one(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.WITH_JURISDICTION)
    await halls.hang_up(CLERK, call_id)
    assert await seated(halls, WANG, case_id)
    for who in (ZHOU, CLERK, STRANGER):
        assert not await seated(halls, who, case_id)


async def test_an_agent_named_on_a_case_without_ever_a_call_has_no_seat(halls: Halls) -> None:
    case_id = await halls.case(state=CaseState.WITH_JURISDICTION)
    async with halls.units.open() as unit:
        entry = await halls.records.begin_as_service(unit, case_id)
        entry.case.agent_id = WANG.id
    assert not await seated(halls, WANG, case_id)


# A clerk on both sides.


async def test_nobody_rings_at_a_clerk_who_is_in_the_call_on_their_own_case(halls: Halls) -> None:
    await halls.become(BOTH)
    _, call_id = await halls.in_call(WANG, BOTH)
    assert await halls.state_of(BOTH) is AgentState.ON_CALL
    sent_here = await halls.waiting(agent_at_huoqiu(), to=WUJIANG)
    assert await halls.ticket_state(sent_here) is TicketState.WAITING
    await halls.hang_up(WANG, call_id)
    assert (await halls.offer_to(BOTH)).ticket_id == sent_here


async def test_what_rings_at_a_clerk_is_passed_on_when_their_own_case_is_answered(
    halls: Halls,
) -> None:
    case_id = await halls.case(BOTH)
    await halls.take(case_id, BOTH)
    await halls.become(BOTH)
    sent_here = await halls.waiting(agent_at_huoqiu(), to=WUJIANG)
    assert (await halls.offer_to(BOTH)).ticket_id == sent_here
    await halls.become(WANG)
    await halls.accept(WANG)
    assert await halls.find_offer(BOTH) is None
    assert await halls.ticket_state(sent_here) is TicketState.WAITING
    assert await halls.state_of(BOTH) is AgentState.ON_CALL


async def test_a_clerk_in_a_call_is_not_rung_through_to_for_their_next_case(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    second = await halls.waiting(CLERK)
    await halls.become(ZHOU)
    assert await halls.find_offer(ZHOU) is None
    await halls.move(case_id, CaseState.CERTIFIED)
    await halls.hang_up(CLERK, call_id)
    assert (await halls.offer_to(ZHOU)).ticket_id == second


def agent_at_huoqiu() -> Actor:
    return clerk("feng", HUOQIU, Role.COUNTER)


# Withdrawing.


async def test_withdrawing_a_waiting_case_gives_its_place_up_and_frees_the_agent(
    halls: Halls,
) -> None:
    await halls.become(WANG)
    case_id = await halls.case()
    ticket = await halls.take(case_id)
    behind = await halls.waiting(OTHER_CLERK)
    async with halls.units.open() as unit:
        case = await halls.calls.withdraw(unit, CLERK, case_id, "办事人不办了")
    assert case.state is CaseState.WITHDRAWN
    assert await halls.ticket_state(ticket.id) is TicketState.ABANDONED
    assert (await halls.log(case_id))[-2:] == ["ticket.abandoned", "case.withdrawn"]
    assert (await halls.offer_to(WANG)).ticket_id == behind


async def test_a_draft_is_withdrawn_and_no_line_moves(halls: Halls, news: News) -> None:
    case_id = await halls.case()
    news.notices.clear()
    async with halls.units.open() as unit:
        await halls.calls.withdraw(unit, CLERK, case_id, "x")
    assert (await halls.log(case_id))[-1] == "case.withdrawn"
    assert "queue.changed" not in [n.event for n in news.notices]


async def test_a_case_in_a_call_is_not_withdrawn(halls: Halls) -> None:
    case_id, _ = await halls.in_call()
    with pytest.raises(ServiceError, match=r"case\.wrong_state"):
        async with halls.units.open() as unit:
            await halls.calls.withdraw(unit, CLERK, case_id, "x")


# Stills.


async def ask_still(halls: Halls, who: Actor, call_id: str, kind: str = "id-card") -> wire.Still:
    async with halls.units.open() as unit:
        order = wire.StillOrder(kind=kind, remark="正面")
        return await halls.calls.ask_still(unit, who, call_id, order)


async def file_still(halls: Halls, who: Actor, case_id: str, still_id: str) -> None:
    async with halls.units.open() as unit:
        entry = await halls.records.begin(unit, who, case_id, Action.ADD_MATERIAL)
        await halls.calls.file_still(entry, still_id, "e" * 32)


async def refuse_still(halls: Halls, who: Actor, still_id: str) -> wire.Still:
    async with halls.units.open() as unit:
        return await halls.calls.refuse_still(unit, who, still_id, "反光")


async def test_a_still_is_asked_of_the_counters_seat_and_told_to_both_when_filed(
    halls: Halls, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    [local, remote] = await halls.seats(call_id)
    still = await ask_still(halls, WANG, call_id)
    assert still.expires_at == halls.now + timedelta(seconds=5)
    [asked] = [n for n in news.notices if n.event == "still.requested"]
    assert (asked.room, asked.data["id"]) == (f"seat:{local.id}", still.id)
    await file_still(halls, CLERK, case_id, still.id)
    closed = [n for n in news.notices if n.event == "still.closed"]
    assert {n.room for n in closed} == {f"seat:{local.id}", f"seat:{remote.id}"}
    assert {(n.data["state"], n.data["material_id"]) for n in closed} == {("filed", "e" * 32)}
    assert (await halls.log(case_id))[-2:] == ["still.requested", "still.filed"]


async def test_a_still_is_answered_once(halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    still = await ask_still(halls, WANG, call_id)
    assert (await refuse_still(halls, CLERK, still.id)).state.value == "refused"
    with pytest.raises(ServiceError, match=r"still\.gone"):
        await refuse_still(halls, CLERK, still.id)
    with pytest.raises(ServiceError, match=r"still\.gone"):
        await file_still(halls, CLERK, case_id, still.id)
    assert "反光" not in str([event.data for event in await halls.events(case_id)])


async def test_a_still_of_another_case_is_not_filed_in_this_one(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    other, _ = await halls.in_call(ZHOU, OTHER_CLERK)
    still = await ask_still(halls, WANG, call_id)
    for still_id in (still.id, "0" * 32):
        with pytest.raises(ServiceError, match=r"still\.unknown"):
            await file_still(halls, OTHER_CLERK, other, still_id)


async def test_the_agent_neither_answers_nor_refuses_what_the_counter_is_asked(
    halls: Halls,
) -> None:
    case_id, call_id = await halls.in_call()
    still = await ask_still(halls, WANG, call_id)
    with pytest.raises(ServiceError, match=r"action\.forbidden"):
        await file_still(halls, WANG, case_id, still.id)
    with pytest.raises(ServiceError, match=r"action\.forbidden"):
        await refuse_still(halls, WANG, still.id)
    with pytest.raises(ServiceError, match=r"still\.unknown"):
        await refuse_still(halls, STRANGER, still.id)


async def test_a_still_is_of_a_kind_that_the_item_has(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    with pytest.raises(ServiceError, match=r"material\.unknown"):
        await ask_still(halls, WANG, call_id, "passport")


async def test_no_still_is_asked_for_by_a_colleague_or_after_the_call(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    with pytest.raises(ServiceError, match=r"seat\.missing"):
        await ask_still(halls, ZHOU, call_id)
    await halls.hang_up(WANG, call_id)
    with pytest.raises(ServiceError, match=r"call\.over"):
        await ask_still(halls, WANG, call_id)


# What a screen may read.


async def test_a_screen_reads_the_calls_at_its_counter_and_no_others(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    _, _, seat_id = await halls.sit(screen(), call_id)
    async with halls.units.database.reading() as session:
        call = await halls.calls.read(session, screen(), call_id)
        assert (call.id, call.my_seat) == (call_id, seat_id)
        with pytest.raises(ServiceError, match=r"^call\.unknown$"):
            await halls.calls.read(session, screen("pingwang-2"), call_id)


async def test_an_agent_without_a_hall_answers_for_their_region(halls: Halls) -> None:
    homeless = Actor(
        id="9" * 32, name="何", login_id="l", roles=frozenset({Role.AGENT}), region=HUOQIU
    )
    await halls.become(homeless)
    await halls.waiting()
    assert (await halls.seats(await halls.accept(homeless)))[1].office == "六安市霍邱县"


async def test_ice_servers_are_given_to_who_has_a_seat(halls: Halls) -> None:
    _, call_id = await halls.in_call()
    given = [wire.IceServer(urls=["turn:192.0.2.1:3478"], username="u", credential="c")]
    object.__setattr__(halls.calls, "ice_servers", lambda _call, _seat: given)
    async with halls.units.database.reading() as session:
        assert (await halls.calls.read(session, WANG, call_id)).ice_servers == given
        assert (await halls.calls.read(session, agent("zhou"), call_id)).ice_servers == []
