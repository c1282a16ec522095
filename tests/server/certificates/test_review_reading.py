"""What a second clerk sees before something is issued, and what the log has of it."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path

import pytest

from server.calls.queries import end_call
from server.calls.rules import EndReason
from server.errors import ServiceError
from tests.support.database import News, SetClock
from tests.support.desk import (
    AGENT,
    APPLICANT,
    COLLEAGUE,
    KIND,
    LOCAL_VALUES,
    SUPERVISOR,
    Desk,
)
from tests.support.live_call import put_in_call
from tests.support.office import text_of
from tests.support.reviews import (
    ALWAYS,
    above,
    approve_unread,
    ask_above,
    asked,
    decline,
    read,
)


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value.code


async def test_the_second_clerk_sees_the_whole_form_the_materials_the_checks_and_the_page(
    desk: Desk, tmp_path: Path
) -> None:
    ask_above(desk.items, above("10000"))
    case_id = await desk.ready_case()
    review_id = await asked(desk, case_id)
    seen = await read(desk, review_id)
    shown = {one.name: one.value for one in seen.values}
    assert (shown["balance"], shown["bank_account"]) == ("18342.57", LOCAL_VALUES["bank_account"])
    assert shown["applicant_id_number"] == APPLICANT["id_number"]
    assert {one.kind for one in seen.materials} == {"id-card", "application-form", "signature"}
    assert [one.passed for one in seen.checks] == [True]
    assert (seen.request.cause.label, seen.request.cause.above) == ("个人账户余额（元）", "10000")
    page = await desk.reviewing.preview(COLLEAGUE, review_id)
    assert APPLICANT["id_number"] in text_of(tmp_path, page)


async def test_what_a_citizen_waits_for_in_the_call_comes_before_what_is_left_for_afterwards(
    desk: Desk, clock: SetClock
) -> None:
    ask_above(desk.items, ALWAYS)
    after, waits = await desk.ready_case(), await desk.ready_case(name="李大江")
    call_id = await put_in_call(desk, waits)
    for case_id in (after, waits):
        review_id = await asked(desk, case_id)
        clock.advance(seconds=1)

    async def listed() -> list[tuple[str, bool]]:
        async with desk.units.database.reading() as session:
            found = (await desk.reviewing.views.list(session, SUPERVISOR)).requests
        return [(one.review.case_id, one.in_call) for one in found]

    assert await listed() == [(waits, True), (after, False)]
    assert (await read(desk, review_id)).request.in_call
    async with desk.units.open() as unit:
        assert await end_call(unit.session, call_id, EndReason.FINISHED, unit.now)
    assert await listed() == [(after, False), (waits, False)]
    assert not (await read(desk, review_id)).request.in_call


async def test_nobody_approves_unread_and_who_has_read_may(desk: Desk) -> None:
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    review_id = await asked(desk, case_id)
    await read(desk, review_id, SUPERVISOR)
    assert await refused(approve_unread(desk, review_id)) == "review.unread"
    assert await desk.events(case_id, "review.approved") == []
    await read(desk, review_id)
    await approve_unread(desk, review_id)
    assert len(await desk.events(case_id, "review.approved")) == 1


async def test_who_has_not_read_may_decline(desk: Desk) -> None:
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    await decline(desk, await asked(desk, case_id))
    assert len(await desk.events(case_id, "review.declined")) == 1


async def test_whole_values_are_seen_by_who_decides_while_it_waits_and_the_log_has_who_read_them(
    desk: Desk, news: News
) -> None:
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    review_id = await asked(desk, case_id)
    news.notices.clear()
    for actor in (COLLEAGUE, SUPERVISOR):
        assert await refused(desk.reviewing.preview(actor, review_id)) == "review.unread"
        await read(desk, review_id, actor)
        assert (await desk.reviewing.preview(actor, review_id))[:5] == b"%PDF-"
    about = {"review_id": review_id, "kind": KIND, "title": "城乡居民养老保险个人账户余额证明"}
    assert await desk.events(case_id, "review.read") == [about, about]
    # The citizen's screen tells of no clerk's reading.
    assert ("counter:pingwang-1", "facing.changed") not in news.events()
    assert await refused(read(desk, review_id, AGENT)) == "review.own"
    assert await refused(desk.reviewing.preview(AGENT, review_id)) == "review.own"
    await approve_unread(desk, review_id)
    assert await refused(read(desk, review_id)) == "review.gone"
    assert await refused(desk.reviewing.preview(COLLEAGUE, review_id)) == "review.gone"
    # Having read one review opens no other.
    await desk.write(AGENT, case_id, "balance", "99.00")
    other = await asked(desk, case_id)
    assert await refused(desk.reviewing.preview(COLLEAGUE, other)) == "review.unread"
    assert len(await desk.events(case_id, "review.read")) == 2
