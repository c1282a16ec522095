"""Several relayed calls at once between aiortc ends, cheap enough to break their lines often."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.context import SpawnProcess
from unittest.mock import patch

import aioice.ice
from aiortc.mediastreams import MediaStreamTrack
from av import VideoFrame

from counter_client.cast import Account, Accounts, Cast
from counter_client.leg import Leg
from counter_client.seat import Seat
from counter_client.sources import Pattern, Tone
from server import demo
from server.access import Role
from server.staff.service import NewClerk
from tests.support.line import Lane
from tests.support.relayed_call import Call
from tests.support.service import Service

LEFT_OUT = 5
LOOK_EVERY = 0.02
BACK_WITHIN = 60.0
# A leg ends when aioice's checks, 4 to 6 s apart, have found nobody so often. Its own six may
# outlast a cut of 30 s, after which aiortc's receiver hands out pictures a minute late, for ever.
MISSED_CHECKS = 3
LEGS_LAST = 20.0
_PORT = re.compile(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", re.IGNORECASE)


class Rarely(Pattern):
    """The pattern at five pictures a second: what is told of lines needs no more."""

    async def recv(self) -> VideoFrame:
        """Return the next picture when its time has come."""
        for _ in range(LEFT_OUT):
            await self.next_timestamp()
        return await super().recv()


def slow_sources() -> list[MediaStreamTrack]:
    """Return a slow camera and a microphone."""
    return [Rarely(), Tone()]


class SlowCall(Call):
    """A call whose cameras are slow."""

    sources = staticmethod(slow_sources)

    @property
    def legs(self) -> list[Leg | None]:
        return [seat.leg for seat in self.seats]

    @property
    def ports(self) -> set[int]:
        """The ports from which its legs may speak to the worker."""
        sdps = [leg.connection.localDescription.sdp for leg in self.legs if leg is not None]
        return {int(port) for sdp in sdps for port in _PORT.findall(sdp)}

    async def place(self) -> list[object]:
        """What must stay whatever happens to the line: case, call and seats."""
        call = await self.agent_sees()
        case = await self.counter.case(self.case_id)
        seats = [seat["id"] for seat in call["seats"]]
        return [case["state"], call["id"], call["state"] == "ended", *seats]


class Two(Cast):
    """A counter and an agent, without a screen."""

    async def _take_places(self) -> None:
        await self._sign_in(self.counter, self._accounts.counter)
        await self._sign_in(self.agent, self._accounts.agent)


async def _engage(service: Service, number: int) -> Accounts:
    """Make two accounts of their own for a call."""
    places = {Role.COUNTER: ("320509", "pingwang", "pingwang-1"), Role.AGENT: ("341522", "huoqiu")}
    made = {}
    for role, (region, hall, *counter) in places.items():
        name = f"line-{role.value}-{number}"
        clerk = NewClerk(name, f"演练{number}", (role,), region, hall, *counter, demo=True)
        await service.house.staff.add_clerk(clerk, demo.PASSWORD)
        made[role] = Account(name, demo.PASSWORD)
    return Accounts(counter=made[Role.COUNTER], agent=made[Role.AGENT])


@asynccontextmanager
async def talking(service: Service, count: int) -> AsyncIterator[list[SlowCall]]:
    """Have so many calls at once, all of which see pictures."""
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(aioice.ice, "CONSENT_FAILURES", MISSED_CHECKS))
        calls = []
        for number in range(count):
            accounts = await _engage(service, number)
            cast = await stack.enter_async_context(Two(service.url, accounts, None))
            calls.append(SlowCall(cast, stack))
            await calls[-1].begin()
        yield calls


async def back(seats: Sequence[Seat], seen: Sequence[tuple[Leg | None, int]]) -> float:
    """Wait until every seat has a further picture than `seen`; return in how many seconds."""
    began = time.monotonic()
    async with asyncio.timeout(BACK_WITHIN):
        for seat, (leg, pictures) in zip(seats, seen, strict=True):
            while not _has_more(seat, leg, pictures):  # noqa: ASYNC110 (frames come from elsewhere)
                await asyncio.sleep(LOOK_EVERY)
    return time.monotonic() - began


def _has_more(seat: Seat, before: Leg | None, pictures: int) -> bool:
    if seat.leg is None:
        return False
    return seat.leg.pictures > (pictures if seat.leg is before else 0)


def seen_by(call: SlowCall) -> list[tuple[Leg | None, int]]:
    """What each seat has seen up to now."""
    return [(leg, leg.pictures if leg else 0) for leg in call.legs]


async def cut(call: SlowCall, lane: Lane, others: Sequence[SlowCall], seconds: float) -> float:
    """Cut both lines of a call for so long; return how long its pictures then took to be back.

    Legs break in a longer cut, and new ones are made: all that is not of the `others` is cut then.
    """
    long = seconds > LEGS_LAST
    taken = {port for other in others for port in other.ports}
    for (_, port), way in lane.ways.items():
        if port in call.ports or (long and port not in taken):
            way.cut = True
    lane.cut = long or lane.cut
    await asyncio.sleep(seconds)
    seen = seen_by(call)
    for (_, port), way in lane.ways.items():
        if port in call.ports or (long and port not in taken):
            way.cut = False
    lane.cut = lane.cut and not long
    return await back(call.seats, seen)


async def kill(calls: Sequence[SlowCall], victim: SpawnProcess) -> float:
    """Kill the worker that has these calls; return how long their pictures took to be back.

    Another worker must be there already.
    """
    before = [leg for call in calls for leg in call.legs]
    victim.kill()
    began = time.monotonic()
    seats = [seat for call in calls for seat in call.seats]
    async with asyncio.timeout(BACK_WITHIN):
        for seat, leg in zip(seats, before, strict=True):
            while seat.leg in {None, leg} or not seat.leg.pictures:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(LOOK_EVERY)
    return time.monotonic() - began
