"""What the signer answers on its socket, and to whom."""

from __future__ import annotations

from typing import Final, TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ValidationError

from server.certificates.drawing import MAX_BYTES
from server.certificates.signer import (
    LISTS_PATH,
    SEALS_PATH,
    SIGNATURES_PATH,
    SM2_PATH,
    Known,
    ListPaper,
    ListPlace,
    Paper,
    Place,
    Refusal,
    Sm2Paper,
)
from server.db.engine import is_busy
from server.errors import ServiceError
from server.signing.peers import peer_of
from server.signing.service import Signing

log = structlog.get_logger("kuayu.signing")

MOST_BYTES: Final = 4096
Said = TypeVar("Said", bound=BaseModel)
NOT_SERVED: Final = {405: "method.wrong", 413: "body.too_large"}


def create_app(signing: Signing, clients: frozenset[int]) -> web.Application:
    """Return the application on the signer's socket; other users than `clients` are refused."""

    async def show_seals(_request: web.Request) -> web.Response:
        seals = signing.seals
        known = Known(demo=dict(seals.known), sm2=dict(seals.sm2), pictures=dict(seals.pictures))
        return _answer(known)

    async def sign(request: web.Request) -> web.Response:
        place = await _said(Place, request)
        made = await signing.sign(place.certificate_id, place.attempt)
        return _answer(
            Paper.model_construct(
                pdf=made.pdf,
                sha256=made.sha256,
                token=made.token,
                pages=made.pages,
                stamped_at=made.stamped_at,
            )
        )

    async def list_statuses(request: web.Request) -> web.Response:
        place = await _said(ListPlace, request)
        made = await signing.list_statuses(place.issuer_code, place.year)
        return _answer(
            ListPaper.model_construct(
                content=made.content,
                version=made.version,
                issued_at=made.issued_at,
                expires_at=made.expires_at,
            )
        )

    async def sign_sm2(request: web.Request) -> web.Response:
        pdf = await request.clone(client_max_size=MAX_BYTES).read()
        made = await signing.sign_sm2(request.match_info["certificate_id"], pdf)
        return _answer(Sm2Paper.model_construct(content=made.content, signed_at=made.signed_at))

    app = web.Application(middlewares=[_guard(clients)], client_max_size=MOST_BYTES)
    app.router.add_get(SEALS_PATH, show_seals)
    app.router.add_post(SIGNATURES_PATH, sign)
    app.router.add_post(LISTS_PATH, list_statuses)
    app.router.add_post(SM2_PATH + "/{certificate_id:[0-9a-f]{32}}", sign_sm2)
    return app


async def _said(kind: type[Said], request: web.Request) -> Said:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError:
        raise ServiceError("body.invalid") from None


def _guard(clients: frozenset[int]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _require_client(request, clients)
            return await handler(request)
        except ServiceError as error:
            return _refuse(error)
        except web.HTTPException as error:
            return _refuse(ServiceError(NOT_SERVED.get(error.status, "route.unknown")))
        except Exception as error:
            if is_busy(error):
                return _refuse(ServiceError("server.busy"))
            log.exception("crash", path=request.path)
            return _refuse(ServiceError("server.broken"))

    return guard


def _require_client(request: web.Request, clients: frozenset[int]) -> None:
    connection = request.get_extra_info("socket")
    user = None if connection is None else peer_of(connection)
    if user not in clients:
        log.warning("a stranger asked", user=user)
        raise ServiceError("action.forbidden")


def _refuse(error: ServiceError) -> web.Response:
    return _answer(Refusal(code=error.code, details=error.details), error.status)


def _answer(said: BaseModel, status: int = 200) -> web.Response:
    return web.Response(body=said.model_dump_json(), status=status, content_type="application/json")
