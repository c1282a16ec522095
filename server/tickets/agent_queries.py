"""Every SQL statement on agents: their state, their lease, and who may be offered a ticket."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor
from server.db.insert import insert_for
from server.tickets.models import Agent, Ticket
from server.tickets.rules import AgentState, TicketState


async def find_agent(session: AsyncSession, clerk_id: str) -> Agent | None:
    """Return a clerk's standing in the queue."""
    return await session.get(Agent, clerk_id, populate_existing=True)


async def ready_agents(session: AsyncSession, region: str, now: datetime) -> Sequence[Agent]:
    """Return a region's ready agents whose lease still runs."""
    statement = select(Agent).where(
        Agent.region == region, Agent.state == AgentState.READY, Agent.lease_until > now
    )
    return (await session.scalars(statement, execution_options={"populate_existing": True})).all()


async def count_agents(session: AsyncSession, region: str, states: Collection[AgentState]) -> int:
    """Return how many of a region's agents are in one of these states."""
    statement = select(func.count()).where(Agent.region == region, Agent.state.in_(states))
    return (await session.execute(statement)).scalar_one()


async def move_agent(
    session: AsyncSession, clerk_id: str, current: Collection[AgentState], target: AgentState,
    *, now: datetime, why: str | None = None, wrap_up_until: datetime | None = None,
    because: str | None = None,
) -> bool:  # fmt: skip
    """Move an agent on, unless someone else already has; say whether we did.

    `because`: only who is where they are for this reason.
    Who becomes ready starts to be idle now, except after an offer that came to nothing.
    """
    values: dict[str, object] = {
        "state": target, "since": now, "why": why, "wrap_up_until": wrap_up_until,
    }  # fmt: skip
    if target is AgentState.READY and AgentState.OFFERED not in current:
        values["idle_since"] = now
    moved = update(Agent).where(Agent.clerk_id == clerk_id, Agent.state.in_(current))
    if because is not None:
        moved = moved.where(Agent.why == because)
    row = await session.execute(moved.values(**values).returning(Agent.clerk_id))
    return row.one_or_none() is not None


async def enlist(session: AsyncSession, actor: Actor, *, now: datetime, until: datetime) -> Agent:
    """Return the clerk's standing, offline if they had none, with what their login says now."""
    known = {
        "name": actor.name, "region": actor.region, "hall": actor.hall,
        "items": sorted(actor.items), "lease_until": until,
    }  # fmt: skip
    insert = insert_for(session, Agent).values(
        clerk_id=actor.id, state=AgentState.OFFLINE, since=now, idle_since=now, **known
    )
    statement = insert.on_conflict_do_update(
        index_elements=["clerk_id"], set_={name: insert.excluded[name] for name in known}
    ).returning(Agent)
    return (
        await session.execute(statement, execution_options={"populate_existing": True})
    ).scalar_one()


async def renew_leases(session: AsyncSession, clerk_ids: Collection[str], until: datetime) -> None:
    """Let present agents stay, in one statement.

    It waits for nobody, so it is in nobody's way: who is just being moved is renewed next time.
    """
    present = (
        select(Agent.clerk_id)
        .where(Agent.clerk_id.in_(clerk_ids), Agent.state != AgentState.OFFLINE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(Agent)
        .where(Agent.clerk_id.in_(present))
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


async def stale_agents(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return agents whose lease ran out; one who is on a call is kept by the seat's lease."""
    statement = select(Agent.clerk_id).where(
        Agent.lease_until <= now,
        Agent.state.not_in([AgentState.OFFLINE, AgentState.ON_CALL]),
    )
    return (await session.scalars(statement)).all()


async def lapse_agent(session: AsyncSession, clerk_id: str, now: datetime) -> bool:
    """Take an agent offline whose lease ran out, unless they came back; say whether we did."""
    statement = (
        update(Agent)
        .where(
            Agent.clerk_id == clerk_id,
            Agent.lease_until <= now,
            Agent.state.not_in([AgentState.OFFLINE, AgentState.ON_CALL]),
        )
        .values(state=AgentState.OFFLINE, since=now, why="gone", wrap_up_until=None)
        .returning(Agent.clerk_id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def wrapped_up_agents(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return agents whose wrap-up is over."""
    statement = select(Agent.clerk_id).where(
        Agent.state == AgentState.WRAP_UP, Agent.wrap_up_until <= now
    )
    return (await session.scalars(statement)).all()


async def end_wrap_up(session: AsyncSession, clerk_id: str, now: datetime) -> bool:
    """Make an agent ready whose wrap-up is over, unless they already are; say whether we did."""
    statement = (
        update(Agent)
        .where(
            Agent.clerk_id == clerk_id,
            Agent.state == AgentState.WRAP_UP,
            Agent.wrap_up_until <= now,
        )
        .values(
            state=AgentState.READY, since=now, idle_since=now, why="wrapped_up", wrap_up_until=None
        )
        .returning(Agent.clerk_id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def busy_clerks(session: AsyncSession, region: str) -> set[str]:
    """Return those with a ticket in a region's line who are at another call or offer now."""
    callers = select(Ticket.taken_by).where(
        Ticket.region == region, Ticket.state == TicketState.WAITING
    )
    tickets = select(Ticket.taken_by).where(
        Ticket.taken_by.in_(callers),
        Ticket.state.in_([TicketState.OFFERED, TicketState.SERVING]),
    )
    agents = select(Agent.clerk_id).where(
        Agent.clerk_id.in_(callers), Agent.state == AgentState.ON_CALL
    )
    return set((await session.scalars(tickets)).all()) | set((await session.scalars(agents)).all())
