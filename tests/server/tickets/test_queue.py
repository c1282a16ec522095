from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from server.access import Role
from server.cases.rules import CaseState
from server.errors import ServiceError
from server.tickets.rules import OFFER_LASTS, AgentState, OfferState, TicketState
from tests.support.database import News, SetClock
from tests.support.desk import recognise_nothing
from tests.support.halls import (
    CLERK,
    HOUSEHOLD,
    HUOQIU,
    OTHER_CLERK,
    STRANGER,
    WANG,
    WUJIANG,
    ZHOU,
    Halls,
    agent,
    clerk,
)


async def test_a_case_in_line_waits_and_its_log_says_so(halls: Halls) -> None:
    case_id = await halls.case()
    ticket = await halls.take(case_id)
    assert (ticket.state, ticket.position, ticket.agents_ready) == (TicketState.WAITING, 1, 0)
    assert (await halls.case_row(case_id)).state is CaseState.WAITING
    assert await halls.log(case_id) == ["case.opened", "ticket.taken"]


async def test_a_case_that_lacks_something_takes_no_ticket(halls: Halls) -> None:
    async def lacking(*_: object) -> None:
        raise ServiceError("materials.missing", kinds=["id-card"])

    case_id = await halls.case()
    object.__setattr__(halls.tickets, "require_complete", lacking)
    with pytest.raises(ServiceError, match=r"materials\.missing"):
        await halls.take(case_id)
    assert (await halls.case_row(case_id)).state is CaseState.DRAFT
    assert await halls.log(case_id) == ["case.opened"]


async def test_a_case_whose_certificate_would_not_count_takes_no_ticket(halls: Halls) -> None:
    case_id = await halls.case()
    recognise_nothing(halls.catalogue)
    with pytest.raises(ServiceError, match=r"certificate\.unrecognised"):
        await halls.take(case_id)
    assert (await halls.case_row(case_id)).state is CaseState.DRAFT


@pytest.mark.parametrize(("hours", "keeps"), [(1, True), (24, False)])
async def test_a_returned_case_keeps_its_place_for_the_day(
    halls: Halls, clock: SetClock, hours: int, *, keeps: bool
) -> None:
    case_id, call_id = await halls.in_call()
    first = await halls.ticket_of(case_id)
    await halls.move(case_id, CaseState.RETURNED)
    await halls.hang_up(WANG, call_id)
    clock.advance(hours=hours)
    behind = await halls.waiting(OTHER_CLERK)
    clock.advance(seconds=1)
    again = await halls.take(case_id)
    assert (again.id != first.id, again.taken_at == first.taken_at) == (True, keeps)
    async with halls.units.database.reading() as session:
        line = (await halls.tickets.show_queue(session, HUOQIU)).waiting
    assert [row.ticket_id for row in line] == ([again.id, behind] if keeps else [behind, again.id])


async def test_a_returned_case_is_not_called_for_again_while_its_call_goes_on(
    halls: Halls,
) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.RETURNED)
    with pytest.raises(ServiceError, match=r"call\.live"):
        await halls.take(case_id)
    assert (await halls.case_row(case_id)).state is CaseState.RETURNED
    await halls.hang_up(WANG, call_id)
    assert (await halls.take(case_id)).state is TicketState.WAITING


async def test_a_case_in_line_takes_no_second_ticket(halls: Halls) -> None:
    case_id = await halls.case()
    await halls.take(case_id)
    with pytest.raises(ServiceError, match=r"case\.wrong_state"):
        await halls.take(case_id)


@pytest.mark.parametrize(
    ("who", "code"),
    [(STRANGER, "case.unknown"), (WANG, "case.unknown"), (clerk("ma", WUJIANG, Role.SUPERVISOR),
      "action.forbidden")],
)  # fmt: skip
async def test_only_a_clerk_of_the_counters_hall_puts_a_case_in_line(
    halls: Halls, who: object, code: str
) -> None:
    case_id = await halls.case()
    with pytest.raises(ServiceError) as refused:
        await halls.take(case_id, who)  # type: ignore[arg-type]
    assert refused.value.code == code


async def test_places_go_by_the_time_they_were_taken(halls: Halls, clock: SetClock) -> None:
    tickets = []
    for _ in range(3):
        tickets.append(await halls.waiting())
        clock.advance(seconds=1)
    async with halls.units.database.reading() as session:
        queue = await halls.tickets.show_queue(session, HUOQIU)
    assert [row.ticket_id for row in queue.waiting] == tickets
    assert [row.position for row in queue.waiting] == [1, 2, 3]
    assert queue.waiting[0].from_hall_name == "平望镇便民服务中心"


async def test_a_given_up_place_makes_the_case_a_draft_and_moves_the_others_up(
    halls: Halls, clock: SetClock, news: News
) -> None:
    case_id = await halls.case()
    first = await halls.take(case_id)
    clock.advance(seconds=1)
    second = await halls.waiting()
    news.notices.clear()
    async with halls.units.open() as unit:
        given_up = await halls.tickets.abandon(unit, CLERK, first.id, "办事人离开")
    assert (given_up.state, given_up.position) == (TicketState.ABANDONED, 0)
    assert (await halls.case_row(case_id)).state is CaseState.DRAFT
    assert (await halls.log(case_id))[-1] == "ticket.abandoned"
    moved = [n.data for n in news.notices if n.event == "ticket.moved"]
    assert [(place["ticket_id"], place["position"]) for place in moved] == [(second, 1)]


@pytest.mark.parametrize("kind", ["case.returned", "case.reopened"])
async def test_what_was_sent_back_to_its_counter_is_there_again_when_its_place_is_given_up(
    halls: Halls, kind: str
) -> None:
    case_id, call_id = await halls.in_call()
    async with halls.units.open() as unit:
        entry = await halls.records.begin_as_service(unit, case_id)
        entry.move(CaseState.RETURNED)
        await entry.append(kind)
    await halls.hang_up(WANG, call_id)
    ticket = await halls.take(case_id)
    async with halls.units.open() as unit:
        await halls.tickets.abandon(unit, CLERK, ticket.id, "办事人离开")
    assert (await halls.case_row(case_id)).state is CaseState.RETURNED


async def test_what_was_given_up_is_not_given_up_twice(halls: Halls) -> None:
    ticket_id = await halls.waiting()
    async with halls.units.open() as unit:
        await halls.tickets.abandon(unit, CLERK, ticket_id, "x")
    with pytest.raises(ServiceError, match=r"case\.wrong_state"):
        async with halls.units.open() as unit:
            await halls.tickets.abandon(unit, CLERK, ticket_id, "x")


async def test_a_third_region_cannot_tell_a_ticket_from_none(halls: Halls) -> None:
    for ticket_id in (await halls.waiting(), "0" * 32):
        with pytest.raises(ServiceError, match=r"^ticket\.unknown$"):
            async with halls.units.open() as unit:
                await halls.tickets.abandon(unit, STRANGER, ticket_id, "x")


async def test_the_estimate_follows_from_how_long_calls_took_and_who_is_at_work(
    halls: Halls, clock: SetClock
) -> None:
    _, call_id = await halls.in_call()
    clock.advance(seconds=300)
    await halls.hang_up(WANG, call_id)
    await halls.become(ZHOU, AgentState.BREAK)
    first = await halls.take(await halls.case(OTHER_CLERK), OTHER_CLERK)
    clock.advance(seconds=1)
    second = await halls.take(await halls.case())
    # The first case went back in line with its old place; Wang, in wrap-up, is alone at work.
    assert (first.position, second.position) == (2, 3)
    assert (first.estimated_wait_seconds, second.estimated_wait_seconds) == (300, 600)


# Agents and offers.


async def test_a_waiting_ticket_rings_as_soon_as_an_agent_is_ready(
    halls: Halls, clock: SetClock, news: News
) -> None:
    case_id = await halls.case()
    ticket = await halls.take(case_id)
    clock.advance(seconds=42)
    standing = await halls.become(WANG)
    assert standing.state is AgentState.OFFERED
    assert standing.offer is not None
    assert standing.offer.waited_seconds == 42
    assert standing.offer.expires_at - standing.offer.made_at == OFFER_LASTS
    made = [n for n in news.notices if n.event == "offer.made"]
    assert [(n.room, n.data["id"]) for n in made] == [(f"clerk:{WANG.id}", standing.offer.id)]
    assert "applicant" not in made[0].data
    assert await halls.ticket_state(ticket.id) is TicketState.OFFERED
    assert (await halls.log(case_id))[-1] == "offer.made"


async def test_a_ready_agent_hears_of_a_ticket_as_soon_as_it_is_taken(halls: Halls) -> None:
    assert (await halls.become(WANG)).offer is None
    ticket_id = await halls.waiting()
    assert (await halls.offer_to(WANG)).ticket_id == ticket_id


async def test_an_agent_hears_only_of_their_own_jurisdiction_and_items(halls: Halls) -> None:
    elsewhere = agent("sun", region=WUJIANG)
    household = agent("zheng", HOUSEHOLD)
    await halls.become(elsewhere)
    await halls.become(household)
    pension = await halls.waiting()
    assert await halls.ticket_state(pension) is TicketState.WAITING
    proof = await halls.waiting(OTHER_CLERK, item=HOUSEHOLD)
    assert (await halls.offer_to(household)).ticket_id == proof
    assert await halls.find_offer(elsewhere) is None


async def test_an_agent_on_break_or_offline_hears_of_nothing(halls: Halls) -> None:
    await halls.become(WANG)
    await halls.become(WANG, AgentState.BREAK, "午餐")
    await halls.become(ZHOU)
    await halls.become(ZHOU, AgentState.OFFLINE)
    ticket_id = await halls.waiting()
    assert await halls.ticket_state(ticket_id) is TicketState.WAITING
    assert (await halls.agent(WANG)).why == "午餐"


async def test_a_declined_offer_goes_to_the_next_agent_and_keeps_its_place(
    halls: Halls, clock: SetClock, news: News
) -> None:
    await halls.become(WANG)
    clock.advance(seconds=5)
    await halls.become(ZHOU)
    case_id = await halls.case()
    ticket = await halls.take(case_id)
    offer = await halls.offer_to(WANG)
    clock.advance(seconds=3)
    news.notices.clear()
    standing = await halls.decline(WANG, offer.id)
    assert (standing.state, standing.offer) == (AgentState.READY, None)
    assert (await halls.offer_to(ZHOU)).ticket_id == ticket.id
    assert (await halls.ticket(ticket.id)).taken_at == ticket.taken_at
    assert (await halls.log(case_id))[-2:] == ["offer.declined", "offer.made"]
    declined = (await halls.events(case_id))[-2]
    assert declined.actor["id"] == WANG.id
    assert "大厅有人" not in str(declined.data)
    told = [(n.event, n.data.get("why")) for n in news.notices if n.room == f"clerk:{WANG.id}"]
    assert ("offer.closed", "declined") in told


async def test_declining_does_not_send_an_agent_to_the_end_of_the_idle(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    before = (await halls.agent(WANG)).idle_since
    await halls.waiting()
    clock.advance(seconds=9)
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    assert (await halls.agent(WANG)).idle_since == before


async def test_the_only_agent_who_declined_is_asked_again_after_a_pause_and_not_at_once(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    await halls.waiting()
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    assert await halls.find_offer(WANG) is None
    clock.advance(seconds=15)
    async with halls.units.open() as unit:
        await halls.tickets.match(unit, HUOQIU)
    assert await halls.find_offer(WANG) is not None


async def test_who_declined_one_ticket_still_gets_the_others(halls: Halls) -> None:
    await halls.become(WANG)
    await halls.waiting()
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    other = await halls.waiting(OTHER_CLERK)
    assert (await halls.offer_to(WANG)).ticket_id == other


async def test_an_offer_is_answered_only_by_whom_it_was_made_to(halls: Halls) -> None:
    await halls.become(WANG)
    await halls.waiting()
    offer = await halls.offer_to(WANG)
    for who in (ZHOU, STRANGER):
        with pytest.raises(ServiceError, match=r"^offer\.unknown$"):
            await halls.decline(who, offer.id)
        with pytest.raises(ServiceError, match=r"^offer\.unknown$"):
            await halls.accept(who, offer.id)
    with pytest.raises(ServiceError, match=r"^offer\.unknown$"):
        await halls.decline(WANG, "0" * 32)


async def test_an_agent_with_an_offer_cannot_walk_away_from_it(halls: Halls) -> None:
    await halls.become(WANG)
    await halls.waiting()
    for state in (AgentState.BREAK, AgentState.OFFLINE, AgentState.READY):
        with pytest.raises(ServiceError, match=r"agent\.busy"):
            await halls.become(WANG, state)
    assert await halls.state_of(WANG) is AgentState.OFFERED


async def test_giving_up_a_ticket_that_rings_frees_the_agent_for_the_next(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    first = await halls.waiting()
    clock.advance(seconds=1)
    second = await halls.waiting(OTHER_CLERK)
    async with halls.units.open() as unit:
        await halls.tickets.abandon(unit, CLERK, first, "x")
    assert (await halls.offer_to(WANG)).ticket_id == second
    assert [o.ticket_id for o in await halls.offers(OfferState.WITHDRAWN)] == [first]


async def test_being_ready_again_changes_nothing_but_renews_the_lease(
    halls: Halls, clock: SetClock, news: News
) -> None:
    await halls.become(WANG)
    before = await halls.agent(WANG)
    clock.advance(seconds=30)
    news.notices.clear()
    await halls.become(WANG)
    after = await halls.agent(WANG)
    assert (after.since, after.idle_since) == (before.since, before.idle_since)
    assert after.lease_until == before.lease_until + timedelta(seconds=30)
    assert news.notices == []


async def test_an_agents_items_are_those_of_their_login_now(halls: Halls) -> None:
    await halls.become(agent("wang", HOUSEHOLD))
    await halls.waiting()
    assert await halls.find_offer(WANG) is None
    await halls.become(WANG, AgentState.BREAK)
    await halls.become(WANG)
    assert await halls.find_offer(WANG) is not None


async def test_a_counter_clerk_is_no_agent(halls: Halls) -> None:
    with pytest.raises(ServiceError, match=r"action\.forbidden"):
        await halls.become(CLERK)


# What is kept of it.


async def test_every_state_of_a_ticket_is_an_interval_without_gaps(
    halls: Halls, clock: SetClock
) -> None:
    ticket_id = await halls.waiting()
    for step in (WANG, ZHOU):
        clock.advance(seconds=4)
        await halls.become(step)
        clock.advance(seconds=3)
        await halls.decline(step, (await halls.offer_to(step)).id)
    periods = await halls.periods(ticket_id)
    assert [period.state.value for period in periods] == [
        "waiting", "offered", "waiting", "offered", "waiting",
    ]  # fmt: skip
    assert [period.who for period in periods[1::2]] == [WANG.id, ZHOU.id]
    for one, following in pairwise(periods):
        assert one.ended_at == following.began_at
    assert periods[-1].ended_at is None


async def test_an_interval_never_ends_before_it_began_though_the_clock_went_back(
    halls: Halls, clock: SetClock
) -> None:
    ticket_id = await halls.waiting()
    clock.advance(seconds=-3600)
    async with halls.units.open() as unit:
        await halls.tickets.abandon(unit, CLERK, ticket_id, "x")
    first = (await halls.periods(ticket_id))[0]
    assert first.ended_at == first.began_at


async def test_the_version_of_a_line_grows_with_every_change(halls: Halls, news: News) -> None:
    await halls.become(WANG)
    await halls.waiting()
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    versions = [n.data["version"] for n in news.notices if n.event == "queue.changed"]
    assert versions == sorted(set(versions))
    async with halls.units.database.reading() as session:
        assert (await halls.tickets.show_queue(session, HUOQIU)).version == versions[-1]


async def test_the_supervisors_of_both_halls_and_provinces_hear_of_a_new_ticket(
    halls: Halls, news: News
) -> None:
    await halls.waiting()
    rooms = {n.room for n in news.notices if n.event == "board.changed"}
    assert rooms == {f"board:{HUOQIU}", f"board:{WUJIANG}", "board:340000", "board:320000"}
