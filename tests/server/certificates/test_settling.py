from __future__ import annotations

from collections.abc import Awaitable

import pytest
from sqlalchemy import select

from server.cases.rules import CaseState
from server.certificates.messages import Settlement, SettlementOrder
from server.certificates.models import Receipt
from server.certificates.models import Settlement as SettlementRow
from server.errors import ServiceError
from tests.support.database import News
from tests.support.desk import AGENT, CLERK, Desk, recognise_nothing
from tests.support.live_call import put_in_call


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def settle(
    desk: Desk, case_id: str, certificate_id: str | None, remark: str = "已发放"
) -> Settlement:
    order = SettlementOrder(
        certificate_id=certificate_id, reference="YL-2026-000431", remark=remark
    )
    async with desk.units.open() as unit:
        return await desk.certificates.settle(unit, CLERK, case_id, order)


async def test_settling_ends_the_case_and_tells_the_issuer_who_relied_on_it(
    desk: Desk, news: News
) -> None:
    case_id, row = await desk.certified_case()
    settlement = await settle(desk, case_id, row.id)
    assert (settlement.reference, settlement.remark) == ("YL-2026-000431", "已发放")
    assert (await desk.case(case_id)).state is CaseState.SETTLED
    assert (await desk.log(case_id))[-2:] == ["case.settled", "receipt.sent"]
    async with desk.units.database.reading() as session:
        shown = await desk.certificates.list(session, AGENT, case_id)
        read = await desk.certificates.read_settlement(session, AGENT, case_id)
    (receipt,) = shown.certificates[0].receipts
    assert (receipt.hall_name, receipt.by) == ("平望镇便民服务中心", CLERK.name)
    assert receipt.purpose == "城乡居民养老保险个人账户余额一次性提取"
    assert receipt.reference == "YL-2026-000431"
    assert read == settlement
    told = [n for n in news.notices if n.room == f"clerk:{AGENT.id}"]
    assert told[-1].data["kind"] == "receipt.sent"


async def test_a_certificate_that_the_counters_region_does_not_recognise_settles_nothing(
    desk: Desk,
) -> None:
    case_id, row = await desk.certified_case()
    recognise_nothing(desk.catalogue)
    error = await refused(settle(desk, case_id, row.id))
    assert (error.code, error.details) == (
        "certificate.unrecognised", {"field": "certificate_id"},
    )  # fmt: skip
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED


async def test_the_issuer_hears_even_when_the_case_is_with_another_agent(
    desk: Desk, news: News
) -> None:
    case_id, row = await desk.certified_case()
    async with desk.units.open() as unit:
        entry = await desk.records.begin_as_service(unit, case_id)
        entry.case.agent_id = "f" * 32
    await settle(desk, case_id, row.id)
    told = [n.data["kind"] for n in news.notices if n.room == f"clerk:{AGENT.id}"]
    assert told[-1] == "receipt.sent"


async def test_a_case_is_settled_once(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    await settle(desk, case_id, row.id)
    assert (await refused(settle(desk, case_id, row.id))).code == "settlement.exists"
    async with desk.units.database.reading() as session:
        assert len((await session.scalars(select(SettlementRow))).all()) == 1
        assert len((await session.scalars(select(Receipt))).all()) == 1
    assert (await desk.log(case_id)).count("case.settled") == 1


async def test_nothing_can_be_settled_on_a_revoked_certificate(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    await put_in_call(desk, case_id)
    await desk.revoke(row.id)
    assert (await refused(settle(desk, case_id, row.id))).code == "case.wrong_state"
    await desk.issue(case_id, "key-anew-1")
    assert (await refused(settle(desk, case_id, row.id))).code == "certificate.revoked"
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED


async def test_a_certificate_of_another_case_or_none_is_refused(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    _, other = await desk.certified_case()
    for certificate_id in (other.id, None, "0" * 32):
        error = await refused(settle(desk, case_id, certificate_id))
        assert error.code == "certificate.unknown"
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED


async def test_a_promised_case_is_settled_without_a_certificate(desk: Desk) -> None:
    case_id = await desk.ready_case()
    await desk.move(case_id, CaseState.PROMISED)
    settlement = await settle(desk, case_id, None)
    assert settlement.certificate_id is None
    assert (await desk.case(case_id)).state is CaseState.SETTLED
    assert "receipt.sent" not in await desk.log(case_id)


async def test_a_case_that_is_not_certified_cannot_be_settled(desk: Desk) -> None:
    case_id = await desk.ready_case()
    assert (await refused(settle(desk, case_id, None))).code == "case.wrong_state"
