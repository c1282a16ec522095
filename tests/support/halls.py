"""Two halls with a queue between them: real verbs on a real database, cases put in directly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Role
from server.calls import messages as call_wire
from server.calls import queries as call_queries
from server.calls.models import Call, Seat
from server.calls.rules import CallState, EndReason
from server.calls.service import Calls
from server.cases.models import Case, CaseEvent
from server.cases.reading import Reader, applicant_context
from server.cases.record import Entry, Records
from server.cases.rules import FIRST_HASH, CaseState, china_day
from server.db.base import new_id
from server.db.unit import Units
from server.items.rules import Owner
from server.items.service import load_items
from server.regions.document import read_document
from server.regions.service import load_regions
from server.staff.models import Clerk
from server.tickets import messages as wire
from server.tickets.models import Agent, Offer, Ticket, TicketPeriod
from server.tickets.rules import AgentState, OfferState, TicketState
from server.tickets.service import Tickets
from server.vault import Vault

REGIONS = Path(__file__).parents[2] / "regions.toml"
WUJIANG, HUOQIU, DEQING = "320509", "341522", "330521"
PENSION, HOUSEHOLD = "pension-lump-sum", "school-household-proof"
APPLICANT = {
    "name": "张三丰", "id_number": "341522199001010004", "phone": "13800000000",
    "enterprise_name": "", "credit_code": "",
}  # fmt: skip


def clerk(
    name: str, region: str = WUJIANG, *roles: Role, hall: str = "", counter: str = "",
    items: frozenset[str] = frozenset(),
) -> Actor:  # fmt: skip
    """A clerk of ours; at the first hall of the region unless said otherwise."""
    halls = {WUJIANG: "pingwang", HUOQIU: "huoqiu", DEQING: "deqing"}
    hall = hall or halls[region]
    return Actor(
        id=name.encode().hex().ljust(32, "0")[:32],
        name=name,
        login_id=f"login-{name}",
        roles=frozenset(roles) or frozenset({Role.COUNTER}),
        region=region,
        hall=hall,
        counter=counter or f"{hall}-1",
        items=items,
    )


def agent(name: str, *items: str, region: str = HUOQIU) -> Actor:
    """An agent of the jurisdiction, who handles these items, or all."""
    return clerk(name, region, Role.AGENT, items=frozenset(items))


def screen(counter: str = "pingwang-1", region: str = WUJIANG) -> Actor:
    """The facing screen of a counter."""
    return Actor(
        id="f" * 32, name="办事人", login_id="screen", roles=frozenset({Role.DEVICE}),
        region=region, hall=counter.rsplit("-", 1)[0], counter=counter,
    )  # fmt: skip


CLERK = clerk("li")
OTHER_CLERK = clerk("qian", counter="pingwang-2")
STRANGER = clerk("zhao", DEQING, Role.COUNTER, Role.AGENT, Role.SUPERVISOR)
WANG, ZHOU = agent("wang"), agent("zhou")


@dataclass
class Halls:
    """The queue and its calls, and what stands in the database about them."""

    units: Units
    complete: bool = True
    serial: int = field(default=0)

    def __post_init__(self) -> None:
        document = read_document(REGIONS)
        self.catalogue = load_regions(document)
        self.items = load_items(document, self.catalogue)
        self.vault = Vault(b"s" * 32)
        self.records = Records(self.vault, call_queries.find_sitting)
        self.reader = Reader(self.records, self.items, self.catalogue)
        self.tickets = Tickets(self.records, self.reader, self._require_complete)
        self.calls = Calls(self.records, self.tickets)

    async def _require_complete(self, _session: AsyncSession, _case: Case, _owner: Owner) -> None:
        """Every case of these halls has all it needs."""

    @property
    def now(self) -> datetime:
        return self.units.clock()

    async def case(
        self, at: Actor = CLERK, *, item: str = PENSION, to: str = HUOQIU,
        state: CaseState = CaseState.DRAFT,
    ) -> str:  # fmt: skip
        """Put a case into the database and return its id."""
        self.serial += 1
        serial, case_id = self.serial, new_id()
        wrapped = self.vault.new_key(case_id)
        key = self.vault.open_key(wrapped, case_id)
        async with self.units.open() as unit:
            row = Case(
                id=case_id,
                number=f"{at.region}-{china_day(unit.now):%Y%m%d}-{serial:06d}",
                counter_region=at.region,
                counter_hall=at.hall,
                counter=at.counter,
                jurisdiction=to,
                item_code=item,
                item_version=self.items.current(item).version,
                state=state,
                seq=0,
                head_hash=FIRST_HASH,
                last_event_at=unit.now,
                wrapped_key=wrapped,
                sealed_applicant=key.seal(json.dumps(APPLICANT), applicant_context(case_id)),
                applicant_index=self.vault.blind_index("id_number", APPLICANT["id_number"]),
                opened_by=at.id,
                opened_by_name=at.name,
                opened_at=unit.now,
            )
            unit.session.add(row)
            await unit.session.flush()
            await Entry(unit, at, row, key).append("case.opened", {"number": row.number})
        return case_id

    async def take(self, case_id: str, by: Actor = CLERK) -> wire.Ticket:
        """Put a case in its line."""
        async with self.units.open() as unit:
            return await self.tickets.take_ticket(unit, by, case_id)

    async def waiting(self, at: Actor = CLERK, *, item: str = PENSION, to: str = HUOQIU) -> str:
        """A case in its line; return the ticket's id."""
        return (await self.take(await self.case(at, item=item, to=to), at)).id

    async def become(
        self, who: Actor, state: AgentState = AgentState.READY, reason: str = ""
    ) -> wire.Agent:
        """Have an agent be ready, on break or offline."""
        wanted = wire.StateWanted.model_validate({"state": state, "reason": reason})
        async with self.units.open() as unit:
            return await self.tickets.set_state(unit, who, wanted)

    async def decline(self, who: Actor, offer_id: str, reason: str = "大厅有人") -> wire.Agent:
        """Have an agent turn an offer down."""
        async with self.units.open() as unit:
            return await self.tickets.decline(unit, who, offer_id, reason)

    async def accept(self, who: Actor, offer_id: str | None = None) -> str:
        """Have an agent answer what rings; return the call's id."""
        offer_id = offer_id or (await self.offer_to(who)).id
        async with self.units.open() as unit:
            return (await self.calls.accept_offer(unit, who, offer_id)).id

    async def hang_up(
        self, who: Actor, call_id: str, reason: EndReason = EndReason.FINISHED
    ) -> call_wire.Call:
        """Have a clerk end a call."""
        async with self.units.open() as unit:
            return await self.calls.hang_up(unit, who, call_id, call_wire.HangUp(reason=reason))

    async def sit(
        self, who: Actor, call_id: str, sid: str = ""
    ) -> tuple[call_wire.Call, str | None, str]:
        """Have a clerk or a screen take their seat on a socket, called by their name."""
        async with self.units.open() as unit:
            return await self.calls.take_seat(unit, who, call_id, sid or who.name)

    async def report(self, who: Actor, call_id: str, state: CallState, sid: str = "") -> None:
        """Have a seat say what its peer connections say."""
        said = call_wire.SeatReported.model_validate({"call_id": call_id, "state": state})
        async with self.units.open() as unit:
            await self.calls.report(unit, who, sid or who.name, said)

    async def leave(self, call_id: str, sid: str) -> None:
        """Have a socket go away."""
        for seat in await self.seats(call_id):
            if seat.sid == sid:
                async with self.units.open() as unit:
                    await self.calls.leave_seat(unit, seat.id, sid)

    async def move(self, case_id: str, state: CaseState) -> None:
        """Bring a case into another state, as certificates or the agent would."""
        async with self.units.open() as unit:
            entry = await self.records.begin_as_service(unit, case_id)
            entry.move(state)
            await entry.append(f"test.{state.value}")

    async def finish(self, call_id: str) -> None:
        """Certify the case of a call, end it, and have everybody free again."""
        await self.move((await self.call(call_id)).case_id, CaseState.CERTIFIED)
        await self.hang_up(WANG, call_id)
        await self.become(WANG)

    async def in_call(self, who: Actor = WANG, at: Actor = CLERK) -> tuple[str, str]:
        """A case in a call; return the case's and the call's id."""
        case_id = await self.case(at)
        await self.take(case_id, at)
        if await self.find_offer(who) is None:
            await self.become(who)
        return case_id, await self.accept(who)

    async def find_offer(self, who: Actor) -> Offer | None:
        """The offer that rings at an agent's."""
        async with self.units.database.reading() as session:
            found = select(Offer).where(Offer.clerk_id == who.id, Offer.state == OfferState.OPEN)
            return (await session.scalars(found)).one_or_none()

    async def offer_to(self, who: Actor) -> Offer:
        """The offer that rings at an agent's; there must be one."""
        found = await self.find_offer(who)
        assert found is not None, f"nothing rings at {who.name}'s"
        return found

    async def offers(self, *states: OfferState) -> list[Offer]:
        """All offers in these states, the oldest first."""
        async with self.units.database.reading() as session:
            found = select(Offer).where(Offer.state.in_(states)).order_by(Offer.made_at)
            return list((await session.scalars(found)).all())

    async def offers_of(self, case_id: str) -> list[Offer]:
        """All offers of a case, the oldest first."""
        async with self.units.database.reading() as session:
            found = select(Offer).where(Offer.case_id == case_id).order_by(Offer.made_at)
            return list((await session.scalars(found)).all())

    async def ticket(self, ticket_id: str) -> Ticket:
        """A ticket as it is now."""
        async with self.units.database.reading() as session:
            return await session.get_one(Ticket, ticket_id)

    async def ticket_of(self, case_id: str) -> Ticket:
        """The last ticket of a case."""
        async with self.units.database.reading() as session:
            found = select(Ticket).where(Ticket.case_id == case_id).order_by(Ticket.taken_at.desc())
            return (await session.scalars(found)).first() or Ticket()

    async def periods(self, ticket_id: str) -> list[TicketPeriod]:
        """Every interval of a ticket, the oldest first."""
        async with self.units.database.reading() as session:
            found = select(TicketPeriod).where(TicketPeriod.ticket_id == ticket_id)
            return list((await session.scalars(found.order_by(TicketPeriod.id))).all())

    async def agent(self, who: Actor) -> Agent:
        """An agent as they are now."""
        async with self.units.database.reading() as session:
            return await session.get_one(Agent, who.id)

    async def state_of(self, who: Actor) -> AgentState:
        """What an agent is now."""
        return (await self.agent(who)).state

    async def ticket_state(self, ticket_id: str) -> TicketState:
        """Where a ticket stands now."""
        return (await self.ticket(ticket_id)).state

    async def case_row(self, case_id: str) -> Case:
        """A case as it is now."""
        async with self.units.database.reading() as session:
            return await session.get_one(Case, case_id)

    async def call(self, call_id: str) -> Call:
        """A call as it is now."""
        async with self.units.database.reading() as session:
            return await session.get_one(Call, call_id)

    async def seats(self, call_id: str) -> list[Seat]:
        """A call's seats in their order."""
        async with self.units.database.reading() as session:
            return list(await call_queries.list_seats(session, call_id))

    async def log(self, case_id: str) -> list[str]:
        """The kinds of a case's events, oldest first."""
        return [event.kind for event in await self.events(case_id)]

    async def events(self, case_id: str) -> list[CaseEvent]:
        """A case's events, oldest first."""
        async with self.units.database.reading() as session:
            found = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
            return list((await session.scalars(found)).all())


async def enlist(halls: Halls, who: Actor) -> None:
    """Give an actor the account that their login is of."""
    async with halls.units.open() as unit:
        unit.session.add(
            Clerk(
                id=who.id, name=who.name, display_name=who.name, region=who.region, hall=who.hall,
                counter="", roles=sorted(role.value for role in who.roles),
                items=sorted(who.items), password_hash="", active=True, demo=False,
                created_at=unit.now, signed_in_at=None,
            )
        )  # fmt: skip
