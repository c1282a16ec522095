from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable

import pytest

from server.access import Actor
from server.cases.rules import CaseState
from server.certificates import messages as wire
from server.certificates import queries
from server.certificates.models import Certificate
from server.certificates.rules import CertificateState, RequestState
from server.db.base import new_id
from server.errors import ServiceError
from tests.support.database import News
from tests.support.desk import (
    AGENT,
    CLERK,
    COLLEAGUE,
    STRANGER,
    SUPERVISOR,
    Desk,
    revoke_alone,
)
from tests.support.live_call import put_in_call

PROVINCE = dataclasses.replace(SUPERVISOR, id="7" * 32, region="340000", hall="")


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def revoke(desk: Desk, actor: Actor, row_id: str, reason: str = "余额有误") -> object:
    async with desk.units.open() as unit:
        return await desk.revoking.revoke(unit, actor, row_id, reason)


async def approve(desk: Desk, actor: Actor, request_id: str) -> wire.Certificate:
    async with desk.units.open() as unit:
        return await desk.revoking.approve(unit, actor, request_id)


async def decline(desk: Desk, actor: Actor, request_id: str) -> wire.Certificate:
    async with desk.units.open() as unit:
        return await desk.revoking.decline(unit, actor, request_id, "余额无误")


async def withdraw(desk: Desk, actor: Actor, request_id: str) -> wire.Certificate:
    async with desk.units.open() as unit:
        return await desk.revoking.withdraw(unit, actor, request_id)


async def shown(desk: Desk, case_id: str) -> wire.Certificate:
    async with desk.units.database.reading() as session:
        return (await desk.certificates.list(session, CLERK, case_id)).certificates[0]


async def waiting(desk: Desk, actor: Actor) -> list[str]:
    async with desk.units.database.reading() as session:
        return [one.pending.id for one in (await desk.revoking.list(session, actor)).requests]


async def test_where_nobody_must_approve_one_clerk_revokes(desk: Desk) -> None:
    revoke_alone(desk.items)
    case_id, row = await desk.certified_case()
    await revoke(desk, AGENT, row.id, " 余额有误 ")
    assert (await shown(desk, case_id)).state is CertificateState.REVOKED
    (said,) = await desk.events(case_id, "certificate.revoked")
    assert (said["certificate_id"], said["reason"]) == (row.id, "余额有误")
    assert (await refused(revoke(desk, AGENT, row.id))).code == "certificate.revoked"


@pytest.mark.parametrize(
    ("in_call", "state"), [(False, CaseState.RETURNED), (True, CaseState.IN_CALL)]
)
async def test_a_case_that_has_no_certificate_left_is_open_again_and_gets_another(
    desk: Desk, state: CaseState, *, in_call: bool
) -> None:
    case_id, row = await desk.certified_case()
    if in_call:
        await put_in_call(desk, case_id)
    await desk.revoke(row.id)
    assert (await desk.case(case_id)).state is state
    assert (await desk.events(case_id, "case.reopened")) == [
        {"certificate_id": row.id, "number": row.number}
    ]
    # The jurisdiction finds it in its register all the same, and the counter sees that it fell.
    assert (await shown(desk, case_id)).state is CertificateState.REVOKED
    if not in_call:
        await desk.move(case_id, CaseState.WAITING, CaseState.IN_CALL)
    again = await desk.issue(case_id, "key-00002")
    assert (again.state, again.number != row.number) == (CertificateState.VALID, True)
    await desk.settle(case_id, again.id)


async def test_a_case_that_was_settled_or_has_another_certificate_stays_as_it_is(
    desk: Desk,
) -> None:
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    await desk.revoke(row.id)
    assert (await desk.case(case_id)).state is CaseState.SETTLED
    case_id, row = await desk.certified_case()
    values = {column.key: getattr(row, column.key) for column in Certificate.__table__.columns}
    beside = {"id": new_id(), "kind": "statement", "number": "another", "serial": 99, "sha256": "0"}
    async with desk.units.open() as unit:
        unit.session.add(Certificate(**{**values, **beside}))
    await desk.revoke(row.id)
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED
    assert await desk.events(case_id, "case.reopened") == []


async def test_a_certificate_is_revoked_by_its_own_side_and_with_a_reason(desk: Desk) -> None:
    revoke_alone(desk.items)
    _, row = await desk.certified_case()
    assert (await refused(revoke(desk, CLERK, row.id))).code == "action.forbidden"
    assert (await refused(revoke(desk, STRANGER, row.id))).code == "certificate.unknown"
    assert (await refused(revoke(desk, AGENT, row.id, " \t "))).code == "text.empty"


async def test_a_request_leaves_the_certificate_valid_and_both_halls_see_it(
    desk: Desk, news: News
) -> None:
    case_id, row = await desk.certified_case()
    news.notices.clear()
    request_id = await desk.ask_revocation(row.id)
    found = await shown(desk, case_id)
    assert found.state is CertificateState.VALID
    assert found.pending_revocation is not None
    assert (found.pending_revocation.id, found.pending_revocation.reason) == (
        request_id, "余额有误",
    )  # fmt: skip
    assert found.pending_revocation.asked_by_name == AGENT.name
    assert (await desk.events(case_id, "revocation.requested"))[0]["reason"] == "余额有误"
    told = {room for room, event in news.events() if event == "revocation.changed"}
    assert told == {"queue:341522", "board:341522", "board:340000"}
    assert ("counter:pingwang-1", "facing.changed") not in news.events()


async def test_nobody_outside_the_halls_learns_of_a_request(desk: Desk) -> None:
    _, row = await desk.certified_case()
    before = await desk.verifying.by_code(row.number, row.check_code)
    await desk.ask_revocation(row.id)
    assert await desk.verifying.by_code(row.number, row.check_code) == before


@pytest.mark.parametrize("second", [COLLEAGUE, SUPERVISOR, PROVINCE])
async def test_another_agent_or_a_supervisor_of_place_or_province_approves(
    desk: Desk, second: Actor
) -> None:
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    assert await waiting(desk, second) == [request_id]
    answer = await approve(desk, second, request_id)
    assert (answer.state, answer.pending_revocation) == (CertificateState.REVOKED, None)
    (said,) = await desk.events(case_id, "certificate.revoked")
    assert (said["reason"], said["asked_by"], said["request_id"]) == (
        "余额有误", AGENT.name, request_id,
    )  # fmt: skip
    assert await waiting(desk, second) == []


async def test_nobody_decides_on_their_own_request(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    for attempt in (approve(desk, AGENT, request_id), decline(desk, AGENT, request_id)):
        assert (await refused(attempt)).code == "revocation.own"
    values = {"state": RequestState.APPROVED, "closed_at": desk.units.clock()}
    async with desk.units.open() as unit:
        assert not await queries.decide_request(unit.session, request_id, AGENT.id, values)
    assert (await shown(desk, case_id)).state is CertificateState.VALID


async def test_only_the_jurisdictions_own_people_decide(desk: Desk) -> None:
    _, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    assert (await refused(approve(desk, CLERK, request_id))).code == "action.forbidden"
    assert (await refused(approve(desk, STRANGER, request_id))).code == "revocation.unknown"
    assert (await refused(approve(desk, COLLEAGUE, "0" * 32))).code == "revocation.unknown"
    assert await waiting(desk, STRANGER) == []
    assert (await refused(withdraw(desk, COLLEAGUE, request_id))).code == "action.forbidden"


async def test_a_declined_request_lets_the_counter_settle_again(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    assert (await refused(desk.settle(case_id, row.id))).code == "revocation.pending"
    answer = await decline(desk, SUPERVISOR, request_id)
    assert (answer.state, answer.pending_revocation) == (CertificateState.VALID, None)
    assert (await desk.events(case_id, "revocation.declined"))[0]["reason"] == "余额无误"
    await desk.settle(case_id, row.id)
    assert (await desk.case(case_id)).state is CaseState.SETTLED


async def test_who_asked_withdraws_and_may_ask_again(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    assert (await refused(revoke(desk, COLLEAGUE, row.id))).code == "revocation.pending"
    assert (await withdraw(desk, AGENT, request_id)).pending_revocation is None
    assert (await desk.log(case_id))[-1] == "revocation.withdrawn"
    assert await desk.ask_revocation(row.id) != request_id


async def test_a_request_that_was_closed_is_not_decided_again(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    await withdraw(desk, AGENT, request_id)
    for attempt in (
        approve(desk, SUPERVISOR, request_id),
        decline(desk, SUPERVISOR, request_id),
        withdraw(desk, AGENT, request_id),
    ):
        assert (await refused(attempt)).code == "revocation.gone"
    assert (await shown(desk, case_id)).state is CertificateState.VALID


async def test_of_two_requests_at_once_one_is_open(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    await desk.ask_revocation(row.id)
    async with desk.units.open() as unit:
        (request,) = await queries.open_requests(unit.session, [row.id])
        unit.session.expunge(request)
        request.id = "f" * 32
        assert not await queries.ask_revocation(unit.session, request)
    assert (await desk.log(case_id)).count("revocation.requested") == 1


async def test_of_two_approvals_at_once_one_counts(either_desk: Desk) -> None:
    desk = either_desk
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    found = await asyncio.gather(
        *(approve(desk, who, request_id) for who in (COLLEAGUE, SUPERVISOR)),
        return_exceptions=True,
    )
    codes = [one.code for one in found if isinstance(one, ServiceError)]
    assert codes == ["revocation.gone"]
    assert (await desk.log(case_id)).count("certificate.revoked") == 1


async def test_of_an_approval_and_a_withdrawal_at_once_one_counts(either_desk: Desk) -> None:
    desk = either_desk
    case_id, row = await desk.certified_case()
    request_id = await desk.ask_revocation(row.id)
    found = await asyncio.gather(
        approve(desk, COLLEAGUE, request_id),
        withdraw(desk, AGENT, request_id),
        return_exceptions=True,
    )
    codes = [one.code for one in found if isinstance(one, ServiceError)]
    assert codes == ["revocation.gone"]
    log = await desk.log(case_id)
    assert log.count("certificate.revoked") + log.count("revocation.withdrawn") == 1


async def test_a_decision_holds_only_while_the_request_is_open(either_desk: Desk) -> None:
    """The database itself lets one through, whatever was read before."""
    _, row = await either_desk.certified_case()
    request_id = await either_desk.ask_revocation(row.id)
    values = {"closed_at": either_desk.units.clock()}
    async with either_desk.units.open() as unit:
        session = unit.session
        approved = {**values, "state": RequestState.APPROVED}
        withdrawn = {**values, "state": RequestState.WITHDRAWN}
        assert await queries.decide_request(session, request_id, COLLEAGUE.id, approved)
        assert not await queries.decide_request(session, request_id, SUPERVISOR.id, approved)
        assert not await queries.withdraw_request(session, request_id, AGENT.id, withdrawn)
