"""Who comes at once: the database lets one through, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from server.access import Actor
from server.cases.rules import FIRST_HASH, CaseState, event_hash
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.tickets import agent_queries, queries
from server.tickets.models import Agent, Offer, Ticket, TicketPeriod
from server.tickets.rules import AgentState, OfferState, TicketState
from tests.support.database import News, SetClock
from tests.support.halls import HUOQIU, WANG, ZHOU, Halls, agent, clerk

MANY = 100


async def outcomes(attempts: Iterable[Awaitable[object]]) -> Counter[str]:
    """Start all at once; count how many went and how many were refused with which code."""
    found = await asyncio.gather(*attempts, return_exceptions=True)
    return Counter(
        one.code
        if isinstance(one, ServiceError)
        else repr(one)
        if isinstance(one, BaseException)
        else "went"
        for one in found
    )


async def winners(units: Units, attempt: Callable[[Unit], Awaitable[bool]], times: int) -> int:
    """Run one conditional step in many units at once; return how many say that it was theirs."""

    async def once() -> bool:
        async with units.open() as unit:
            return await attempt(unit)

    return sum(await asyncio.gather(*(once() for _ in range(times))))


async def count_open(halls: Halls) -> int:
    return len(await halls.offers(OfferState.OPEN))


async def test_of_a_hundred_answers_to_one_offer_one_begins_a_call(either_halls: Halls) -> None:
    halls = either_halls
    await halls.become(WANG)
    case_id = await halls.case()
    await halls.take(case_id)
    offer = await halls.offer_to(WANG)
    said = await outcomes(halls.accept(WANG, offer.id) for _ in range(MANY))
    assert said == {"went": 1, "offer.gone": MANY - 1}
    assert (await halls.log(case_id)).count("offer.accepted") == 1


async def test_of_a_hundred_agents_one_gets_the_ticket(either_halls: Halls) -> None:
    halls = either_halls
    agents = [agent(f"agent{i}") for i in range(MANY)]
    ticket_id = await halls.waiting()
    said = await outcomes(halls.become(one) for one in agents)
    assert said == {"went": MANY}
    [offer] = await halls.offers(OfferState.OPEN)
    said = await outcomes(halls.accept(one, offer.id) for one in agents)
    assert said == {"went": 1, "offer.unknown": MANY - 1}
    assert await halls.ticket_state(ticket_id) is TicketState.SERVING
    states = Counter([await halls.state_of(one) for one in agents])
    assert states == {AgentState.ON_CALL: 1, AgentState.READY: MANY - 1}


async def test_of_tickets_taken_at_once_one_rings_at_the_only_agent(either_halls: Halls) -> None:
    halls = either_halls
    await halls.become(WANG)
    clerks = [clerk(f"clerk{i}") for i in range(20)]
    cases = [await halls.case(one) for one in clerks]
    pairs = zip(cases, clerks, strict=True)
    said = await outcomes(halls.take(case_id, one) for case_id, one in pairs)
    assert said == {"went": 20}
    assert await count_open(halls) == 1


async def test_one_case_takes_one_ticket_however_often_it_is_asked_for(
    either_halls: Halls,
) -> None:
    halls = either_halls
    case_id = await halls.case()
    said = await outcomes(halls.take(case_id) for _ in range(20))
    assert said == {"went": 1, "case.wrong_state": 19}


async def test_an_answer_at_the_last_moment_and_the_end_of_the_time_never_both_count(
    either_halls: Halls, either_units: Units, news: News, clock: SetClock
) -> None:
    halls, ends = either_halls, Counter[str]()
    for round_ in range(15):
        who = agent(f"agent{round_}")
        await halls.become(who)
        case_id = await halls.case(clerk(f"clerk{round_}"))
        await halls.take(case_id, clerk(f"clerk{round_}"))
        offer = await halls.offer_to(who)
        # The answer comes with a moment at which the offer still runs, the end with one after.
        just_before = at(either_units, news, offer.expires_at - timedelta(microseconds=1))
        just_after = at(either_units, news, offer.expires_at)

        async def answer(units: Units = just_before, who: Actor = who, id_: str = offer.id) -> None:
            async with units.open() as unit:
                await halls.calls.accept_offer(unit, who, id_)

        async def run_out(units: Units = just_after, id_: str = offer.id) -> None:
            async with units.open() as unit:
                await halls.tickets.miss(unit, id_)

        attempts = [answer(), run_out()] if round_ % 2 else [run_out(), answer()]
        said = await outcomes(attempts)
        accepted = said == {"went": 2}
        assert accepted or said == {"went": 1, "offer.gone": 1}
        assert await halls.state_of(who) is (AgentState.ON_CALL if accepted else AgentState.BREAK)
        log = Counter(await halls.log(case_id))
        assert (log["offer.accepted"], log["offer.missed"]) == ((1, 0) if accepted else (0, 1))
        ends["accepted" if accepted else "missed"] += 1
        if not accepted:
            async with halls.units.open() as unit:
                await halls.calls.withdraw(unit, clerk(f"clerk{round_}"), case_id, "x")
        clock.advance(seconds=1)
    assert sum(ends.values()) == 15


def at(units: Units, news: News, moment: datetime) -> Units:
    """The same database at another moment."""
    return Units(units.database, news.publish, lambda: moment)


async def test_a_decline_and_the_end_of_its_time_never_both_count(
    either_halls: Halls, either_units: Units, news: News
) -> None:
    halls = either_halls
    await halls.become(WANG)
    case_id = await halls.case()
    await halls.take(case_id)
    offer = await halls.offer_to(WANG)
    later = at(either_units, news, offer.expires_at)

    async def run_out() -> None:
        async with later.open() as unit:
            await halls.tickets.miss(unit, offer.id)

    await outcomes([halls.decline(WANG, offer.id), run_out(), run_out()])
    log = Counter(await halls.log(case_id))
    assert log["offer.declined"] + log["offer.missed"] == 1


# Each conditional step by itself: without its condition, everyone would win.


async def test_a_ticket_is_moved_once(either_halls: Halls, either_units: Units) -> None:
    ticket_id = await either_halls.waiting()

    async def move(unit: Unit) -> bool:
        ticket = await queries.find_ticket(unit.session, ticket_id)
        assert ticket is not None
        await asyncio.sleep(0)
        return await queries.move_ticket(
            unit.session, ticket, [TicketState.WAITING], TicketState.OFFERED,
            who="x", now=unit.now,
        )  # fmt: skip

    assert await winners(either_units, move, 30) == 1
    assert len(await either_halls.periods(ticket_id)) == 2


async def test_an_agent_is_moved_once(either_halls: Halls, either_units: Units) -> None:
    await either_halls.become(WANG)

    async def move(unit: Unit) -> bool:
        return await agent_queries.move_agent(
            unit.session, WANG.id, [AgentState.READY], AgentState.OFFERED, now=unit.now
        )

    assert await winners(either_units, move, 30) == 1


async def test_an_offer_is_closed_once(either_halls: Halls, either_units: Units) -> None:
    await either_halls.become(WANG)
    await either_halls.waiting()
    offer = await either_halls.offer_to(WANG)

    async def close(unit: Unit) -> bool:
        return await queries.close_offer(
            unit.session, offer.id, OfferState.ACCEPTED, now=unit.now, before=unit.now
        )

    assert await winners(either_units, close, 30) == 1


async def test_a_wrap_up_ends_once(either_halls: Halls, either_units: Units) -> None:
    await either_halls.become(WANG)
    async with either_units.open() as unit:
        await agent_queries.move_agent(
            unit.session, WANG.id, [AgentState.READY], AgentState.WRAP_UP,
            now=unit.now, wrap_up_until=unit.now,
        )  # fmt: skip

    async def end(unit: Unit) -> bool:
        return await agent_queries.end_wrap_up(unit.session, WANG.id, unit.now)

    assert await winners(either_units, end, 30) == 1


async def test_who_came_back_is_not_taken_offline(
    either_halls: Halls, either_units: Units, clock: SetClock
) -> None:
    await either_halls.become(WANG)
    clock.advance(seconds=60)
    async with either_units.open() as unit:
        gone = await agent_queries.stale_agents(unit.session, unit.now)
    assert gone == [WANG.id]
    async with either_units.open() as unit:
        await agent_queries.renew_leases(unit.session, [WANG.id], unit.now + timedelta(seconds=60))
    async with either_units.open() as unit:
        await either_halls.tickets.lapse(unit, WANG.id)
    assert await either_halls.state_of(WANG) is AgentState.READY


async def test_a_lease_is_renewed_without_waiting_for_whom_it_is_not(
    either_halls: Halls, either_units: Units, clock: SetClock
) -> None:
    """On PostgreSQL the renewing would otherwise wait for a row that is being moved."""
    await either_halls.become(WANG)
    await either_halls.become(ZHOU)
    clock.advance(seconds=20)
    until = clock.now + timedelta(seconds=60)
    if either_units.database.writer.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    async with either_units.open() as holding:
        await agent_queries.move_agent(
            holding.session, WANG.id, [AgentState.READY], AgentState.BREAK, now=holding.now
        )
        async with either_units.open() as unit:
            await agent_queries.renew_leases(unit.session, [WANG.id, ZHOU.id], until)
    assert (await either_halls.agent(ZHOU)).lease_until == until
    assert (await either_halls.agent(WANG)).lease_until < until


@dataclass
class Crowd:
    """Agents and clerks who do whatever they may, in an order nobody planned."""

    halls: Halls
    clock: SetClock
    dice: random.Random
    refusals: set[str] = field(default_factory=set)

    async def work_as_agent(self, who: Actor) -> None:
        for _ in range(12):
            with self.noting_refusals():
                await self.answer_or_choose(who)
            self.clock.advance(seconds=1)

    async def answer_or_choose(self, who: Actor) -> None:
        offer = await self.halls.find_offer(who)
        if offer is None:
            states = [AgentState.READY, AgentState.READY, AgentState.BREAK]
            await self.halls.become(who, self.dice.choice(states))
        elif self.dice.random() < 0.5:
            await self.halls.decline(who, offer.id)
        else:
            await self.halls.hang_up(who, await self.halls.accept(who, offer.id))
            await self.halls.become(who)

    async def work_at_counter(self, who: Actor, case_id: str) -> None:
        for _ in range(6):
            with self.noting_refusals():
                ticket = await self.halls.take(case_id, who)
                if self.dice.random() < 0.5:
                    async with self.halls.units.open() as unit:
                        await self.halls.tickets.abandon(unit, who, ticket.id, "x")
            self.clock.advance(seconds=1)

    @contextmanager
    def noting_refusals(self) -> Iterator[None]:
        try:
            yield
        except ServiceError as refused:
            self.refusals.add(refused.code)


async def test_a_line_that_is_not_free_in_time_is_refused_as_busy(hasty_units: Units) -> None:
    if hasty_units.database.writer.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    async with hasty_units.open() as holding:
        await queries.lock_lines(holding.session, {HUOQIU})
        with pytest.raises(ServiceError, match=r"server\.busy"):
            await Halls(hasty_units).become(WANG)
    assert await Halls(hasty_units).become(WANG)


async def test_a_crowd_that_does_everything_at_once_leaves_the_queue_whole(
    either_halls: Halls, clock: SetClock
) -> None:
    crowd = Crowd(either_halls, clock, random.Random(7))
    clerks = [clerk(f"clerk{i}") for i in range(8)]
    cases = [await either_halls.case(one) for one in clerks]
    await asyncio.gather(
        *(crowd.work_as_agent(agent(f"agent{i}")) for i in range(6)),
        *(crowd.work_at_counter(*one) for one in zip(clerks, cases, strict=True)),
    )
    assert crowd.refusals <= {"offer.gone", "agent.busy", "case.wrong_state", "ticket.gone"}
    await assert_whole(either_halls)


async def assert_whole(halls: Halls) -> None:
    """Every open offer has its ringing ticket and agent and the other way round; logs walk."""
    async with halls.units.database.reading() as session:
        offers = (await session.scalars(select(Offer).where(Offer.state == OfferState.OPEN))).all()
        ringing = select(Ticket.id).where(Ticket.state == TicketState.OFFERED)
        asked = select(Agent.clerk_id).where(Agent.state == AgentState.OFFERED)
        assert sorted(o.ticket_id for o in offers) == sorted((await session.scalars(ringing)).all())
        assert sorted(o.clerk_id for o in offers) == sorted((await session.scalars(asked)).all())
        running = (
            select(TicketPeriod.ticket_id, func.count())
            .where(TicketPeriod.ended_at.is_(None))
            .group_by(TicketPeriod.ticket_id)
        )
        assert all(count == 1 for _, count in await session.execute(running))
        tickets = (await session.scalars(select(Ticket))).all()
    for ticket in tickets:
        events = await halls.events(ticket.case_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        last = FIRST_HASH
        for event in events:
            last = event_hash(
                case_id=event.case_id, seq=event.seq, at=event.at, actor=event.actor,
                kind=event.kind, data=event.data, prev_hash=last,
            )  # fmt: skip
            assert event.hash == last
        live = ticket.state in {TicketState.WAITING, TicketState.OFFERED}
        if live:
            assert (await halls.case_row(ticket.case_id)).state is CaseState.WAITING


async def test_matching_from_two_processes_at_once_rings_once(
    either_halls: Halls, either_units: Units, clock: SetClock
) -> None:
    halls = either_halls
    await halls.become(WANG)
    await halls.waiting()
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    clock.advance(seconds=15)

    async def match() -> None:
        async with either_units.open() as unit:
            await halls.tickets.match(unit, HUOQIU)

    assert await outcomes(match() for _ in range(20)) == {"went": 20}
    assert await count_open(halls) == 1
