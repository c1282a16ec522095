"""The only place where the parts of the service are joined."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

import server.calls.routes
import server.cases.routes
import server.certificates.review_routes
import server.certificates.revocation_routes
import server.certificates.routes
import server.certificates.status_routes
import server.citizens.routes
import server.exports.routes
import server.items.routes
import server.recordings.routes
import server.regions.routes
import server.register.routes
import server.staff.routes
import server.supervision.routes
import server.tickets.routes
from server.access import Actor
from server.calls.authority import Authorities
from server.calls.legs import Legs
from server.calls.models import Call
from server.calls.queries import find_sitting, live_call
from server.calls.service import Calls
from server.calls.socket import listeners
from server.calls.turn import TurnServers
from server.calls.worker import CallWorker
from server.cases.pictures import Pictures
from server.cases.reading import Reader
from server.cases.record import Entry, Records
from server.cases.service import Cases
from server.cases.socket import events as case_events
from server.certificates.corrections import Corrections
from server.certificates.drawing import TRUST, Drawing, TrustFile
from server.certificates.facts import Drafts
from server.certificates.forms import Forms
from server.certificates.issuing import Issuing
from server.certificates.papers import Papers
from server.certificates.recalls import Recalls
from server.certificates.refusals import Refusals
from server.certificates.remote import RemoteSigner
from server.certificates.reviewing import Reviewing
from server.certificates.reviews import Reviews
from server.certificates.revoking import Revoking
from server.certificates.service import Certificates
from server.certificates.sm2_signing import Sm2Signing, keep_signing_sm2
from server.certificates.stamping import Stamping, keep_stamping
from server.certificates.statuses import Statuses
from server.certificates.verifying import Verifying
from server.chores import end_logins, forget_replies
from server.citizens.reading import Views
from server.citizens.service import Citizens
from server.db.engine import Database, open_database
from server.db.schema import is_current, require_newest
from server.db.unit import Clock, Unit, Units, utc_now
from server.errors import ToldError
from server.exports.making import Making
from server.exports.worker import ExportWorker
from server.files import OTHERS_IDLE, LocalFiles
from server.items.service import Items, read_catalogue
from server.notices import NOTICES
from server.recordings.purging import Purging
from server.recordings.service import Recordings
from server.recordings.socket import worker_events
from server.recordings.worker import RecordingWorker
from server.regions.rules import Catalogue
from server.regions.service import name_places
from server.register.evidence import Evidence
from server.register.service import Register
from server.relays.service import Relays, find_worker
from server.relays.worker import RelayWorker
from server.rooms import MEDIA
from server.settings import Settings
from server.staff.messages import PlaceNames
from server.staff.passwords import PasswordHashes
from server.staff.service import StaffService
from server.supervision.service import Supervision
from server.texts import NOTICE_VERSION
from server.tickets.service import Tickets
from server.tickets.worker import TicketWorker
from server.vault import Vault
from server.web.across import require_redis, why_redis_is_silent
from server.web.health import add_health
from server.web.http import Route, add_routes
from server.web.limits import build_admit
from server.web.login import Audience
from server.web.middleware import build
from server.web.openapi import Document, describe, describe_socket
from server.web.pages import add_pages
from server.web.socket import Hub, SocketEvent

log = structlog.get_logger("kuayu.app")
READY_WITHIN = 3.0  # Seconds: whoever asks must not wait for a database that says nothing.


class StartError(ToldError):
    """The service does not start; says why."""


@dataclass(frozen=True, slots=True)
class House:
    """Every part of the service, joined; the command line works with the same ones."""

    settings: Settings
    database: Database
    units: Units
    hub: Hub
    files: LocalFiles
    vault: Vault
    catalogue: Catalogue
    items: Items
    pictures: Pictures
    hashes: PasswordHashes
    staff: StaffService
    reader: Reader
    cases: Cases
    tickets: Tickets
    relays: Relays
    calls: Calls
    recordings: Recordings
    purging: Purging
    making: Making
    drawing: Drawing
    signer: RemoteSigner
    papers: Papers
    refusals: Refusals
    issuing: Issuing
    sm2_signing: Sm2Signing
    certificates: Certificates
    revoking: Revoking
    verifying: Verifying
    evidence: Evidence
    citizens: Citizens
    views: Views
    supervision: Supervision

    async def close(self) -> None:
        """Let go of processes, threads and connections."""
        await self.pictures.close()
        self.hashes.close()
        await self.drawing.close()
        await self.database.close()


def build_house(settings: Settings, clock: Clock = utc_now) -> House:
    """Join the parts; CatalogueError if regions.toml is wrong. Nothing is started yet."""
    drawing = Drawing(Forms(), settings.trust, fallback=settings.fallback_font)
    signer = RemoteSigner(settings.signer_socket, demo=settings.demo)
    catalogue, items = read_catalogue(settings.regions, drawing.forms.pages)
    database = open_database(settings.database_url)
    hub = Hub(redis_url=settings.redis_url)
    units = Units(database, hub.publish, clock)
    vault = Vault(settings.secret)
    files = LocalFiles(settings.data / "files")
    hashes = PasswordHashes()
    records = Records(vault, find_sitting)
    reader = Reader(records, items, catalogue)

    async def file_still(entry: Entry, still_id: str, material_id: str) -> None:
        await calls.file_still(entry, still_id, material_id)

    async def find_call(session: AsyncSession, case_id: str) -> str | None:
        call = await live_call(session, case_id)
        return None if call is None else call.id

    def places(region: str, hall: str, counter: str) -> PlaceNames:
        return PlaceNames(*name_places(catalogue, region, hall, counter))

    cases = Cases(records, reader, items, catalogue, file_still)
    tickets = Tickets(records, reader, cases.require_complete)
    relays = Relays()

    async def arrange(unit: Unit, call: Call) -> None:
        await calls.arrange(unit, call)

    recordings = Recordings(records, reader, arrange)
    calls = Calls(
        records, tickets, relays,
        TurnServers(settings.turn_urls, settings.turn_secret or "", clock), recordings.tapes,
    )  # fmt: skip
    papers = Papers(files, drawing)
    refusals = Refusals(reader, catalogue, drawing, signer)
    sm2_signing = Sm2Signing(units, signer, papers)
    drafts = Drafts(reader, cases, catalogue, drawing.forms, recordings.require, signer.picture_of)
    recalls, authorities = Recalls(records, catalogue), Authorities(reader)
    certificates = Certificates(records, reader, catalogue, recalls, settings.public_url)
    return House(
        settings=settings,
        database=database,
        units=units,
        hub=hub,
        files=files,
        vault=vault,
        catalogue=catalogue,
        items=items,
        pictures=Pictures(),
        hashes=hashes,
        staff=StaffService(units, vault, hashes, places),
        reader=reader,
        cases=cases,
        tickets=tickets,
        relays=relays,
        calls=calls,
        recordings=recordings,
        purging=Purging(records, files),
        making=Making(units, records, files),
        drawing=drawing,
        signer=signer,
        papers=papers,
        refusals=refusals,
        issuing=Issuing(
            units, records, drafts, drawing, signer, papers, authorities.require,
            Corrections(cases, recalls), Reviews(reader, authorities.may_review), sm2_signing.tell,
        ),
        sm2_signing=sm2_signing,
        certificates=certificates,
        revoking=Revoking(certificates, recalls),
        verifying=Verifying(units, records, drawing, papers),
        evidence=Evidence(
            Register(reader, certificates, drawing.forms),
            Statuses(units, signer),
            settings.trust / TRUST,
        ),
        citizens=Citizens(units, vault, records, cases, recordings.consider),
        views=Views(reader, catalogue, find_call, refusals),
        supervision=Supervision(reader),
    )  # fmt: skip


def all_routes(house: House) -> list[Route[Any]]:
    """Return the whole API."""
    admit = build_admit()
    return [
        *server.staff.routes.routes(house.staff),
        *server.regions.routes.routes(house.catalogue),
        *server.items.routes.routes(house.items, house.catalogue),
        *server.cases.routes.routes(
            house.cases, house.reader, house.pictures, house.files, notice_version=NOTICE_VERSION),
        *server.tickets.routes.routes(house.tickets),
        *server.calls.routes.routes(house.calls),
        *server.recordings.routes.routes(house.recordings, house.files),
        *server.exports.routes.routes(house.making, house.reader),
        *server.certificates.routes.routes(
            house.issuing, house.certificates, house.verifying, house.papers, admit,
            refusals=house.refusals),
        *server.certificates.revocation_routes.routes(house.revoking),
        *server.certificates.status_routes.routes(house.evidence.statuses, house.settings.trust),
        *server.certificates.review_routes.routes(Reviewing(house.issuing)),
        *server.register.routes.routes(house.evidence, house.papers),
        *server.citizens.routes.routes(
            house.citizens, house.views, house.papers, house.pictures, house.files,
            public_url=house.settings.public_url),
        *server.supervision.routes.routes(house.supervision),
    ]  # fmt: skip


def openapi(routes: list[Route[Any]]) -> Document:
    """Return the API's OpenAPI document."""
    return describe(routes, version=version("kuayu"))


def all_events(house: House) -> list[SocketEvent[Any]]:
    """Return every event that clients may send."""
    events, _gone = listeners(house.calls, house.units)
    legs = Legs(house.calls, house.units).of_tabs()
    return [*case_events(house.calls.records, house.database), *events, *legs]


def socket_document(house: House) -> Document:
    """Return the document of all that goes over the socket."""
    return describe_socket(all_events(house), NOTICES, version=version("kuayu"))


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Return the service, ready to be run; ToldError at start-up says why it does not."""
    house = build_house(settings, clock)

    async def find_login(audience: Audience, token: str) -> Actor | None:
        match audience:
            case Audience.STAFF:
                return await house.staff.find_actor(token)
            case Audience.DEVICE:
                return await house.citizens.find_device(token)
            case Audience.CITIZEN:
                return await house.citizens.find_citizen(token)
            case Audience.WORKER:
                return find_worker(settings.media_secret, token)
            case Audience.ANYONE:
                return None

    app = web.Application(
        middlewares=build(
            origins=settings.origins,
            proxies=settings.trusted_proxies,
            find=find_login,
            https=settings.public_url.startswith("https://"),
        )
    )
    routes = all_routes(house)
    add_routes(app, routes, house.units, build_admit())
    legs = Legs(house.calls, house.units)
    house.hub.serve(all_events(house))
    house.hub.serve([*legs.of_workers(), *worker_events(house.recordings, house.units)], MEDIA)
    house.hub.when_gone(listeners(house.calls, house.units)[1])
    house.hub.when_gone(legs.tab_gone)
    house.hub.when_gone(legs.worker_gone, MEDIA)
    house.hub.attach(app)
    document = openapi(routes)

    async def serve_document(_request: web.Request) -> web.Response:
        return web.json_response(document)

    app.router.add_get("/api/openapi.json", serve_document)
    add_health(app, lambda: _ready(house), spared=frozenset({"signer", "redis"}))
    add_pages(app)
    app.cleanup_ctx.append(lambda _app: _run(house))
    app[HOUSE] = house
    return app


HOUSE: web.AppKey[House] = web.AppKey("house", House)


async def _ready(house: House) -> dict[str, bool]:
    try:
        async with asyncio.timeout(READY_WITHIN):
            database = await is_current(house.database.reader)
    except Exception:  # noqa: BLE001 (whatever keeps the database from answering)
        database = False
    url = house.settings.redis_url
    redis = {"redis": await why_redis_is_silent(url) is None} if url else {}
    return {"database": database, "signer": await house.signer.answers(), **redis}


async def _run(house: House) -> AsyncIterator[None]:
    """Start what the service needs, run its timers, and let go of everything at the end."""
    try:
        await _start(house)
        async with _timers(house):
            yield
    finally:
        await house.close()


async def _start(house: House) -> None:
    settings = house.settings
    await require_newest(house.database.reader, settings.data)
    if not settings.demo and (demo := await house.staff.demo_clerks()):
        raise StartError(f"demo accounts are not for production: {', '.join(demo)}")
    await require_redis(settings.redis_url)
    house.files.sweep(OTHERS_IDLE if settings.redis_url else 0.0)
    async with house.units.open() as unit:
        await house.relays.come_back(unit)
        await house.recordings.come_back(unit)
    # The demonstration begins without its signer, to be back soon after a crash, and starts it.
    if not settings.demo and not await house.signer.answers():
        log.warning("no signer: nothing can be issued", socket=str(settings.signer_socket))


@asynccontextmanager
async def _timers(house: House) -> AsyncIterator[None]:
    hub = house.hub
    work: list[Coroutine[Any, Any, None]] = [
        TicketWorker(house.units, house.tickets, hub.present).run(),
        RelayWorker(house.units, house.relays, hub.sockets).run(),
        CallWorker(house.units, house.calls, hub.sockets).run(),
        RecordingWorker(house.units, house.recordings, house.purging).run(),
        ExportWorker(house.units, house.making).run(),
        end_logins(hub, house.staff, house.citizens),
        forget_replies(house.units),
        keep_signing_sm2(house.sm2_signing),
    ]
    if urls := house.settings.tsa_urls:
        stamping = Stamping(house.units, urls, TrustFile(house.settings.trust))
        work.append(keep_stamping(stamping))
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        pending = set(tasks)
        # python-socketio swallows a cancellation that reaches it while it drops a socket, and the
        # loop around it would go on for ever: what has not ended is told again.
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=1)
