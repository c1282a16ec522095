from __future__ import annotations

import asyncio

import pytest

from server.access import Actor, Role
from server.errors import ServiceError
from server.staff.models import Clerk
from server.staff.service import NewClerk, StaffService, find_signed_in
from tests.support.database import News, SetClock

PASSWORD = "correct horse"


async def add(staff: StaffService, name: str = "wujiang", **more: object) -> Clerk:
    given: dict[str, object] = {
        "display_name": "张三丰",
        "roles": [Role.COUNTER, Role.AGENT],
        "region": "320509",
        "hall": "pingwang",
        "counter": "3",
        "items": ["pension"],
        **more,
    }
    return await staff.add_clerk(NewClerk(name=name, **given), PASSWORD)  # type: ignore[arg-type]  # the tests' own shorthand


async def refusal_of(staff: StaffService, name: str, password: str) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        await staff.sign_in(name, password)
    return refused.value


async def test_the_actor_is_what_the_account_says(either_staff: StaffService) -> None:
    clerk = await add(either_staff)
    token, login = await either_staff.sign_in(" WuJiang ", PASSWORD)
    assert await either_staff.find_actor(token) == Actor(
        id=clerk.id,
        name="张三丰",
        login_id=login.id,
        roles=frozenset({Role.COUNTER, Role.AGENT}),
        region="320509",
        hall="pingwang",
        counter="3",
        items=frozenset({"pension"}),
    )


async def test_the_token_is_in_the_database_as_a_hash_only(staff: StaffService) -> None:
    await add(staff)
    token, login = await staff.sign_in("wujiang", PASSWORD)
    assert login.token_hash == staff.vault.token_hash(token)
    assert token not in repr(vars(login))
    assert await staff.find_actor(login.token_hash) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 9000, "é\x00"])
async def test_a_token_of_nobody_is_nobody(staff: StaffService, token: str) -> None:
    assert await staff.find_actor(token) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("wujiang", "wrong password"),
        ("wujiang", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("张三\x00丰", PASSWORD),
        ("wujiang' OR 1=1 --", PASSWORD),
    ],
)
async def test_wrong_name_and_wrong_password_are_refused_alike(
    either_staff: StaffService, name: str, password: str
) -> None:
    await add(either_staff)
    refused = await refusal_of(either_staff, name, password)
    assert (refused.code, refused.details) == ("login.refused", {})


async def test_an_unknown_name_costs_a_hash_too(
    staff: StaffService, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    matches = staff.hashes._matches

    def note(password_hash: str, password: str) -> bool:
        checked.append(password_hash)
        return matches(password_hash, password)

    monkeypatch.setattr(staff.hashes, "_matches", note)
    await refusal_of(staff, "nobody", PASSWORD)
    assert len(checked) == 1
    assert checked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_disabled_account_is_refused_like_a_wrong_password(staff: StaffService) -> None:
    await add(staff)
    await staff.disable_clerk("wujiang")
    assert (await refusal_of(staff, "wujiang", PASSWORD)).code == "login.refused"


@pytest.mark.parametrize("name", ["wujiang", "nobody"])
async def test_five_failures_in_a_row_lock_a_name_for_a_quarter_of_an_hour(
    either_staff: StaffService, clock: SetClock, name: str
) -> None:
    await add(either_staff)
    for _ in range(5):
        assert (await refusal_of(either_staff, name, "wrong")).code == "login.refused"
    locked = await refusal_of(either_staff, name, PASSWORD)
    assert (locked.code, locked.details) == ("login.locked", {"seconds": 901})
    clock.advance(minutes=14, seconds=59)
    assert (await refusal_of(either_staff, name, PASSWORD)).code == "login.locked"
    clock.advance(seconds=1)
    assert (await refusal_of(either_staff, name, "wrong")).code == "login.refused"


async def test_after_the_lock_the_right_password_works_and_the_count_starts_anew(
    staff: StaffService, clock: SetClock
) -> None:
    await add(staff)
    for _ in range(5):
        await refusal_of(staff, "wujiang", "wrong")
    clock.advance(minutes=15)
    for _ in range(4):
        assert (await refusal_of(staff, "wujiang", "wrong")).code == "login.refused"
    await staff.sign_in("wujiang", PASSWORD)


async def test_a_success_forgets_the_failures_before_it(staff: StaffService) -> None:
    await add(staff)
    for _ in range(3):
        for _ in range(4):
            await refusal_of(staff, "wujiang", "wrong")
        await staff.sign_in("wujiang", PASSWORD)


async def test_failures_of_yesterday_do_not_lock(staff: StaffService, clock: SetClock) -> None:
    await add(staff)
    for _ in range(4):
        await refusal_of(staff, "wujiang", "wrong")
    clock.advance(days=1, seconds=1)
    await refusal_of(staff, "other", "wrong")  # Whoever comes next sweeps old failures away.
    for _ in range(4):
        await refusal_of(staff, "wujiang", "wrong")
    await staff.sign_in("wujiang", PASSWORD)


async def test_of_twenty_guesses_at_once_five_are_looked_at(either_staff: StaffService) -> None:
    await add(either_staff)
    refusals = await asyncio.gather(
        *(refusal_of(either_staff, "wujiang", f"guess {number}") for number in range(20))
    )
    codes = [refusal.code for refusal in refusals]
    assert (codes.count("login.refused"), codes.count("login.locked")) == (5, 15)


async def test_when_too_many_wait_the_next_is_refused_and_not_counted(
    staff: StaffService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(staff)
    monkeypatch.setattr(staff.hashes, "_line", 0)
    for _ in range(6):
        assert (await refusal_of(staff, "wujiang", "wrong")).code == "server.busy"
    monkeypatch.undo()
    await staff.sign_in("wujiang", PASSWORD)


async def test_the_line_is_empty_again_after_failures(staff: StaffService) -> None:
    for number in range(4):
        await refusal_of(staff, f"nobody{number}", "wrong")
    assert staff.hashes._waiting == 0


async def test_no_unit_is_open_while_a_password_is_hashed(
    staff: StaffService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(staff)
    written = []
    run = staff.hashes._run

    async def note(work: object) -> object:
        async with staff.units.open() as unit:  # Would wait for ever for the one writer.
            written.append(unit.now)
        return await run(work)  # type: ignore[arg-type]

    monkeypatch.setattr(staff.hashes, "_run", note)
    async with asyncio.timeout(60):
        await staff.sign_in("wujiang", PASSWORD)
        await staff.set_password("wujiang", "another password")
    assert len(written) == 2


async def test_a_new_sign_in_ends_the_logins_before_it(
    either_staff: StaffService, news: News
) -> None:
    await add(either_staff)
    old_token, old = await either_staff.sign_in("wujiang", PASSWORD)
    new_token, new = await either_staff.sign_in("wujiang", PASSWORD)
    assert old_token != new_token
    assert old.id != new.id
    assert await either_staff.find_actor(old_token) is None
    assert await either_staff.find_actor(new_token) is not None
    assert news.events() == [(f"login:{old.id}", "login.ended")]


async def test_another_clerk_at_the_same_browser_ends_the_login_there(
    staff: StaffService, news: News
) -> None:
    await add(staff)
    await add(staff, "huoqiu", region="341522")
    token, first = await staff.sign_in("wujiang", PASSWORD)
    await staff.sign_in("huoqiu", PASSWORD, replacing=first.id)
    assert await staff.find_actor(token) is None
    assert news.events() == [(f"login:{first.id}", "login.ended")]


async def test_signing_out_ends_the_login_once(staff: StaffService, news: News) -> None:
    await add(staff)
    token, login = await staff.sign_in("wujiang", PASSWORD)
    await staff.sign_out(login.id)
    await staff.sign_out(login.id)
    assert await staff.find_actor(token) is None
    assert news.events() == [(f"login:{login.id}", "login.ended")]


async def test_a_login_in_use_lives_twelve_hours(staff: StaffService, clock: SetClock) -> None:
    await add(staff)
    token, _login = await staff.sign_in("wujiang", PASSWORD)
    for _ in range(11):
        clock.advance(hours=1)
        assert await staff.find_actor(token) is not None
    clock.advance(minutes=59, seconds=59)
    assert await staff.find_actor(token) is not None
    clock.advance(seconds=1)
    assert await staff.find_actor(token) is None


async def test_an_idle_login_lives_two_hours(staff: StaffService, clock: SetClock) -> None:
    await add(staff)
    token, _login = await staff.sign_in("wujiang", PASSWORD)
    clock.advance(hours=2)
    assert await staff.find_actor(token) is None


async def test_use_is_written_at_most_once_a_minute(
    staff: StaffService, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(staff)
    token, _login = await staff.sign_in("wujiang", PASSWORD)
    opened = []
    open_unit = type(staff.units).open

    def note(units: object) -> object:
        opened.append(clock.now)
        return open_unit(staff.units)

    monkeypatch.setattr(type(staff.units), "open", note)
    for _ in range(130):
        assert await staff.find_actor(token) is not None
        clock.advance(seconds=1)
    assert len(opened) == 2


async def test_ended_expired_idle_and_disabled_logins_are_told_apart_from_living_ones(
    either_staff: StaffService, clock: SetClock
) -> None:
    for name in ("idle", "ended", "disabled", "living"):
        await add(either_staff, name)
    _token, idle = await either_staff.sign_in("idle", PASSWORD)
    clock.advance(hours=2)
    logins = {}
    for name in ("ended", "disabled", "living"):
        logins[name] = (await either_staff.sign_in(name, PASSWORD))[1].id
    await either_staff.sign_out(logins["ended"])
    await either_staff.disable_clerk("disabled")
    asked = {idle.id, *logins.values(), "a-screen's-login"}
    assert await either_staff.ended_logins(asked) == {
        idle.id,
        logins["ended"],
        logins["disabled"],
    }
    assert await either_staff.ended_logins(set()) == set()


async def test_thousands_of_logins_can_be_asked_about(either_staff: StaffService) -> None:
    await add(either_staff)
    _token, login = await either_staff.sign_in("wujiang", PASSWORD)
    await either_staff.sign_out(login.id)
    asked = {login.id} | {f"{number:032x}" for number in range(40_000)}
    assert await either_staff.ended_logins(asked) == {login.id}


async def test_a_password_changed_during_the_sign_in_refuses_it(
    either_staff: StaffService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(either_staff)
    check = either_staff.hashes.check

    async def change_first(password_hash: str | None, password: str) -> bool:
        right = await check(password_hash, password)
        monkeypatch.setattr(either_staff.hashes, "check", check)
        await either_staff.set_password("wujiang", "another password")
        return right

    monkeypatch.setattr(either_staff.hashes, "check", change_first)
    assert (await refusal_of(either_staff, "wujiang", PASSWORD)).code == "login.refused"


async def test_who_is_signed_in_is_found_by_their_id_and_nobody_else_is(
    either_staff: StaffService, clock: SetClock
) -> None:
    clerk = await add(either_staff)

    async def found() -> Actor | None:
        async with either_staff.units.database.reading() as session:
            return await find_signed_in(session, clerk.id, clock.now)

    assert await found() is None
    token, login = await either_staff.sign_in("wujiang", PASSWORD)
    assert await found() == await either_staff.find_actor(token)
    await either_staff.sign_out(login.id)
    assert await found() is None
    await either_staff.sign_in("wujiang", PASSWORD)
    clock.advance(hours=3)
    assert await found() is None
    await either_staff.sign_in("wujiang", PASSWORD)
    assert await found() is not None
    await either_staff.disable_clerk("wujiang")
    assert await found() is None
