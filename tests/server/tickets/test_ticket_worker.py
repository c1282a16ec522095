from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.access import Actor
from server.db.timers import LONGEST_SLEEP, SHORTEST_SLEEP
from server.db.unit import Units
from server.tickets import queries
from server.tickets.rules import LEASE_LASTS, OFFER_LASTS, AgentState, OfferState, TicketState
from server.tickets.worker import TicketWorker
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, OTHER_CLERK, WANG, ZHOU, Halls


def worker_on(halls: Halls, *present: Actor) -> TicketWorker:
    """A worker of a process that has just started, with these people's sockets."""
    return TicketWorker(halls.units, halls.tickets, lambda: {who.id for who in present})


async def rung(halls: Halls, who: Actor = WANG) -> str:
    """Let a ticket ring at an agent's; return the ticket's id."""
    await halls.become(who)
    return await halls.waiting()


async def test_an_offer_that_nobody_answers_goes_to_the_next_and_its_agent_on_break(
    halls: Halls, clock: SetClock, news: News
) -> None:
    ticket_id = await rung(halls)
    clock.advance(seconds=5)
    await halls.become(ZHOU)
    taken_at = (await halls.ticket(ticket_id)).taken_at
    clock.now = (await halls.offer_to(WANG)).expires_at
    news.notices.clear()
    await worker_on(halls).tick()
    wang = await halls.agent(WANG)
    assert (wang.state, wang.why) == (AgentState.BREAK, "missed")
    assert (await halls.offer_to(ZHOU)).ticket_id == ticket_id
    assert (await halls.ticket(ticket_id)).taken_at == taken_at
    case_id = (await halls.ticket(ticket_id)).case_id
    assert (await halls.log(case_id))[-2:] == ["offer.missed", "offer.made"]
    assert (await halls.events(case_id))[-2].actor["kind"] == "service"
    told = [(n.event, n.data.get("why")) for n in news.notices if n.room == f"clerk:{WANG.id}"]
    assert ("offer.closed", "missed") in told
    assert ("agent.changed", "missed") in told


async def test_a_moment_before_its_end_an_offer_still_rings(halls: Halls, clock: SetClock) -> None:
    await rung(halls)
    clock.now += OFFER_LASTS - timedelta(milliseconds=1)
    await worker_on(halls).tick()
    assert await halls.find_offer(WANG) is not None


async def test_without_another_agent_the_ticket_waits_with_its_old_place(
    halls: Halls, clock: SetClock
) -> None:
    first = await rung(halls)
    clock.advance(seconds=1)
    second = await halls.waiting(OTHER_CLERK)
    clock.now += OFFER_LASTS
    await worker_on(halls).tick()
    assert await halls.ticket_state(first) is TicketState.WAITING
    async with halls.units.database.reading() as session:
        line = await queries.waiting_line(session, "341522")
    assert [ticket.id for ticket in line] == [first, second]


async def test_what_ran_out_while_no_server_ran_is_done_by_the_next(
    halls: Halls, clock: SetClock
) -> None:
    ticket_id = await rung(halls)
    _, call_id = await halls.in_call(ZHOU, OTHER_CLERK)
    await halls.hang_up(ZHOU, call_id)
    clock.advance(seconds=3600)
    # Neither worker has been told of anything: what is due stands in the database.
    await worker_on(halls, WANG, ZHOU).tick()
    assert [o.state for o in await halls.offers(OfferState.MISSED)] == [OfferState.MISSED]
    assert await halls.state_of(ZHOU) in {AgentState.READY, AgentState.OFFERED}
    assert await halls.state_of(WANG) is AgentState.BREAK
    assert await halls.ticket_state(ticket_id) is not TicketState.DONE


async def test_a_wrap_up_that_is_over_makes_the_agent_ready_for_the_next(
    halls: Halls, clock: SetClock
) -> None:
    _, call_id = await halls.in_call()
    await halls.hang_up(WANG, call_id)
    worker = worker_on(halls, WANG, CLERK)
    clock.advance(seconds=119)
    await worker.tick()
    assert await halls.state_of(WANG) is AgentState.WRAP_UP
    clock.advance(seconds=1)
    await worker.tick()
    assert await halls.state_of(WANG) is AgentState.OFFERED


async def test_a_present_agent_stays_and_one_who_is_gone_goes_offline(
    halls: Halls, clock: SetClock, news: News
) -> None:
    await halls.become(WANG)
    await halls.become(ZHOU)
    worker = worker_on(halls, WANG)
    for _ in range(4):
        await worker.tick()
        clock.advance(seconds=20)
    await worker.tick()
    assert await halls.state_of(WANG) is AgentState.READY
    zhou = await halls.agent(ZHOU)
    assert (zhou.state, zhou.why) == (AgentState.OFFLINE, "gone")
    assert (f"clerk:{ZHOU.id}", "agent.changed") in news.events()


async def test_an_offer_to_who_is_gone_is_passed_on_before_its_time(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    clock.now += LEASE_LASTS - timedelta(seconds=1)
    ticket_id = await halls.waiting()
    await halls.become(ZHOU)
    clock.advance(seconds=1)
    await worker_on(halls, ZHOU).tick()
    assert await halls.state_of(WANG) is AgentState.OFFLINE
    assert (await halls.offer_to(ZHOU)).ticket_id == ticket_id


async def test_nothing_rings_at_an_agent_whose_lease_has_run_out(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    clock.now += LEASE_LASTS
    ticket_id = await halls.waiting()
    assert await halls.ticket_state(ticket_id) is TicketState.WAITING


async def test_an_agent_in_a_call_does_not_go_offline_by_their_lease(
    halls: Halls, clock: SetClock
) -> None:
    await halls.in_call()
    clock.advance(seconds=600)
    await worker_on(halls).tick()
    assert await halls.state_of(WANG) is AgentState.ON_CALL


async def test_a_declined_ticket_rings_again_without_anyones_doing(
    halls: Halls, clock: SetClock
) -> None:
    ticket_id = await rung(halls)
    await halls.decline(WANG, (await halls.offer_to(WANG)).id)
    worker = worker_on(halls, WANG)
    await worker.tick()
    assert await halls.find_offer(WANG) is None
    clock.advance(seconds=15)
    await worker.tick()
    assert (await halls.offer_to(WANG)).ticket_id == ticket_id


async def test_a_round_with_nothing_to_do_tells_nobody_anything(halls: Halls, news: News) -> None:
    await rung(halls)
    worker = worker_on(halls, WANG)
    await worker.tick()
    news.notices.clear()
    await worker.tick()
    assert news.notices == []


async def test_two_workers_at_once_do_it_once(halls: Halls, clock: SetClock) -> None:
    ticket_id = await rung(halls)
    clock.now += OFFER_LASTS
    await asyncio.gather(*(worker_on(halls).tick() for _ in range(5)))
    case_id = (await halls.ticket(ticket_id)).case_id
    assert (await halls.log(case_id)).count("offer.missed") == 1


async def test_the_worker_sleeps_until_the_next_thing_is_due_and_never_longer_than_a_second(
    halls: Halls, clock: SetClock
) -> None:
    worker = worker_on(halls)
    assert await worker.tick() == LONGEST_SLEEP
    await rung(halls)
    assert await worker.tick() == LONGEST_SLEEP
    clock.now += OFFER_LASTS - timedelta(seconds=0.25)
    assert await worker.tick() == pytest.approx(0.25)
    clock.advance(seconds=0.249)
    assert await worker.tick() == SHORTEST_SLEEP


async def test_one_thing_that_fails_stops_none_of_the_others(
    halls: Halls, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rung(halls)
    _, call_id = await halls.in_call(ZHOU, OTHER_CLERK)
    await halls.hang_up(ZHOU, call_id)
    clock.advance(seconds=120)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(halls.tickets), "miss", broken)
    assert await worker_on(halls, WANG, ZHOU).tick() == LONGEST_SLEEP
    assert await halls.state_of(ZHOU) is not AgentState.WRAP_UP


async def test_a_clock_set_back_does_not_stop_the_renewing_of_leases(
    halls: Halls, clock: SetClock
) -> None:
    worker = worker_on(halls, WANG)
    await worker.tick()
    clock.advance(hours=-1)
    await halls.become(WANG)
    clock.advance(seconds=20)
    await worker.tick()
    assert (await halls.agent(WANG)).lease_until == clock.now + LEASE_LASTS


async def test_it_runs_until_it_is_stopped(either_units: Units, clock: SetClock) -> None:
    halls = Halls(either_units)
    await halls.become(WANG)
    await halls.take(await halls.case(CLERK))
    missed = asyncio.Event()

    class Telling(News):
        async def publish(self, notice: object) -> None:
            if getattr(notice, "event", "") == "offer.closed":
                missed.set()

    units = Units(either_units.database, Telling().publish, clock)
    clock.now += OFFER_LASTS
    running = asyncio.create_task(TicketWorker(units, halls.tickets, set).run())
    async with asyncio.timeout(60):
        await missed.wait()
    running.cancel()
    assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], BaseException)
    assert await halls.state_of(WANG) is AgentState.BREAK
