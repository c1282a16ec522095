"""The socket: who is connected, signals between the peers of a call, and notices; nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import socketio
import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from server.access import Actor, Role
from server.db.engine import is_busy
from server.db.unit import Notice
from server.errors import ServiceError
from server.rooms import MEDIA, board, clerk, counter, hall, login, queue
from server.rooms import socket as socket_room
from server.web.http import Empty, Message
from server.web.lines import LINE, NAMESPACE, Lines
from server.web.login import ACTORS, SOCKET_PATH, Audience, audience_of, refuse_nobody
from server.web.packets import REFUSED, strict_packet
from server.web.texts import check_text, place_of

log = structlog.get_logger("kuayu.socket")
bus_log = structlog.get_logger("kuayu.redis")

# The largest honest signal is an SDP of eight m-lines, about 30 KB: twice that and the frame.
MAX_FRAME_BYTES = 64 * 1024
EVENTS_PER_SECOND = 20.0
BURST = 40.0
# A worker speaks for hundreds of legs: each says about three things when it is opened or changed.
WORKER_EVENTS_PER_SECOND = 500.0
WORKER_BURST = 2000.0

Said = TypeVar("Said", bound=BaseModel)


@dataclass(slots=True)
class Connection:
    """One live socket, and its token bucket."""

    sid: str
    actor: Actor
    line: str
    namespace: str = "/"
    rate: float = EVENTS_PER_SECOND
    burst: float = BURST
    tokens: float = field(init=False)
    counted_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def spend(self) -> bool:
        """Take a token for one event; False when the bucket is empty."""
        now = time.monotonic()
        earned = (now - self.counted_at) * self.rate
        self.tokens, self.counted_at = min(self.burst, self.tokens + earned), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class Heard(Generic[Said]):
    """One event as a handler sees it."""

    connection: Connection
    said: Said
    hub: Hub

    @property
    def actor(self) -> Actor:
        """Who sent it."""
        return self.connection.actor


@dataclass(frozen=True, slots=True)
class SocketEvent(Generic[Said]):
    """One event that clients may send."""

    name: str
    takes: type[Said]
    run: Callable[[Heard[Said]], Awaitable[BaseModel | None]]
    gives: type[BaseModel] | None = None


class EventRefused(Message):
    """An event of mine that asked for no acknowledgement was refused."""

    event: str
    code: str


NOTICES: dict[str, type[Message]] = {REFUSED: EventRefused, "login.ended": Empty}


class Hub:
    """All sockets of this process."""

    def __init__(
        self, events: Sequence[SocketEvent[Any]] = (), *, redis_url: str | None = None
    ) -> None:
        """Take part in rooms; with Redis they reach over all processes."""
        self._connections: dict[str, Connection] = {}
        self._gone: dict[str, list[Callable[[Connection], Awaitable[None]]]] = {"/": [], MEDIA: []}
        self._stopping = False
        self._packet = strict_packet({"/": frozenset()})
        quiet = logging.getLogger("kuayu.frames")
        # What engine.io calls an unknown error is a client's malformed frame.
        quiet.setLevel(logging.CRITICAL)
        # A bus that is away is said in the log: nothing else tells that notices reach no one.
        redis = {"redis_options": {"max_connections": 2000}, "logger": bus_log}
        self._sio = Lines(
            async_mode="aiohttp",
            client_manager=socketio.AsyncRedisManager(redis_url, **redis) if redis_url else None,
            serializer=self._packet,
            transports=["websocket"],
            # The middleware has checked the Origin before the upgrade, and a missing one too.
            cors_allowed_origins="*",
            max_http_buffer_size=MAX_FRAME_BYTES,
            async_handlers=False,
            ping_interval=10,
            ping_timeout=8,
            logger=quiet,
            engineio_logger=quiet,
        )
        for namespace in self._gone:
            self._sio.on("connect", self._connect, namespace=namespace)
            self._sio.on("disconnect", self._disconnect, namespace=namespace)
            self._sio.on(REFUSED, self._refuse_event, namespace=namespace)
        self.serve(events)

    def serve(self, events: Sequence[SocketEvent[Any]], namespace: str = "/") -> None:
        """Listen for further events of a namespace; clients may send no others."""
        names = self._packet.names.get(namespace, frozenset()) | {event.name for event in events}
        self._packet.names = {**self._packet.names, namespace: names}
        for event in events:
            self._sio.on(event.name, self._listener(event), namespace=namespace)

    def attach(self, app: web.Application) -> None:
        """Serve the socket's path in `app`; the middleware has set ACTORS by then."""
        app.router.add_get(SOCKET_PATH, self._upgrade)
        app.on_shutdown.append(self._shut_down)

    def when_gone(
        self, tell: Callable[[Connection], Awaitable[None]], namespace: str = "/"
    ) -> None:
        """Have `tell` called after a socket of a namespace went away.

        Not of a worker when it is we who leave: it goes on, and comes back to us.
        """
        self._gone[namespace].append(tell)

    def present(self) -> set[str]:
        """Return the ids of actors with a live socket on this process."""
        return {one.actor.id for one in self._connections.values() if one.namespace == "/"}

    def sockets(self) -> set[str]:
        """Return the ids of this process's sockets; workers' are not among them."""
        return {sid for sid, one in self._connections.items() if one.namespace == "/"}

    def logins(self) -> set[str]:
        """Return the login ids behind this process's sockets; workers have none."""
        return {_actor_of(request).login_id for request in self._sio.requests()} - {""}

    async def publish(self, notice: Notice) -> None:
        """Send one notice to its room; a failure is logged and never the command's."""
        try:
            await self._sio.emit(
                notice.event, dict(notice.data), room=notice.room, namespace=notice.namespace
            )
        except Exception:
            log.exception("notice lost", notice=notice.event)

    async def enter(self, connection: Connection, room: str) -> None:
        """Let a socket hear what goes to `room`."""
        await self._sio.enter_room(connection.sid, room, namespace=connection.namespace)

    async def leave(self, connection: Connection, room: str) -> None:
        """Let a socket no longer hear what goes to `room`."""
        await self._sio.leave_room(connection.sid, room, namespace=connection.namespace)

    async def evict(self, room: str) -> None:
        """Let nobody hear any longer what goes to `room`."""
        await self._sio.close_room(room)

    async def drop_login(self, login_id: str) -> None:
        """Tell and end every socket of a login that ended."""
        await self.publish(Notice(login(login_id), "login.ended", {}))
        for request in self._sio.requests():
            if _actor_of(request).login_id == login_id:
                await self._sio.close(request[LINE])

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        if not request[ACTORS]:
            raise refuse_nobody(request, audience_of(request))
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise ServiceError("body.malformed", expected="a WebSocket")
        _check_query(request)
        request[NAMESPACE] = MEDIA if Audience.WORKER in request[ACTORS] else "/"
        try:
            response: web.StreamResponse = await self._sio.handle_request(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 (any failure to decode ends this one connection)
            log.info("socket dropped", why=type(error).__name__)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        finally:
            await self._sio.forget(request)
        return response

    async def _shut_down(self, _app: web.Application) -> None:
        self._stopping = True
        for request in self._sio.requests():
            await self._sio.close(request[LINE])
        await self._sio.shutdown()

    async def _connect(self, sid: str, environ: Mapping[str, Any], _auth: object = None) -> None:
        request = environ["aiohttp.request"]
        actor, line = _actor_of(request), request[LINE]
        if request[NAMESPACE] == MEDIA:
            self._connections[sid] = Connection(
                sid, actor, line, MEDIA, rate=WORKER_EVENTS_PER_SECOND, burst=WORKER_BURST
            )
            return
        self._connections[sid] = connection = Connection(sid, actor, line)
        for room in _rooms_of(actor):
            await self.enter(connection, room)

    async def _disconnect(self, sid: str, _reason: str) -> None:
        connection = self._connections.pop(sid, None)
        if connection is None:
            return
        await self._sio.close(connection.line)
        leaving = self._stopping and connection.namespace == MEDIA
        for tell in () if leaving else self._gone[connection.namespace]:
            try:
                await tell(connection)
            except Exception:
                log.exception("crash", socket_event="disconnect")

    def _listener(self, event: SocketEvent[Any]) -> Callable[[str, Any, bool], Awaitable[object]]:
        async def listen(sid: str, data: object, acknowledged: bool) -> object:  # noqa: FBT001 (the library calls so)
            connection, refusal = self._admit(sid)
            if connection is None:
                return refusal
            try:
                said = event.takes.model_validate(data)
                check_text(said)
                answer = await event.run(Heard(connection, said, self))
            except Exception as error:  # noqa: BLE001 (each becomes a refusal, a fault of ours too)
                refused = _refusal_of(error, event.name)
                return await self._refuse(
                    connection, event.name, refused, acknowledged=acknowledged
                )
            data = None if answer is None else answer.model_dump(mode="json", by_alias=True)
            return {"data": data, "error": None, "request_id": ""}

        return listen

    async def _refuse_event(self, sid: str, said: Mapping[str, str], acknowledged: bool) -> object:  # noqa: FBT001 (the library calls so)
        """Answer an event that is none of ours, as a newer client may send it, or a wrong one."""
        connection, refusal = self._admit(sid)
        if connection is None:
            return refusal
        refused = ServiceError(said["code"], event=said["event"])
        return await self._refuse(connection, said["event"], refused, acknowledged=acknowledged)

    def _admit(self, sid: str) -> tuple[Connection | None, object]:
        """Return the connection that may say one more thing, or the answer that it may not."""
        connection = self._connections.get(sid)
        if connection is None:
            return None, _refused(ServiceError("login.missing"))
        if not connection.spend():
            return None, _refused(ServiceError("rate.exceeded"))
        return connection, None

    async def _refuse(
        self, connection: Connection, event_name: str, refused: ServiceError, *, acknowledged: bool
    ) -> object:
        """Return the answer, which goes as a notice to a client that asked for none."""
        if not acknowledged:
            news = {"event": event_name, "code": refused.code}
            room = socket_room(connection.sid)
            await self.publish(Notice(room, REFUSED, news, connection.namespace))
        return _refused(refused)


def _actor_of(request: web.Request) -> Actor:
    actor: Actor = next(iter(request[ACTORS].values()))
    return actor


def _check_query(request: web.Request) -> None:
    """Let a new WebSocket connection pass, and none that goes on with somebody's other one."""
    wanted = {"EIO": "4", "transport": "websocket"}
    for name in ("EIO", "transport", "sid", "j"):
        if request.query.getall(name, []) != ([wanted[name]] if name in wanted else []):
            raise ServiceError("query.invalid", field=name)


def _rooms_of(actor: Actor) -> list[str]:
    rooms = [login(actor.login_id)]
    if Role.DEVICE in actor.roles:
        return [*rooms, counter(actor.counter)]
    if Role.CITIZEN in actor.roles:
        return rooms
    rooms.append(clerk(actor.id))
    if Role.COUNTER in actor.roles and actor.hall:
        rooms.append(hall(actor.hall))
    if actor.roles & {Role.AGENT, Role.SUPERVISOR}:
        rooms.append(queue(actor.region))
    if Role.SUPERVISOR in actor.roles:
        rooms.append(board(actor.region))
    return rooms


def _refusal_of(error: Exception, event_name: str) -> ServiceError:
    match error:
        case ServiceError():
            return error
        case ValidationError():
            place = place_of(error.errors(include_url=False)[0]["loc"])
            return ServiceError("event.invalid", field=place)
        case _ if is_busy(error):
            return ServiceError("server.busy", seconds=1)
        case _:
            log.error("crash", socket_event=event_name, exc_info=error)
            return ServiceError("server.broken")


def _refused(error: ServiceError) -> dict[str, object]:
    details = dict(error.details)
    field_name = details.pop("field", None)
    refusal = {"code": error.code, "field": field_name, "details": details}
    return {"data": None, "error": refusal, "request_id": ""}
