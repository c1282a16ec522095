from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from sqlalchemy import select

from server.access import Role
from server.citizens.models import DeviceLogin, Pairing
from server.citizens.service import NewPairing
from server.errors import ServiceError
from tests.support.database import News, SetClock
from tests.support.desk import AGENT, CLERK, OTHER_CLERK, Desk


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value.code


async def offer(desk: Desk) -> NewPairing:
    async with desk.units.open() as unit:
        return (await desk.citizens.offer_pairing(unit))[0]


async def pair(desk: Desk, code: str, actor: object = CLERK) -> str:
    async with desk.units.open() as unit:
        return await desk.citizens.pair(unit, actor, code)  # type: ignore[arg-type]


async def claim(desk: Desk, token: str) -> str | None:
    async with desk.units.open() as unit:
        return await desk.citizens.claim_pairing(unit, token)


async def paired(desk: Desk, actor: object = CLERK) -> str:
    """A screen paired with the clerk's counter; return its login's token."""
    new = await offer(desk)
    await pair(desk, new.code, actor)
    token = await claim(desk, new.token)
    assert token is not None
    return token


async def test_a_screen_gets_a_login_for_the_clerks_own_counter(desk: Desk) -> None:
    new = await offer(desk)
    assert await claim(desk, new.token) is None
    assert await pair(desk, new.code) == CLERK.counter
    token = await claim(desk, new.token)
    assert token is not None
    actor = await desk.citizens.find_device(token)
    assert actor is not None
    assert actor.roles == {Role.DEVICE}
    assert (actor.region, actor.hall, actor.counter) == ("320509", "pingwang", "pingwang-1")
    assert actor.case_id == ""


async def test_a_code_works_once(desk: Desk) -> None:
    new = await offer(desk)
    await pair(desk, new.code)
    assert await code_of(pair(desk, new.code, OTHER_CLERK)) == "pairing.unknown"


async def test_a_pairing_gives_one_login(either_desk: Desk) -> None:
    desk = either_desk
    new = await offer(desk)
    await pair(desk, new.code)
    tokens = await asyncio.gather(
        *(claim(desk, new.token) for _ in range(4)), return_exceptions=True
    )
    assert len([token for token in tokens if isinstance(token, str)]) == 1
    assert await code_of(claim(desk, new.token)) == "pairing.unknown"


async def test_a_code_runs_out_after_two_minutes(desk: Desk, clock: SetClock) -> None:
    new = await offer(desk)
    clock.advance(seconds=119)
    await pair(desk, new.code)
    late = await offer(desk)
    clock.advance(seconds=120)
    assert await code_of(pair(desk, late.code, OTHER_CLERK)) == "pairing.unknown"
    assert await code_of(claim(desk, late.token)) == "pairing.unknown"


async def test_a_confirmed_pairing_must_be_claimed_in_time(desk: Desk, clock: SetClock) -> None:
    new = await offer(desk)
    await pair(desk, new.code)
    clock.advance(seconds=121)
    assert await code_of(claim(desk, new.token)) == "pairing.unknown"


async def test_a_wrong_code_or_token_is_unknown(desk: Desk) -> None:
    new = await offer(desk)
    wrong = f"{(int(new.code) + 1) % 1_000_000:06d}"
    assert await code_of(pair(desk, wrong)) == "pairing.unknown"
    assert await code_of(claim(desk, "A" * 43)) == "pairing.unknown"
    # The code on the screen is no token.
    assert await code_of(claim(desk, new.code)) == "pairing.unknown"


async def test_only_a_clerk_with_a_counter_can_pair(desk: Desk) -> None:
    new = await offer(desk)
    assert await code_of(pair(desk, new.code, AGENT)) == "action.forbidden"
    nowhere = replace(CLERK, counter="")
    assert await code_of(pair(desk, new.code, nowhere)) == "counter.unknown"


async def test_pairing_anew_ends_the_old_screens_login(desk: Desk, news: News) -> None:
    old, elsewhere = await paired(desk), await paired(desk, OTHER_CLERK)
    before = await desk.citizens.find_device(old)
    assert before is not None
    new = await paired(desk)
    assert await desk.citizens.find_device(old) is None
    assert await desk.citizens.find_device(new) is not None
    assert await desk.citizens.find_device(elsewhere) is not None
    assert (f"login:{before.login_id}", "login.ended") in news.events()
    assert await desk.citizens.ended_logins([before.login_id, "x"]) == {before.login_id}


async def test_a_screens_login_runs_out(desk: Desk, clock: SetClock) -> None:
    token = await paired(desk)
    clock.advance(days=180)
    assert await desk.citizens.find_device(token) is None


async def test_what_is_kept_opens_nothing(desk: Desk) -> None:
    new = await offer(desk)
    token = await paired(desk, OTHER_CLERK)
    async with desk.units.database.reading() as session:
        rows = [
            *(await session.scalars(select(Pairing))),
            *(await session.scalars(select(DeviceLogin))),
        ]
    kept = str([vars(row) for row in rows])
    for secret in (new.token, token):
        assert secret not in kept
    # Six digits may stand within an id or a digest by chance.
    assert new.code not in re.findall(r"\w+", kept)


async def test_no_two_screens_show_the_same_code(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter([5, 5, 6])
    monkeypatch.setattr("server.citizens.service.secrets.randbelow", lambda _most: next(codes))
    assert (await offer(desk)).code == "000005"
    assert (await offer(desk)).code == "000006"


async def test_old_codes_are_forgotten_and_can_be_shown_again(
    desk: Desk, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.citizens.service.secrets.randbelow", lambda _most: 5)
    await offer(desk)
    assert await code_of(offer(desk)) == "server.busy"
    clock.advance(seconds=121)
    assert (await offer(desk)).code == "000005"
