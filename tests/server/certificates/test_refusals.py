from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from server.access import Actor
from server.cases import messages as case_wire
from server.certificates.refusals import Refusals
from server.errors import ServiceError
from tests.support.database import SetClock
from tests.support.desk import AGENT, APPLICANT, CLERK, STRANGER, Desk
from tests.support.office import text_of

REASON = "参保关系已转移。\n余额为零。"
BASIS = "《社会保险法》第十四条"


async def refused_case(desk: Desk, reason: str = REASON) -> str:
    """A case that the agent refused in the call; return its id."""
    case_id = await desk.ready_case()
    order = case_wire.RefusalOrder(reason=reason, basis=BASIS)
    async with desk.units.open() as unit:
        await desk.cases.refuse_case(unit, AGENT, case_id, order)
    return case_id


async def drawn(desk: Desk, case_id: str, refusals: Refusals | None = None) -> bytes:
    found = refusals or desk.refusals
    async with desk.units.database.reading() as session:
        refusal = await found.of_case(session, await desk.case(case_id))
    return await found.draw(refusal)


async def test_the_paper_of_a_refusal_says_what_the_agent_said(desk: Desk, tmp_path: Path) -> None:
    case_id = await refused_case(desk)
    said = text_of(tmp_path, await drawn(desk, case_id))
    for words in (
        "不予办理告知书", (await desk.case(case_id)).number, f"{APPLICANT['name']}：",
        "参保关系已转移。", "余额为零。", BASIS, "霍邱县人力资源和社会保障局（演示）",
        "2026年11月22日", "平望镇便民服务中心", "申请行政复议", "演示样本",
    ):  # fmt: skip
        assert words in said


async def test_it_is_the_same_paper_on_any_day_and_whatever_the_authority_is_called_by_then(
    desk: Desk, clock: SetClock
) -> None:
    case_id = await refused_case(desk)
    before = await drawn(desk, case_id)
    clock.advance(days=30)
    regions = {
        code: dataclasses.replace(
            region,
            authorities=tuple(dataclasses.replace(a, name="新局") for a in region.authorities),
        )
        for code, region in desk.catalogue.regions.items()
    }
    renamed = dataclasses.replace(desk.catalogue, regions=regions)
    assert (
        await drawn(desk, case_id, Refusals(desk.reader, renamed, desk.drawing, desk.signer))
        == before
    )


async def test_a_case_that_is_not_refused_has_no_such_paper(desk: Desk) -> None:
    case_id, _ = await desk.certified_case()
    with pytest.raises(ServiceError, match=r"refusal\.unknown"):
        await drawn(desk, case_id)


async def test_a_wording_that_this_process_does_not_know_is_not_replaced_by_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await refused_case(desk)
    other = dataclasses.replace(desk.drawing.forms.notices["refusal", "1"], version="2")
    monkeypatch.setattr(desk.drawing.forms, "notices", {("refusal", "2"): other})
    with pytest.raises(ServiceError, match=r"signer\.unavailable"):
        await drawn(desk, case_id)


async def test_a_character_that_no_face_has_is_named_and_no_empty_box_drawn(desk: Desk) -> None:
    case_id = await refused_case(desk, "姓名有误：\U0003fffd")
    with pytest.raises(ServiceError) as refusal:
        await drawn(desk, case_id)
    assert refusal.value.code == "certificate.unprintable"
    assert "U+3FFFD" in str(refusal.value.details["characters"])


async def test_the_events_other_readers_see_the_reason_as_before(desk: Desk) -> None:
    case_id = await refused_case(desk)
    (said,) = await desk.events(case_id, "case.refused")
    assert (said["reason"], said["basis"]) == (REASON, BASIS)
    assert said["issuer"] == "霍邱县人力资源和社会保障局（演示）"


@pytest.mark.parametrize(("actor", "code"), [(CLERK, ""), (AGENT, ""), (STRANGER, "case.unknown")])
async def test_both_sides_may_read_it_and_a_third_region_does_not_know_of_it(
    desk: Desk, actor: Actor, code: str
) -> None:
    case_id = await refused_case(desk)
    async with desk.units.database.reading() as session:
        found = ""
        try:
            await desk.refusals.read(session, actor, case_id)
        except ServiceError as error:
            found = error.code
    assert found == code
