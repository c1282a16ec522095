"""The worker: does what the service says over the `/media` namespace, and tells the rest."""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import socketio
import structlog
from pydantic import BaseModel, ValidationError

from server.media import messages as wire
from server.media.legs import Leg
from server.media.network import Network, first_words
from server.media.offers import UnfitError
from server.media.ports import Port
from server.media.probing import Probes
from server.media.rooms import Place, Room, Stream, Wanted
from server.media.tapes import Store, Tapes
from server.media.tapes import Wanted as Recording

log = structlog.get_logger("kuayu.media")

NAMESPACE: Final = "/media"
REPORT_EVERY: Final = 2.0
# An ICE connection that never came about is given up.
CONNECT_WITHIN: Final = 20.0
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 2.0


class RefusedError(Exception):
    """The service does not take our secret."""


class Worker:
    """All legs and rooms of one process, and its line to the service."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        name: str,
        network: Network,
        capacity: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare to serve the service at `url`; `capacity` is how many legs to take.

        PortsError if no port of the network's is free.
        """
        self.id = uuid.uuid4().hex
        self._url, self._secret, self._name = url, secret, name
        self._capacity = capacity
        self.legs: dict[str, Leg] = {}
        self.rooms: dict[str, Room] = {}
        self.dropped: Counter[str] = Counter()
        self.port = Port(network, self.dropped)
        self._arranged: dict[str, wire.CallArranged] = {}
        self._before: dict[str, wire.CallArranged] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._patience: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.tapes = Tapes(Store(url, secret, tls), self._say)
        self._probes = Probes(self._measure)
        self._tls = tls
        self._lost = asyncio.Event()
        self._http: aiohttp.ClientSession | None = None
        self._line = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, http_session=self._session
        )
        on: list[tuple[str, type[BaseModel], Callable[[Any], Awaitable[None]]]] = [
            ("leg.offered", wire.LegOffered, self._answer),
            ("leg.closed", wire.LegClosed, self._close),
            ("leg.resumed", wire.LegResumed, self._resume),
            ("leg.probed", wire.LegProbed, self._probe),
            ("call.arranged", wire.CallArranged, self._arrange),
            ("calls.told", wire.CallsTold, self._end_untold),
        ]
        for event, takes, act in on:
            self._line.on(event, self._hearing(takes, act), namespace=NAMESPACE)
        self._line.on("connect", self._return, namespace=NAMESPACE)
        self._line.on("disconnect", self._lose, namespace=NAMESPACE)

    async def run(self) -> None:
        """Serve until cancelled; the line is taken up again whenever it breaks.

        Raises RefusedError when the service does not take the secret.
        """
        pause = FIRST_PAUSE
        try:
            while True:
                if await self._connect():
                    pause = FIRST_PAUSE
                    await self._report_on()
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            await self._line.shutdown()
            for task in list(self._tasks):
                task.cancel()
            await self.tapes.close()
            await asyncio.gather(*(leg.close() for leg in self.legs.values()))
            self.port.close()
            if self._http is not None:
                await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        """Return what reaches the service; Engine.IO wants one when it first connects."""
        trusted = True if self._tls is None else self._tls
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted))
        return self._http

    async def _connect(self) -> bool:
        """Take the line to the service up; say whether it is there."""
        self._lost.clear()
        try:
            await self._line.connect(
                f"{self._url}/?as=worker",
                headers={"Authorization": f"Bearer {self._secret}"},
                transports=["websocket"],
                namespaces=[NAMESPACE],
                wait_timeout=CONNECT_WITHIN,
            )
        except socketio.exceptions.ConnectionError as error:
            if _status(error) == HTTPStatus.UNAUTHORIZED:
                log.error("secret refused", service=self._url)  # noqa: TRY400 (no fault of ours)
                raise RefusedError from error
            said = {"status": _status(error), "why": first_words(error)}
            log.warning("service not reached", service=self._url, **said)
            return False
        log.info(
            "serving", service=self._url, name=self._name, worker=self.id,
            capacity=self._capacity, port=self.port.number, buffer=self.port.buffer,
        )  # fmt: skip
        return True

    async def _report_on(self) -> None:
        """Report every two seconds until the line breaks."""
        while not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_EVERY):
                    await self._lost.wait()
                log.warning("line lost", service=self._url)
                return
            await self._report()

    def _lose(self, *_reason: object) -> None:
        self._lost.set()

    def _hearing(
        self, takes: type[BaseModel], act: Callable[[Any], Awaitable[None]]
    ) -> Callable[[object], Awaitable[None]]:
        async def hear(data: object) -> None:
            try:
                await act(takes.model_validate(data))
            except ValidationError as error:
                log.warning("not understood", message=takes.__name__, faults=error.error_count())

        return hear

    async def _return(self) -> None:
        """Report on a line that is new: the service tells each call of ours once more."""
        self._before = dict(self._arranged)
        await self._report()

    async def _end_untold(self, _told: wire.CallsTold) -> None:
        """End what was not told again: it ended or went to another worker without a line to us.

        Of the others is said again what may not have been told while the line was down.
        """
        before, self._before = self._before, {}
        for call_id, said in before.items():
            if self._arranged.get(call_id) is said:
                self._end(call_id)
            elif call_id in self.rooms:
                for place in self.rooms[call_id].places.values():
                    self.rooms[call_id].repeat(place.leg)

    async def _report(self) -> None:
        dropped = {reason: packets for reason, packets in self.dropped.items() if packets}
        report = wire.WorkerReported(
            worker_id=self.id, name=self._name, capacity=self._capacity, legs=sorted(self.legs),
            dropped=dropped,
        )  # fmt: skip
        if await self._tell("worker.reported", report):
            self.dropped.subtract(dropped)

    async def _say(self, event: str, what: BaseModel) -> None:
        """Tell the service; what cannot be told now is told by the next report or not needed."""
        if not await self._tell(event, what):
            log.info("not told", message=event)

    async def _tell(self, event: str, what: BaseModel) -> bool:
        """Tell the service, and say whether the line was there."""
        try:
            await self._line.emit(event, what.model_dump(mode="json"), namespace=NAMESPACE)
        except socketio.exceptions.SocketIOError:
            return False
        return True

    # Legs

    async def _answer(self, said: wire.LegOffered) -> None:
        """Answer an offer; a leg that is new is opened by its first one."""
        if said.leg_id not in self.legs and len(self.legs) >= self._capacity:
            await self._refuse(said, "worker.full")
            return
        turn = self._turns.setdefault(said.leg_id, asyncio.Lock())
        async with turn:
            leg = self.legs.get(said.leg_id)
            if leg is None:
                leg = Leg(said.leg_id, self.port, self._note, time.monotonic, self.dropped)
                self.legs[said.leg_id] = leg
                self._patience[leg.id] = self._after(CONNECT_WITHIN, self._give_up(leg))
            try:
                sdp = await leg.answer(said.sdp)
            except UnfitError as error:
                log.info("offer refused", leg=said.leg_id, why=str(error))
                if not leg.transport.connected:
                    await self._drop(leg)
                await self._refuse(said, "signal.invalid")
                return
        await self._say("leg.answered", wire.LegAnswered(leg_id=leg.id, n=said.n, sdp=sdp))
        # A call may have been arranged before its leg was there, or want streams that are new.
        for call in self._arranged.values():
            if any(seat.leg_id == leg.id for seat in call.seats):
                self._seat(call)

    async def _refuse(self, said: wire.LegOffered, code: str) -> None:
        await self._say("leg.refused", wire.LegRefused(leg_id=said.leg_id, n=said.n, code=code))

    async def _close(self, said: wire.LegClosed) -> None:
        leg = self.legs.get(said.leg_id)
        if leg is not None:
            await self._drop(leg)

    async def _resume(self, said: wire.LegResumed) -> None:
        leg = self.legs.get(said.leg_id)
        if leg is not None:
            for room in self.rooms.values():
                room.repeat(leg)

    async def _probe(self, said: wire.LegProbed) -> None:
        """Let a leg hear itself, unless it is in a call by now."""
        leg = self.legs.get(said.leg_id)
        seated = any(
            place.leg is leg for room in self.rooms.values() for place in room.places.values()
        )
        if leg is not None and not seated:
            self._probes.begin(leg, said.seconds)

    def _measure(self, found: wire.LegMeasured) -> None:
        self._after(0.0, self._say("leg.measured", found))

    async def _drop(self, leg: Leg) -> None:
        """Take a leg out of its room and end it."""
        self.legs.pop(leg.id, None)
        self._turns.pop(leg.id, None)
        self._probes.end(leg)
        self._lose_patience(leg)
        self.tapes.drop(leg)
        for room in self.rooms.values():
            room.seat({key: one for key, one in room.places.items() if one.leg is not leg})
        await leg.close()

    def _lose_patience(self, leg: Leg) -> None:
        """Wait no more for a leg to connect."""
        waiting = self._patience.pop(leg.id, None)
        if waiting is not None and waiting is not asyncio.current_task():
            waiting.cancel()

    async def _give_up(self, leg: Leg) -> None:
        if not leg.transport.connected and self.legs.get(leg.id) is leg:
            await self._drop(leg)
            await self._say("leg.changed", wire.LegChanged(leg_id=leg.id, state="failed"))

    def _note(self, leg: Leg, state: str) -> None:
        """Hear what became of a connection, from inside aiortc: act in a task of our own."""
        if self.legs.get(leg.id) is leg:
            self._after(0.0, self._tell_state(leg, state))

    async def _tell_state(self, leg: Leg, state: str) -> None:
        if state == "connected":
            self._lose_patience(leg)
        if state in {"failed", "closed"} and self.legs.get(leg.id) is leg:
            await self._drop(leg)
        await self._say("leg.changed", wire.LegChanged.model_validate(
            {"leg_id": leg.id, "state": state}
        ))  # fmt: skip

    # Calls

    async def _arrange(self, said: wire.CallArranged) -> None:
        """Have a call as the service says; what is older than what we did is dropped."""
        before = self._arranged.get(said.call_id)
        if before is not None and said.version < before.version:
            return
        if said.seats:
            self._arranged[said.call_id] = said
            self._seat(said)
            return
        self._end(said.call_id)

    def _end(self, call_id: str) -> None:
        """Forget a call; its legs live on for the next one."""
        self._arranged.pop(call_id, None)
        room = self.rooms.pop(call_id, None)
        if room is not None:
            self.tapes.end(call_id)
            room.close()

    def _seat(self, call: wire.CallArranged) -> None:
        """Put the seats that have their legs here into the call's room."""
        room = self.rooms.get(call.call_id)
        if room is None:
            room = self.rooms[call.call_id] = Room(
                call.call_id, self._map(call.call_id), self._want
            )
        for one in call.seats:
            if one.leg_id in self.legs:
                self._probes.end(self.legs[one.leg_id])
        room.seat(
            {
                one.seat_id: Place(
                    one.seat_id,
                    self.legs[one.leg_id],
                    frozenset(one.hears),
                    recorded=one.record is not None,
                )
                for one in call.seats
                if one.leg_id in self.legs
            }
        )
        self.tapes.arrange(
            call.call_id,
            {
                one.record: Recording(self.legs[one.leg_id], one.paused)
                for one in call.seats
                if one.record is not None and one.leg_id in self.legs
            },
        )

    def _map(self, call_id: str) -> Callable[[Leg, list[Stream]], None]:
        def mapped(leg: Leg, streams: list[Stream]) -> None:
            told = [
                wire.MappedStream(mid=one.mid, seat_id=one.seat_id, kind=one.kind)
                for one in streams
            ]
            message = wire.StreamsMapped(leg_id=leg.id, call_id=call_id, streams=told)
            self._after(0.0, self._say("streams.mapped", message))

        return mapped

    def _want(self, leg: Leg, wanted: Wanted) -> None:
        message = wire.NegotiationWanted(
            leg_id=leg.id, audio=wanted.audio, video=wanted.video, again=wanted.again
        )
        self._after(0.0, self._say("negotiation.wanted", message))

    def _after(self, seconds: float, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in its own task, in its order with others of no delay."""

        async def later() -> None:
            if seconds:
                await asyncio.sleep(seconds)
            await work

        task = asyncio.ensure_future(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # What was called off before its time must not be waited for by anybody.
        task.add_done_callback(lambda _: work.close())
        return task


def _status(error: BaseException) -> int | None:
    """Return the HTTP status with which a handshake was refused, if somebody answered it."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, aiohttp.WSServerHandshakeError):
            return reason.status
        reason = reason.__cause__ or reason.__context__
    return None
