from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from server.access import Actor
from server.calls.legs import Legs
from server.calls.routes import routes as call_routes
from server.calls.socket import listeners
from server.db.engine import Database
from server.db.unit import Units
from server.rooms import MEDIA
from server.tickets.routes import routes as ticket_routes
from server.web.login import Audience
from server.web.socket import Connection, Hub
from tests.support.database import SetClock
from tests.support.halls import (
    CLERK,
    OTHER_CLERK,
    STRANGER,
    WANG,
    ZHOU,
    Halls,
    screen,
)
from tests.support.site import Logins, Site, serving
from tests.support.wire import Wire, wired, worker_wired

PEOPLE = (CLERK, OTHER_CLERK, WANG, ZHOU, STRANGER)


@dataclass
class Lines:
    """A running service and the sockets that a test has opened on it."""

    site: Site
    halls: Halls
    stack: AsyncExitStack
    opened: int = 0

    async def socket(self, who: Actor) -> Wire:
        self.opened += 1
        device = who.name == screen().name
        audience = Audience.DEVICE if device else Audience.STAFF
        token = "screen" if device else who.name
        return await self.stack.enter_async_context(wired(self.site, token, audience=audience))

    async def worker(self) -> Wire:
        """A media worker that has said nothing yet."""
        self.opened += 1
        return await self.stack.enter_async_context(worker_wired(self.site))

    async def seat(self, who: Actor, call_id: str) -> tuple[Wire, dict[str, Any]]:
        """Take somebody's seat on a new socket."""
        wire = await self.socket(who)
        said = await wire.say("seat.taken", {"call_id": call_id})
        assert said["error"] is None, said
        return wire, said["data"]


@pytest.fixture
async def lines(database: Database, clock: SetClock) -> AsyncIterator[Lines]:
    hub = Hub()
    units = Units(database, hub.publish, clock)
    halls = Halls(units)
    events, gone = listeners(halls.calls, units)
    left: asyncio.Queue[str] = asyncio.Queue()

    async def done(connection: Connection) -> None:
        left.put_nowait(connection.sid)

    hub.serve(events)
    hub.when_gone(gone)
    legs = Legs(halls.calls, units)
    hub.serve(legs.of_tabs())
    hub.serve(legs.of_workers(), MEDIA)
    hub.when_gone(legs.tab_gone)
    hub.when_gone(legs.worker_gone, MEDIA)
    for namespace in ("/", MEDIA):
        hub.when_gone(done, namespace)
    logins = Logins({(Audience.STAFF, who.name): who for who in PEOPLE})
    logins.actors[Audience.DEVICE, "screen"] = screen()
    logins.actors[Audience.WORKER, "secret"] = Actor("worker", "", "", frozenset())
    served = [*ticket_routes(halls.tickets), *call_routes(halls.calls)]
    async with serving(units, routes=served, find=logins.find, hub=hub) as site:
        async with AsyncExitStack() as stack:
            running = Lines(site, halls, stack)
            yield running
        # What a socket's end brings with it is done before the database is closed.
        for _ in range(running.opened):
            await left.get()
