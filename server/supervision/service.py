"""The board: reads all, owns nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.calls.guest_queries import observers_of
from server.calls.rules import SeatSide
from server.cases.reading import Reader
from server.recordings.queries import lights_of
from server.recordings.rules import Light
from server.regions.service import name_region
from server.supervision import messages as wire
from server.supervision import queries
from server.supervision.rules import average, day_began, percentile
from server.tickets.models import Agent
from server.tickets.rules import AgentState


@dataclass(frozen=True, slots=True)
class Supervision:
    """Answers supervisors of a region or a province."""

    reader: Reader

    async def board(self, session: AsyncSession, actor: Actor, now: datetime) -> wire.Board:
        """Return the board of the actor's region at this moment."""
        authorize(actor, Action.READ_BOARD)
        region = actor.region
        waiting = [
            wire.BoardWaiting(
                case_id=case.id,
                number=case.number,
                item_name=self.reader.item_of(case).name,
                from_hall_name=self.reader.catalogue.halls[case.counter_hall].name,
                to_region_name=self.reader.catalogue.regions[case.jurisdiction].name,
                taken_at=ticket.taken_at,
                state=ticket.state,
                away=ticket.away_since is not None,
            )
            for ticket, case in await queries.waiting(session, region)
        ]
        live = await queries.live_calls(session, region)
        live_ids = [call.id for call, _ in live]
        checks = await queries.device_checks(session, live_ids)
        lights = await lights_of(session, live_ids)
        observers = await observers_of(session, live_ids)
        calls = [
            wire.BoardCall(
                call_id=call.id,
                case_id=case.id,
                number=case.number,
                item_name=self.reader.item_of(case).name,
                local_name=case.opened_by_name,
                agent_name=case.agent_name or "",
                since=call.connected_at or call.started_at,
                state=call.state,
                local_check=checks.get((call.id, SeatSide.LOCAL)),
                agent_check=checks.get((call.id, SeatSide.REMOTE)),
                recording=lights.get(call.id, Light.OFF),
                observers=observers.get(call.id, []),
            )
            for call, case in live
        ]
        agents = await queries.agents(session, region)
        return wire.Board(
            version=await queries.version(session, region),
            region=region,
            region_name=name_region(self.reader.catalogue, region),
            cards=await self._cards(
                session, region, now, waiting=waiting, live_calls=len(calls), agents=agents
            ),
            waiting=waiting,
            calls=calls,
            agents=[self._agent(agent) for agent in agents],
        )

    async def _cards(
        self, session: AsyncSession, region: str, now: datetime, *,
        waiting: list[wire.BoardWaiting], live_calls: int, agents: Sequence[Agent],
    ) -> wire.BoardCards:  # fmt: skip
        since = day_began(now)
        waits = await queries.waits_since(session, region, since)
        promised = min(
            (item.promised_minutes for item in self.reader.items.by_version.values()), default=15
        )
        kept = sum(seconds <= promised * 60 for seconds in waits)
        return wire.BoardCards(
            waiting=len(waiting),
            longest_wait_seconds=max(
                (int((now - one.taken_at).total_seconds()) for one in waiting), default=0
            ),
            average_wait_seconds=average(waits),
            p90_wait_seconds=percentile(waits, 0.9),
            live_calls=live_calls,
            agents=_count(agents),
            abandoned_today=await queries.abandoned_since(session, region, since),
            certificates_today=await queries.certificates_since(session, region, since),
            answered_in_promise_share=kept / len(waits) if waits else None,
        )

    def _agent(self, agent: Agent) -> wire.BoardAgent:
        hall = self.reader.catalogue.halls.get(agent.hall)
        return wire.BoardAgent(
            clerk_id=agent.clerk_id,
            name=agent.name,
            hall_name=hall.name if hall is not None else "",
            state=agent.state,
            since=agent.since,
        )


def _count(agents: Sequence[Agent]) -> wire.AgentCounts:
    counts = Counter(agent.state for agent in agents)
    return wire.AgentCounts(
        ready=counts[AgentState.READY],
        offered=counts[AgentState.OFFERED],
        on_call=counts[AgentState.ON_CALL],
        wrap_up=counts[AgentState.WRAP_UP],
        break_=counts[AgentState.BREAK],
        offline=counts[AgentState.OFFLINE],
    )
