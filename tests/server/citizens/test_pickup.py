from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from sqlalchemy import select, text

from server.access import Actor, Role
from server.cases.messages import RefusalOrder
from server.cases.rules import CaseState
from server.certificates.issuing import Key
from server.citizens.models import CitizenLogin, PickupLink, Rating
from server.citizens.rules import Way
from server.db.replies import KeptReply
from server.errors import ServiceError
from tests.support.database import News, SetClock
from tests.support.desk import AGENT, APPLICANT, CLERK, STRANGER, Desk, screen


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value.code


async def mint(
    desk: Desk, case_id: str, actor: Actor = CLERK, key: Key | None = None
) -> PickupLink:
    async with desk.units.open() as unit:
        return await desk.citizens.mint_link(unit, actor, case_id, key)


async def sign_in(desk: Desk, link: PickupLink) -> str:
    async with desk.units.open() as unit:
        return (await desk.citizens.sign_in(unit, desk.citizens.token_of(link.id)))[0]


async def citizen_of(desk: Desk, case_id: str) -> Actor:
    actor = await desk.citizens.find_citizen(await sign_in(desk, await mint(desk, case_id)))
    assert actor is not None
    return actor


async def rate(desk: Desk, actor: Actor, case_id: str, level: int, remark: str = "") -> None:
    way = Way.PHONE if Role.CITIZEN in actor.roles else Way.FACING
    async with desk.units.open() as unit:
        await desk.citizens.rate(unit, actor, case_id, level=level, remark=remark, way=way)


async def test_a_link_signs_its_citizen_in_to_one_case(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    assert (actor.roles, actor.case_id) == (frozenset({Role.CITIZEN}), case_id)
    async with desk.units.database.reading() as session:
        shown = await desk.views.own_case(session, actor)
    assert (shown.state, shown.jurisdiction_name) == (CaseState.CERTIFIED, "六安市霍邱县")
    assert shown.certificates[0].check_code == row.check_code
    assert [step.kind for step in shown.steps] == [
        "case.opened", "consent.given", "certificate.issued",
    ]  # fmt: skip
    assert (await desk.log(case_id))[-2:] == ["pickup.minted", "pickup.claimed"]


@pytest.mark.parametrize("actor", [CLERK, AGENT, screen()])
async def test_both_sides_and_the_screen_can_mint_links(desk: Desk, actor: Actor) -> None:
    case_id, _ = await desk.certified_case()
    await sign_in(desk, await mint(desk, case_id, actor))


async def test_others_cannot_mint_links(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    assert await code_of(mint(desk, case_id, STRANGER)) == "case.unknown"
    assert await code_of(mint(desk, case_id, screen("pingwang-2"))) == "case.unknown"
    early = await desk.ready_case()
    assert await code_of(mint(desk, early)) == "case.wrong_state"


async def test_a_token_works_once_however_many_try(either_desk: Desk) -> None:
    desk = either_desk
    case_id, _ = await desk.certified_case()
    link = await mint(desk, case_id)
    found = await asyncio.gather(*(sign_in(desk, link) for _ in range(6)), return_exceptions=True)
    assert len([one for one in found if isinstance(one, str)]) == 1
    codes = {one.code for one in found if isinstance(one, ServiceError)}
    assert codes == {"pickup.unknown"}
    async with desk.units.database.reading() as session:
        assert len((await session.scalars(select(CitizenLogin))).all()) == 1


async def test_a_link_runs_out_after_a_day(desk: Desk, clock: SetClock) -> None:
    case_id, _ = await desk.certified_case()
    link = await mint(desk, case_id)
    clock.advance(hours=24)
    assert await code_of(sign_in(desk, link)) == "pickup.unknown"
    clock.advance(seconds=-1)
    await sign_in(desk, link)


async def test_a_login_lives_thirty_days_and_can_be_ended(
    desk: Desk, clock: SetClock, news: News
) -> None:
    case_id, _ = await desk.certified_case()
    token = await sign_in(desk, await mint(desk, case_id))
    clock.advance(days=29)
    actor = await desk.citizens.find_citizen(token)
    assert actor is not None
    other = await sign_in(desk, await mint(desk, case_id))
    clock.advance(days=1)
    assert await desk.citizens.find_citizen(token) is None
    async with desk.units.open() as unit:
        assert await desk.citizens.end_logins(unit, case_id) == 2
    assert await desk.citizens.find_citizen(other) is None
    assert (f"login:{actor.login_id}", "login.ended") in news.events()
    assert await desk.citizens.ended_logins([actor.login_id]) == {actor.login_id}


async def test_a_repeated_key_gives_the_same_link(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    key = Key(f"{CLERK.id}:link-key-1", "mint")
    first, again = await mint(desk, case_id, key=key), await mint(desk, case_id, key=key)
    assert first.id == again.id
    assert (await desk.log(case_id)).count("pickup.minted") == 1
    other = Key(key.owner, "something else")
    assert await code_of(mint(desk, case_id, key=other)) == "idempotency_key.reused"


async def test_a_copy_of_the_database_opens_nothing(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    link = await mint(desk, case_id, key=Key(f"{CLERK.id}:link-key-1", "mint"))
    token = desk.citizens.token_of(link.id)
    login = await sign_in(desk, link)
    async with desk.units.database.reading() as session:
        rows = [
            *(await session.scalars(select(PickupLink))),
            *(await session.scalars(select(CitizenLogin))),
            *(await session.scalars(select(KeptReply))),
        ]
        log = (await session.execute(text("SELECT data FROM case_event"))).all()
    kept = str([vars(row) for row in rows]) + str(log)
    assert token not in kept
    assert login not in kept


async def test_tokens_are_long_and_differ(desk: Desk) -> None:
    tokens = {desk.citizens.token_of(f"{n:032x}") for n in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


async def test_a_citizen_sees_no_other_case(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    _, other = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    async with desk.units.database.reading() as session:
        assert await code_of(desk.views.own_certificate(session, actor, other.id)) == (
            "certificate.unknown"
        )
    assert await code_of(rate(desk, actor, other.case_id, 5)) == "case.unknown"


async def test_a_case_is_rated_once_by_either_way(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    await rate(desk, screen(), case_id, 5, "很快")
    assert await code_of(rate(desk, actor, case_id, 1)) == "rating.given"
    assert await code_of(rate(desk, screen(), case_id, 1)) == "rating.given"
    (said,) = await desk.events(case_id, "rating.given")
    assert (said["level"], said["way"], said["remark"]) == (5, "facing", "很快")
    async with desk.units.database.reading() as session:
        assert (await desk.views.own_case(session, actor)).rating == 5


async def test_of_two_ratings_at_once_one_is_kept(either_desk: Desk) -> None:
    desk = either_desk
    case_id, _ = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    found = await asyncio.gather(
        rate(desk, actor, case_id, 4), rate(desk, screen(), case_id, 2), return_exceptions=True
    )
    assert [one.code for one in found if isinstance(one, ServiceError)] == ["rating.given"]
    assert (await desk.log(case_id)).count("rating.given") == 1


@pytest.mark.parametrize(("level", "follow_up"), [(1, True), (2, True), (3, False), (5, False)])
async def test_a_bad_rating_is_marked_for_follow_up(
    desk: Desk,
    level: int,
    follow_up: bool,  # noqa: FBT001 (a table's column)
) -> None:
    case_id, _ = await desk.certified_case()
    await rate(desk, screen(), case_id, level, "等得久")
    async with desk.units.database.reading() as session:
        kept = await session.get_one(Rating, case_id)
    assert kept.follow_up is follow_up
    assert "等得久" not in kept.sealed_remark


async def test_a_case_in_a_call_cannot_be_rated(desk: Desk) -> None:
    case_id = await desk.ready_case()
    assert await code_of(rate(desk, screen(), case_id, 5)) == "case.wrong_state"
    assert await code_of(rate(desk, screen("pingwang-2"), case_id, 5)) == "case.unknown"


async def test_what_a_citizen_sees_holds_no_id_number_or_phone(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    async with desk.units.database.reading() as session:
        shown = (await desk.views.own_case(session, actor)).model_dump_json()
        facing = await desk.views.facing(session, screen(), desk.units.clock())
    for value in APPLICANT.values():
        assert value not in shown
        assert value not in facing.model_dump_json()


async def test_a_refused_citizen_reads_why_and_what_can_be_done_and_may_take_the_paper(
    desk: Desk,
) -> None:
    case_id = await desk.ready_case()
    order = RefusalOrder(reason="余额为零。\n关系已转移。", basis="《社会保险法》第十四条")
    async with desk.units.open() as unit:
        await desk.cases.refuse_case(unit, AGENT, case_id, order)
    actor = await citizen_of(desk, case_id)
    async with desk.units.database.reading() as session:
        shown = await desk.views.own_case(session, actor)
    assert shown.refusal is not None
    assert shown.refusal.title == "不予办理告知书"
    assert shown.refusal.paragraphs[0] == f"{APPLICANT['name']}："
    words = "".join(shown.refusal.paragraphs)
    assert "余额为零。关系已转移。依据：《社会保险法》第十四条" in words
    assert "行政复议" in words
    assert shown.refusal.issuer == "霍邱县人力资源和社会保障局（演示）"
    assert shown.certificates == []


async def test_a_case_that_is_not_refused_shows_no_refusal(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    actor = await citizen_of(desk, case_id)
    async with desk.units.database.reading() as session:
        assert (await desk.views.own_case(session, actor)).refusal is None
