"""Legs over the socket: what tabs and workers say to each other, and what of it moves a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog
from pydantic import BaseModel

from server.calls import messages as wire
from server.calls import queries
from server.calls.relaying import holder_of
from server.calls.rules import MAX_LEG_SDP, MAX_LEG_SECTIONS, check_sdp
from server.calls.service import Calls
from server.db.unit import Notice, Unit, Units
from server.errors import CODES, ServiceError
from server.media import messages as media
from server.relays import messages as relay_wire
from server.relays.worker import count_dropped
from server.rooms import MEDIA
from server.rooms import socket as socket_room
from server.rooms import worker as worker_room
from server.web.limits import build_admit
from server.web.socket import Connection, Heard, SocketEvent

log = structlog.get_logger("kuayu.calls")


# Of what cannot be told a worker's report every two seconds is no reason to try each time.
MOST_PAUSE: Final = 32


@dataclass(frozen=True, slots=True)
class Untold:
    """The calls that a worker has yet to be told, and how many of its reports to let pass."""

    calls: Sequence[str]
    failures: int = 0
    pause: int = 0


@dataclass(frozen=True, slots=True)
class Legs:
    """Hears of legs in both namespaces; of workers' sockets it knows which calls to tell them."""

    calls: Calls
    units: Units
    admit: Callable[[str, str], None] = field(default_factory=build_admit)
    _untold: dict[str, Untold] = field(default_factory=dict)

    def of_tabs(self) -> list[SocketEvent[Any]]:
        """Return what a tab may say of its legs."""
        return [
            SocketEvent("leg.opened", relay_wire.LegOpened, self._open, relay_wire.Leg),
            SocketEvent("leg.offered", relay_wire.LegOffered, self._offer),
            SocketEvent("leg.closed", relay_wire.LegClosed, self._close),
            SocketEvent("leg.probed", relay_wire.LegProbed, self._probe),
            SocketEvent("seat.moved", wire.SeatMoved, self._move_seat, wire.Call),
        ]

    def of_workers(self) -> list[SocketEvent[Any]]:
        """Return what a media worker may say."""
        return [
            SocketEvent("worker.reported", media.WorkerReported, self._report),
            SocketEvent("leg.answered", media.LegAnswered, self._answer),
            SocketEvent("leg.refused", media.LegRefused, self._refuse),
            SocketEvent("negotiation.wanted", media.NegotiationWanted, self._want),
            SocketEvent("streams.mapped", media.StreamsMapped, self._map),
            SocketEvent("leg.changed", media.LegChanged, self._change),
            SocketEvent("leg.measured", media.LegMeasured, self._measure),
        ]

    async def tab_gone(self, connection: Connection) -> None:
        """Let the legs of a socket wait for the next one of their tab, if one may come."""
        async with self.units.open() as unit:
            closed = await self.calls.relays.forget_socket(unit, connection.sid)
        if closed:
            await self._settle()

    async def worker_gone(self, connection: Connection) -> None:
        """Take a worker away, and its calls to another one."""
        self._untold.pop(connection.sid, None)
        async with self.units.open() as unit:
            parted = await self.calls.relays.part(unit, connection.sid)
        if parted:
            await self._settle()

    async def _open(self, heard: Heard[relay_wire.LegOpened]) -> relay_wire.Leg | None:
        async with self.units.open() as unit:
            return await self.calls.open_leg(unit, heard.actor, heard.connection.sid, heard.said)

    async def _offer(self, heard: Heard[relay_wire.LegOffered]) -> None:
        said = heard.said
        sdp = check_sdp(said.sdp, size=MAX_LEG_SDP, sections=MAX_LEG_SECTIONS)
        async with self.units.database.reading() as session:
            leg = await self.calls.relays.own_leg(session, heard.connection.sid, said.leg_id)
        offer = media.LegOffered(leg_id=leg.id, n=said.n, sdp=sdp)
        room = worker_room(leg.worker_id)
        await heard.hub.publish(Notice(room, "leg.offered", offer.model_dump(), MEDIA))

    async def _close(self, heard: Heard[relay_wire.LegClosed]) -> None:
        async with self.units.open() as unit:
            await self.calls.relays.close_leg(unit, heard.connection.sid, heard.said.leg_id)
        await self._settle()

    async def _probe(self, heard: Heard[relay_wire.LegProbed]) -> None:
        """Have a leg's tab hear itself; refuses leg.busy while a seat of a call is on the leg."""
        said = heard.said
        async with self.units.database.reading() as session:
            leg = await self.calls.relays.own_leg(session, heard.connection.sid, said.leg_id)
            busy = await queries.is_seated(session, leg.id)
        if busy:
            raise ServiceError("leg.busy")
        self.admit("probe", holder_of(heard.actor))
        probe = media.LegProbed(leg_id=leg.id, seconds=said.seconds)
        room = worker_room(leg.worker_id)
        await heard.hub.publish(Notice(room, "leg.probed", probe.model_dump(), MEDIA))

    async def _move_seat(self, heard: Heard[wire.SeatMoved]) -> wire.Call:
        async with self.units.open() as unit:
            return await self.calls.move_seat(unit, heard.actor, heard.connection.sid, heard.said)

    async def _report(self, heard: Heard[media.WorkerReported]) -> None:
        """Believe a worker; one that has come back is told again what it is to do."""
        said = heard.said
        count_dropped(said.dropped)
        # What the unit tells it must find it in its room.
        await heard.hub.enter(heard.connection, worker_room(said.worker_id))
        async with self.units.open() as unit:
            new = await self.calls.relays.report(unit, heard.connection.sid, said)
        if new:
            async with self.units.database.reading() as session:
                direct = await queries.direct_calls(session)
                calls = await queries.calls_on(session, said.worker_id)
            self._untold[heard.connection.sid] = Untold(calls)
            await self._each(direct, self.calls.offer_relay)
        await self._tell_calls(heard)
        await self._settle()

    async def _tell_calls(self, heard: Heard[media.WorkerReported]) -> None:
        """Tell a worker its calls, and then that these are all; what fails, its next report does.

        Of a call that it is not told of before, a worker would believe that it is over.
        """
        sid = heard.connection.sid
        untold = self._untold.pop(sid, None)
        if untold is None:
            return
        if untold.pause:
            self._untold[sid] = replace(untold, pause=untold.pause - 1)
            return
        failed = await self._each(untold.calls, self.calls.rearrange, again=untold.failures > 0)
        if failed:
            pause = min(2**untold.failures, MOST_PAUSE) - 1
            self._untold[sid] = Untold(failed, untold.failures + 1, pause)
            return
        told = media.CallsTold().model_dump(mode="json")
        await heard.hub.publish(Notice(socket_room(sid), "calls.told", told, MEDIA))

    async def _each(
        self, call_ids: Iterable[str], verb: Callable[[Unit, str], Awaitable[None]],
        *, again: bool = False,
    ) -> list[str]:  # fmt: skip
        """Do something for each call in a unit of its own; return those where it failed.

        Why is logged in full once: `again` says that it failed before.
        """
        failed = []
        for call_id in call_ids:
            try:
                async with self.units.open() as unit:
                    await verb(unit, call_id)
            except Exception as error:  # noqa: BLE001 (one call must not keep the others untold)
                told = log.warning if again else log.exception
                told("call not told", call=call_id, why=type(error).__name__)
                failed.append(call_id)
        return failed

    async def _answer(self, heard: Heard[media.LegAnswered]) -> None:
        await self._pass_on(heard, "leg.answered", heard.said.leg_id)

    async def _refuse(self, heard: Heard[media.LegRefused]) -> None:
        said = heard.said
        known = said if said.code in CODES else said.model_copy(update={"code": "signal.invalid"})
        await self._pass_on(heard, "leg.refused", said.leg_id, known)

    async def _want(self, heard: Heard[media.NegotiationWanted]) -> None:
        await self._pass_on(heard, "negotiation.wanted", heard.said.leg_id)

    async def _measure(self, heard: Heard[media.LegMeasured]) -> None:
        await self._pass_on(heard, "leg.measured", heard.said.leg_id)

    async def _map(self, heard: Heard[media.StreamsMapped]) -> None:
        await self._pass_on(heard, "streams.mapped", heard.said.leg_id)

    async def _pass_on(
        self, heard: Heard[Any], event: str, leg_id: str, what: BaseModel | None = None
    ) -> None:
        """Give a tab what its leg's own worker says; of a leg that is over nobody wants to hear."""
        async with self.units.database.reading() as session:
            leg = await self.calls.relays.leg_at(session, heard.connection.sid, leg_id)
        if leg is not None:
            data = (what or heard.said).model_dump(mode="json")
            await heard.hub.publish(Notice(socket_room(leg.sid), event, data))

    async def _change(self, heard: Heard[media.LegChanged]) -> None:
        async with self.units.open() as unit:
            await self.calls.relays.note_state(unit, heard.connection.sid, heard.said)
        if heard.said.state != "connected":
            await self._settle()
            return
        async with self.units.database.reading() as session:
            direct = await queries.direct_calls_at(session, heard.said.leg_id)
        for call_id in direct:
            async with self.units.open() as unit:
                await self.calls.bring_back(unit, call_id)

    async def _settle(self) -> None:
        """Settle the calls that lost their worker or a leg; the timers do what fails here."""
        async with self.units.database.reading() as session:
            loose = await queries.loose_calls(session)
        for call_id in loose:
            async with self.units.open() as unit:
                await self.calls.settle(unit, call_id)
