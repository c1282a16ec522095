"""With what authority an agent acts: judged anew whenever the call is read, and before issuing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Role
from server.calls import messages as wire
from server.calls.authority import Authorities
from server.calls.rules import AuthorityVerdict, Credentials, judge_authority
from server.cases.models import Case
from server.cases.rules import CaseState
from server.errors import ServiceError
from server.staff.models import Clerk
from tests.support.desk import AGENT, Desk
from tests.support.halls import CLERK, PENSION, WANG, ZHOU, Halls, enlist, screen

GOOD = Credentials(active=True, is_agent=True, in_jurisdiction=True, items=frozenset())
VALID = AuthorityVerdict.VALID


@pytest.mark.parametrize(
    ("found", "has_office", "verdict"),
    [
        (GOOD, True, VALID),
        (replace(GOOD, items={PENSION}), True, VALID),
        (None, True, AuthorityVerdict.ACCOUNT_DISABLED),
        (replace(GOOD, active=False), True, AuthorityVerdict.ACCOUNT_DISABLED),
        (replace(GOOD, in_jurisdiction=False), True, AuthorityVerdict.REGION_FOREIGN),
        (replace(GOOD, items={"another"}), True, AuthorityVerdict.ITEM_FOREIGN),
        (replace(GOOD, is_agent=False), True, AuthorityVerdict.ITEM_FOREIGN),
        (GOOD, False, AuthorityVerdict.OFFICE_MISSING),
    ],
)
def test_authority_is_judged_by_account_region_item_and_office(
    found: Credentials | None, verdict: AuthorityVerdict, *, has_office: bool
) -> None:
    assert judge_authority(found, PENSION, has_office=has_office) is verdict


@dataclass
class Talk:
    """A call whose agent has an account."""

    halls: Halls
    case_id: str
    call_id: str

    async def read(self, who: Actor = CLERK) -> wire.Call:
        async with self.halls.units.database.reading() as session:
            return await self.halls.calls.read(session, who, self.call_id)

    async def change(self, **values: object) -> None:
        async with self.halls.units.open() as unit:
            changed = update(Clerk).where(Clerk.id == WANG.id).values(**values)
            await unit.session.execute(changed)

    async def require(self, who: Actor = WANG) -> None:
        row = await self.halls.case_row(self.case_id)
        async with self.halls.units.database.reading() as session:
            await Authorities(self.halls.reader).require(session, who, row)


@pytest.fixture
async def talk(halls: Halls) -> Talk:
    await enlist(halls, WANG)
    return Talk(halls, *await halls.in_call())


async def test_the_call_names_the_agents_office_item_and_jurisdiction(talk: Talk) -> None:
    for reader in (CLERK, WANG, screen()):
        found = (await talk.read(reader)).authority
        assert found is not None
        assert (found.name, found.office, found.hall, found.jurisdiction_name, found.verdict) == (
            "wang", "霍邱县人力资源和社会保障局（演示）", "霍邱县政务服务中心", "六安市霍邱县",
            VALID,
        )  # fmt: skip
        assert found.item_name.startswith("城乡居民养老保险")
    await talk.require()
    await talk.halls.finish(talk.call_id)
    assert (await talk.read()).authority is None


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"active": False}, AuthorityVerdict.ACCOUNT_DISABLED),
        ({"items": ["another"]}, AuthorityVerdict.ITEM_FOREIGN),
        ({"roles": [Role.COUNTER.value]}, AuthorityVerdict.ITEM_FOREIGN),
        ({"region": "320509"}, AuthorityVerdict.REGION_FOREIGN),
        ({"hall": "pingwang"}, AuthorityVerdict.REGION_FOREIGN),
        ({"hall": "torn-down"}, AuthorityVerdict.REGION_FOREIGN),
    ],
)
async def test_what_changes_in_mid_call_changes_the_verdict_and_stops_issuing(
    talk: Talk, values: dict[str, object], verdict: AuthorityVerdict
) -> None:
    await talk.change(**values)
    found = (await talk.read()).authority
    assert found is not None
    assert found.verdict is verdict
    with pytest.raises(ServiceError) as refused:
        await talk.require()
    assert refused.value.code == "agent.without_authority"
    assert refused.value.details == {"why": verdict.value}


async def test_who_has_no_account_at_all_has_no_authority(talk: Talk) -> None:
    with pytest.raises(ServiceError, match=r"agent\.without_authority"):
        await talk.require(ZHOU)


@pytest.mark.parametrize("lasts", [0, 1, 2])
async def test_nothing_is_issued_without_authority_whenever_it_is_lost(
    desk: Desk, lasts: int
) -> None:
    """It is asked before anything is drawn, when reserving, and when releasing."""
    case_id, asked = await desk.ready_case(), 0

    async def lose(_session: AsyncSession, who: Actor, _case: Case) -> None:
        nonlocal asked
        asked += 1
        assert who == AGENT
        if asked > lasts:
            raise ServiceError("agent.without_authority")

    desk.issuing = replace(desk.issuing, require_authority=lose)
    with pytest.raises(ServiceError, match=r"agent\.without_authority"):
        await desk.issue(case_id)
    assert asked == lasts + 1
    assert (await desk.case(case_id)).state is CaseState.IN_CALL
    assert "certificate.issued" not in await desk.log(case_id)


BOSS = replace(ZHOU, roles=frozenset({Role.SUPERVISOR}))
REVIEWERS = {
    "any agent": (ZHOU, True),
    "an agent who has the item": (replace(ZHOU, items=frozenset({PENSION})), True),
    "an agent who has others": (replace(ZHOU, items=frozenset({"another"})), False),
    "an agent of another place": (replace(ZHOU, region="330521", hall="deqing"), False),
    "an agent who is of no place": (replace(ZHOU, region="340000", hall=""), False),
    "who only stands at a counter": (replace(ZHOU, roles=frozenset({Role.COUNTER})), False),
    "an administrator": (replace(ZHOU, roles=frozenset({Role.ADMINISTRATOR})), False),
    "the supervisor": (BOSS, True),
    "a supervisor whatever the items": (replace(BOSS, items=frozenset({"another"})), True),
    "the province's supervisor": (replace(BOSS, region="340000", hall=""), True),
    "another province's": (replace(BOSS, region="330000", hall=""), False),
    "that of the counter's place": (replace(BOSS, region=CLERK.region, hall=CLERK.hall), False),
}


@pytest.mark.parametrize(("account", "may"), REVIEWERS.values(), ids=REVIEWERS)
async def test_agents_on_the_item_and_supervisors_of_place_or_province_may_review(
    halls: Halls, account: Actor, *, may: bool
) -> None:
    await enlist(halls, account)
    case = await halls.case_row(await halls.case())
    authorities = Authorities(halls.reader)
    async with halls.units.database.reading() as session:
        assert await authorities.may_review(session, case, account.id) is may
        assert not await authorities.may_review(session, case, "no-such-account")


async def test_an_account_that_was_closed_may_review_no_more(halls: Halls) -> None:
    await enlist(halls, BOSS)
    case = await halls.case_row(await halls.case())
    async with halls.units.open() as unit:
        await unit.session.execute(update(Clerk).where(Clerk.id == BOSS.id).values(active=False))
    async with halls.units.database.reading() as session:
        assert not await Authorities(halls.reader).may_review(session, case, BOSS.id)
