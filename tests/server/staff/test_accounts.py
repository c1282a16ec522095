from __future__ import annotations

import asyncio

import pytest

from server.access import Role
from server.errors import ServiceError
from server.staff.service import NewClerk, StaffService
from tests.support.database import News

PASSWORD = "correct horse"
NEW = NewClerk(name="wujiang", display_name="张三丰", roles=[Role.COUNTER], region="320509")


async def test_accounts_are_listed_by_name_without_their_passwords(
    either_staff: StaffService,
) -> None:
    for name in ("beta", "alpha"):
        await either_staff.add_clerk(
            NewClerk(name=name, display_name="张三丰", roles=[Role.ADMINISTRATOR]), PASSWORD
        )
    listed = await either_staff.clerks()
    assert [(clerk.name, clerk.active, clerk.demo) for clerk in listed] == [
        ("alpha", True, False),
        ("beta", True, False),
    ]
    assert all(PASSWORD not in clerk.password_hash for clerk in listed)


async def test_a_name_can_be_had_once(either_staff: StaffService) -> None:
    first = await either_staff.add_clerk(NEW, PASSWORD)
    with pytest.raises(ServiceError, match=r"staff\.taken"):
        await either_staff.add_clerk(NEW, "another password")
    assert [clerk.password_hash for clerk in await either_staff.clerks()] == [first.password_hash]


async def test_of_five_who_take_a_name_at_once_one_has_it(either_staff: StaffService) -> None:
    outcomes = await asyncio.gather(
        *(either_staff.add_clerk(NEW, PASSWORD) for _ in range(5)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]
    assert [refusal.code for refusal in refused] == ["staff.taken"] * 4
    assert len(await either_staff.clerks()) == 1


@pytest.mark.parametrize(
    ("change", "password", "code"),
    [
        ({"name": "张三丰"}, PASSWORD, "text.bad_characters"),
        ({"display_name": ""}, PASSWORD, "text.empty"),
        ({"region": "999999"}, PASSWORD, "region.unknown"),
        ({"roles": []}, PASSWORD, "choice.unknown"),
        ({"roles": [Role.CITIZEN]}, PASSWORD, "choice.unknown"),
        ({"roles": [Role.AGENT, Role.DEVICE]}, PASSWORD, "choice.unknown"),
        ({"region": "340000", "roles": [Role.AGENT]}, PASSWORD, "choice.unknown"),
        (
            {"region": "340000", "roles": [Role.SUPERVISOR, Role.COUNTER]},
            PASSWORD,
            "choice.unknown",
        ),
        (
            {"region": "340000", "roles": [Role.SUPERVISOR], "counter": "huoqiu-1"},
            PASSWORD,
            "counter.unknown",
        ),
        ({}, "short", "password.weak"),
        ({"name": "wujiang-clerk"}, "wujiang-clerk", "password.weak"),
    ],
)
async def test_an_account_that_will_not_do_is_refused(
    staff: StaffService, change: dict[str, object], password: str, code: str
) -> None:
    given = {slot: getattr(NEW, slot) for slot in NewClerk.__slots__} | change
    with pytest.raises(ServiceError) as refused:
        await staff.add_clerk(NewClerk(**given), password)
    assert refused.value.code == code
    assert await staff.clerks() == []


async def test_a_province_has_supervisors_and_administrators(staff: StaffService) -> None:
    roles = [Role.SUPERVISOR, Role.ADMINISTRATOR]
    new = NewClerk(name="anhui", display_name="张三丰", roles=roles, region="340000")
    assert (await staff.add_clerk(new, PASSWORD)).region == "340000"


async def test_disabling_ends_every_login(either_staff: StaffService, news: News) -> None:
    await either_staff.add_clerk(NEW, PASSWORD)
    token, login = await either_staff.sign_in("wujiang", PASSWORD)
    await either_staff.disable_clerk("WUJIANG")
    assert await either_staff.find_actor(token) is None
    assert news.events() == [(f"login:{login.id}", "login.ended")]


async def test_a_new_password_ends_every_login_and_replaces_the_old_one(
    either_staff: StaffService, news: News
) -> None:
    await either_staff.add_clerk(NEW, PASSWORD)
    token, login = await either_staff.sign_in("wujiang", PASSWORD)
    await either_staff.set_password("wujiang", "another password")
    assert await either_staff.find_actor(token) is None
    assert news.events() == [(f"login:{login.id}", "login.ended")]
    with pytest.raises(ServiceError, match=r"login\.refused"):
        await either_staff.sign_in("wujiang", PASSWORD)
    await either_staff.sign_in("wujiang", "another password")


async def test_a_new_password_unlocks(staff: StaffService) -> None:
    await staff.add_clerk(NEW, PASSWORD)
    for _ in range(5):
        with pytest.raises(ServiceError):
            await staff.sign_in("wujiang", "wrong")
    await staff.set_password("wujiang", "another password")
    await staff.sign_in("wujiang", "another password")


async def test_an_unknown_account_is_neither_disabled_nor_given_a_password(
    staff: StaffService,
) -> None:
    for refused in (
        staff.disable_clerk("nobody"),
        staff.set_password("nobody", PASSWORD),
        staff.disable_clerk("张三\x00丰"),
    ):
        with pytest.raises(ServiceError, match=r"staff\.unknown"):
            await refused


async def test_a_weak_new_password_changes_nothing(staff: StaffService) -> None:
    await staff.add_clerk(NEW, PASSWORD)
    token, _login = await staff.sign_in("wujiang", PASSWORD)
    with pytest.raises(ServiceError, match=r"password\.weak"):
        await staff.set_password("wujiang", "wujiang")
    assert await staff.find_actor(token) is not None


async def test_demo_accounts_that_can_sign_in_are_named(staff: StaffService) -> None:
    demo = NewClerk(name="demo-1", display_name="演示", roles=[Role.AGENT], demo=True)
    await staff.add_clerk(NEW, PASSWORD)
    await staff.add_clerk(demo, PASSWORD)
    assert await staff.demo_clerks() == ["demo-1"]
    await staff.disable_clerk("demo-1")
    assert await staff.demo_clerks() == []
