"""Routes as data: a table says what each takes, gives and needs; one function serves it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from server.access import TABLE, Action, Actor
from server.db.engine import Database
from server.db.replies import claim, remember
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.web.login import ACTORS, Audience, NewLogin, refuse_nobody, set_login
from server.web.texts import check_text, place_of

MAX_JSON_BYTES = 512 * 1024
JSON_SECONDS = 15
UPLOAD_SECONDS = 120
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")

# How the database's rows are named on the wire.
RowId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

REQUEST_ID = web.RequestKey("request_id", str)
ADDRESS = web.RequestKey("address", str)


class Message(BaseModel):
    """The base of everything on the wire: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Empty(Message):
    """A body or an answer that says nothing."""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """An answer that is a file and no JSON."""

    content: bytes
    media_type: str
    name: str
    attachment: bool = True
    # Where a part of a file begins in it, and how long the whole is; 0: this is the whole.
    first: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """An answer that is a file too long to be held, piece by piece; it is always an attachment.

    What `pieces` raises breaks the connection, so that nobody takes a part for the whole.
    """

    pieces: AsyncIterator[bytes]
    size: int
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Upload:
    """What raw bodies a route takes."""

    max_bytes: int
    media_types: tuple[str, ...]


Taken = TypeVar("Taken", bound=BaseModel)
Given = TypeVar("Given", bound=BaseModel)


@dataclass(slots=True)
class Ask(Generic[Taken]):
    """One request as a handler sees it: who asks, what they say, and the way to the database."""

    said: Taken
    path: Mapping[str, str]
    request_id: str
    address: str
    units: Units
    maybe_actor: Actor | None
    key: str | None = None
    content: bytes = b""
    media_type: str = ""
    fingerprint: str = ""
    range: str = ""
    login: NewLogin | None = None

    @property
    def actor(self) -> Actor:
        """Who asks; login.missing if nobody is signed in."""
        if self.maybe_actor is None:
            raise ServiceError("login.missing")
        return self.maybe_actor

    @property
    def database(self) -> Database:
        """For reads that change nothing."""
        return self.units.database

    async def command(self, verb: Callable[[Unit], Awaitable[Given]]) -> Given:
        """Run `verb` in one unit; a repeated Idempotency-Key gets the first answer again.

        Nothing but SQL may be awaited inside: hashing, drawing and files come before or after.
        """
        async with self.units.open() as unit:
            if self.key is None:
                return await verb(unit)
            owner = f"{self.actor.id}:{self.key}"
            known = await claim(unit, owner, self.fingerprint)
            if known is not None:
                raise Replay(known)
            answer = await verb(unit)
            await remember(unit, owner, answer.model_dump_json())
            return answer


class Replay(Exception):  # noqa: N818 (no error: it carries the answer that is known already)
    """Leaves the unit of a repeated command with the answer of the first."""

    def __init__(self, answer: str) -> None:
        """Take the first answer's JSON."""
        super().__init__()
        self.answer = answer


Answer = BaseModel | FileAnswer | StreamAnswer | None


@dataclass(frozen=True, slots=True)
class Route(Generic[Taken]):
    """One line of the API.

    `takes` is the JSON body of a change, and the query string of a read or an upload. `action`
    None means that the route is open to anyone or checks a secret of its own. `gives` None is
    a file.
    """

    method: str
    path: str
    action: Action | None
    takes: type[Taken]
    run: Callable[[Ask[Taken]], Awaitable[Answer]]
    gives: type[BaseModel] | None
    says: str
    audience: Audience = Audience.STAFF
    keyed: bool = False
    upload: Upload | None = None
    nullable: bool = False
    rate: str | None = None

    @property
    def reads_query(self) -> bool:
        """Whether `takes` comes from the query string."""
        return self.method == "GET" or self.upload is not None


Admit = Callable[[str, str], None]


def add_routes(app: web.Application, routes: list[Route[Any]], units: Units, admit: Admit) -> None:
    """Serve every route of the table; `admit(rate, address)` refuses callers who ask too often."""
    for route in routes:
        app.router.add_route(route.method, route.path, _serve(route, units, admit))


def _serve(
    route: Route[Any], units: Units, admit: Admit
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        if route.rate is not None:
            admit(route.rate, request[ADDRESS])
        actor = request[ACTORS].get(route.audience)
        if route.action is not None:
            if actor is None:
                raise refuse_nobody(request, route.audience)
            _check_role(actor, route.action)
        ask = await _read(route, request, units, actor)
        try:
            answer = await route.run(ask)
        except Replay as replay:
            return _respond(request, f'{{"data":{replay.answer},"error":null')
        response = _answer(request, answer)
        if ask.login is not None:
            set_login(response, ask.login)
        return response

    return serve


def _check_role(actor: Actor, action: Action) -> None:
    """Refuse early whom no line of the table could let pass; the verb decides on the rest."""
    if not any(grant.roles & actor.roles for grant in TABLE[action]):
        raise ServiceError("action.forbidden")


async def _read(
    route: Route[Any], request: web.Request, units: Units, actor: Actor | None
) -> Ask[Any]:
    if any(not value.isprintable() for value in request.match_info.values()):
        raise ServiceError("route.unknown")
    content = await _body(route, request)
    said = _parse(route, request, content)
    check_text(said)
    key = request.headers.get("Idempotency-Key")
    if route.keyed and key is None:
        raise ServiceError("idempotency_key.missing")
    if key is not None and not _KEY.fullmatch(key):
        raise ServiceError("idempotency_key.malformed")
    place = f"{route.method} {request.rel_url}\n".encode()
    return Ask(
        said=said,
        path=dict(request.match_info),
        request_id=request[REQUEST_ID],
        address=request[ADDRESS],
        units=units,
        maybe_actor=actor,
        key=key if route.keyed else None,
        content=content if route.upload else b"",
        media_type=request.content_type,
        fingerprint=hashlib.sha256(place + content).hexdigest(),
        range=request.headers.get("Range", ""),
    )


async def _body(route: Route[Any], request: web.Request) -> bytes:
    """Read the whole body, whose length must be told before and is capped; within a deadline."""
    if route.method == "GET":
        return b""
    length = _length(route, request)
    _check_type(route, request)
    if length == 0:
        return b""  # aiohttp's reader calls a body of no bytes a broken one.
    try:
        async with asyncio.timeout(UPLOAD_SECONDS if route.upload else JSON_SECONDS):
            return await request.content.readexactly(length)
    except TimeoutError:
        raise ServiceError("body.too_slow") from None
    except (asyncio.IncompleteReadError, ConnectionError):
        raise ServiceError("body.malformed") from None


def _length(route: Route[Any], request: web.Request) -> int:
    if request.content_length is None:
        raise ServiceError("body.length_missing")
    if "Content-Encoding" in request.headers:
        # The length would be that of the packed body, and no promise about the unpacked one.
        raise ServiceError("body.malformed", expected="no Content-Encoding")
    limit = route.upload.max_bytes if route.upload else MAX_JSON_BYTES
    if request.content_length > limit:
        raise ServiceError("body.too_large", limit=limit)
    return request.content_length


def _check_type(route: Route[Any], request: web.Request) -> None:
    if route.upload is None:
        if request.content_type != "application/json":
            raise ServiceError("body.malformed", expected="application/json")
    elif request.content_type not in route.upload.media_types:
        raise ServiceError("material.wrong_type", expected=list(route.upload.media_types))


def _parse(route: Route[Any], request: web.Request, content: bytes) -> BaseModel:
    takes: type[BaseModel] = route.takes
    try:
        if route.reads_query:
            repeated = [name for name in request.query if len(request.query.getall(name)) > 1]
            if repeated:
                raise ServiceError("query.invalid", field=repeated[0])
            return takes.model_validate_strings(dict(request.query))
        return takes.model_validate_json(content)
    except ValidationError as error:
        raise _refusal(error, "query.invalid" if route.reads_query else "body.invalid") from None


def _refusal(error: ValidationError, code: str) -> ServiceError:
    """Name the first field at fault without repeating what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return ServiceError("body.malformed")
    return ServiceError(code, field=place_of(first["loc"]), expected=first["msg"])


def _answer(request: web.Request, answer: Answer) -> web.Response:
    if isinstance(answer, StreamAnswer):
        length = {"Content-Length": str(answer.size)}
        return web.Response(
            body=answer.pieces,
            content_type=answer.media_type,
            headers=length | _about_file("attachment", answer.name),
        )
    if isinstance(answer, FileAnswer):
        kind = "attachment" if answer.attachment else "inline"
        last = answer.first + len(answer.content) - 1
        part = {
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {answer.first}-{last}/{answer.of}",
        }
        return web.Response(
            body=answer.content,
            status=HTTPStatus.PARTIAL_CONTENT if answer.of else HTTPStatus.OK,
            content_type=answer.media_type,
            headers={
                **(part if answer.of else {}),
                **_about_file(kind, answer.name),
            },
        )
    data = "null" if answer is None else answer.model_dump_json()
    return _respond(request, f'{{"data":{data},"error":null')


def _about_file(kind: str, name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name)}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
    }


def _respond(request: web.Request, opening: str) -> web.Response:
    return web.Response(
        text=f'{opening},"request_id":"{request[REQUEST_ID]}"}}',
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
