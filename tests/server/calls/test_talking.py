"""Remarks in a call, and who sits at the counter after a cut."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from server.access import Actor
from server.calls import messages as wire
from server.calls.rules import CallState, Interruption, attend
from server.calls.talking import Talking, require_same_person
from server.cases.rules import CaseState
from server.errors import ServiceError
from tests.server.calls.test_calls import connect
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, OTHER_CLERK, STRANGER, WANG, ZHOU, Halls, clerk
from tests.support.office import NOW


@dataclass
class Talk:
    """What both sides do beside the picture, each in a unit of its own."""

    halls: Halls

    async def say(self, who: Actor, call_id: str, text: str) -> wire.Said:
        async with self.halls.units.open() as unit:
            return await Talking(self.halls.calls).say(unit, who, call_id, text)

    async def confirm(self, call_id: str, who: Actor = CLERK) -> wire.Call:
        async with self.halls.units.open() as unit:
            return await Talking(self.halls.calls).confirm_person(unit, who, call_id)

    async def require(self, case_id: str) -> None:
        async with self.halls.units.open() as unit:
            entry = await self.halls.records.begin_as_service(unit, case_id)
            await require_same_person(unit.session, entry.case, unit.now)

    async def heard(self, case_id: str, who: Actor = WANG) -> list[object]:
        """What somebody reads of the remarks of a case."""
        async with self.halls.units.database.reading() as session:
            found = await self.halls.reader.events(session, who, case_id, 0)
        return [event.data["text"] for event in found.events if event.kind == "chat.said"]

    async def cut(self, call_id: str, clock: SetClock, seconds: float) -> None:
        await self.halls.report(CLERK, call_id, CallState.INTERRUPTED)
        clock.advance(seconds=seconds)
        await self.halls.report(CLERK, call_id, CallState.CONNECTED)

    async def shown(self, call_id: str, who: Actor) -> wire.Gap | None:
        async with self.halls.units.database.reading() as session:
            return (await self.halls.calls.read(session, who, call_id)).unconfirmed


@pytest.fixture
def talk(halls: Halls) -> Talk:
    return Talk(halls)


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value.code


async def test_both_sides_read_what_was_said_and_hear_that_it_was(
    talk: Talk, halls: Halls, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    await talk.say(CLERK, call_id, " 听得到吗  ")
    said = await talk.say(WANG, call_id, "听不到，e\u0301")
    for who in (CLERK, WANG):
        assert await talk.heard(case_id, who) == ["听得到吗", "听不到，\xe9"]
    rooms = {
        notice.room for notice in news.notices
        if notice.event == "case.changed" and notice.data["seq"] == said.seq
    }  # fmt: skip
    assert rooms == {f"case:{case_id}", f"clerk:{CLERK.id}", f"clerk:{WANG.id}"}


async def test_the_log_holds_what_was_said_as_ciphertext_only(talk: Talk, halls: Halls) -> None:
    case_id, call_id = await halls.in_call()
    await talk.say(CLERK, call_id, "他的卡号是六二二八")
    kept = (await halls.events(case_id))[-1]
    assert (kept.kind, set(kept.data)) == ("chat.said", {"call_id", "sealed"})
    assert "六二二八" not in str(kept.data)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text.empty"),
        (" \n", "text.empty"),
        ("字" * 501, "text.too_long"),
        ("a\x00b", "text.bad_characters"),
        ("a\nb", "text.bad_characters"),
        ("a\x1bb", "text.bad_characters"),
        ("a\u202eb", "text.bad_characters"),
    ],
)
async def test_what_cannot_be_read_is_not_said(
    talk: Talk, halls: Halls, text: str, code: str
) -> None:
    case_id, call_id = await halls.in_call()
    before = await halls.log(case_id)
    assert await refused(talk.say(CLERK, call_id, text)) == code
    assert await halls.log(case_id) == before


async def test_five_hundred_characters_are_said_while_the_picture_is_down(
    talk: Talk, halls: Halls
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.report(CLERK, call_id, CallState.INTERRUPTED)
    await talk.say(CLERK, call_id, "字" * 500)
    assert await talk.heard(case_id) == ["字" * 500]


async def test_only_who_has_a_seat_says_something_and_only_while_the_call_is_on(
    talk: Talk, halls: Halls
) -> None:
    _, call_id = await halls.in_call()
    assert await refused(talk.say(STRANGER, call_id, "a")) == "call.unknown"
    assert await refused(talk.say(STRANGER, "0" * 32, "a")) == "call.unknown"
    for who in (OTHER_CLERK, ZHOU):
        assert await refused(talk.say(who, call_id, "a")) == "seat.missing"
    await halls.hang_up(WANG, call_id)
    assert await refused(talk.say(CLERK, call_id, "a")) == "call.over"


def test_only_a_long_cut_that_nobody_spoke_for_since_leaves_a_doubt() -> None:
    def at(seconds: float) -> tuple[str, object]:
        return NOW + timedelta(seconds=seconds)

    down, up, said = "call.interrupted", "call.connected", "person.confirmed"
    cut = [(up, at(0)), (down, at(5)), (up, at(15.1))]
    assert attend([(up, at(0)), (down, at(5)), (up, at(15))]).unconfirmed is None
    assert attend(cut).unconfirmed == Interruption(at(5), at(15.1))
    assert attend([*cut, (said, at(16))]).unconfirmed is None
    assert attend([*cut, (down, at(20)), (up, at(21))]).unconfirmed is not None
    still_down = attend([(up, at(0)), (down, at(5)), (said, at(6))])
    assert still_down.down_since == at(5)
    assert not still_down.is_doubtful(at(15))
    assert still_down.is_doubtful(at(15.1))


async def test_after_a_long_cut_the_counter_says_once_who_sits_there(
    talk: Talk, halls: Halls, clock: SetClock, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await talk.require(case_id)
    await talk.cut(call_id, clock, 10)
    await talk.require(case_id)
    await talk.cut(call_id, clock, 11)
    assert await refused(talk.require(case_id)) == "person.unconfirmed"
    gap = await talk.shown(call_id, WANG)
    assert gap is not None
    assert gap.ended_at - gap.began_at == timedelta(seconds=11)
    news.notices.clear()
    assert (await talk.confirm(call_id)).unconfirmed is None
    assert f"clerk:{WANG.id}" in {n.room for n in news.notices if n.event == "call.changed"}
    await talk.require(case_id)
    kept = (await halls.events(case_id))[-1]
    assert (kept.kind, kept.actor["id"]) == ("person.confirmed", CLERK.id)
    assert kept.data["began_at"] == gap.model_dump(mode="json")["began_at"]
    assert await refused(talk.confirm(call_id)) == "person.confirmed"


async def test_nothing_is_said_of_the_person_while_the_line_is_down(
    talk: Talk, halls: Halls, clock: SetClock
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.report(WANG, call_id, CallState.INTERRUPTED)
    clock.advance(seconds=11)
    assert await refused(talk.require(case_id)) == "person.unconfirmed"
    assert await refused(talk.confirm(call_id)) == "call.interrupted"


async def test_only_the_counters_seat_says_who_sits_there(
    talk: Talk, halls: Halls, clock: SetClock
) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await talk.cut(call_id, clock, 11)
    assert await refused(talk.confirm(call_id, WANG)) == "action.forbidden"
    assert await refused(talk.confirm(call_id, OTHER_CLERK)) == "seat.missing"
    assert await refused(talk.confirm(call_id, STRANGER)) == "call.unknown"
    assert await refused(talk.confirm(call_id, clerk("nobody"))) == "seat.missing"


async def test_the_doubt_goes_on_in_the_next_call_but_not_where_the_jurisdiction_finishes_alone(
    talk: Talk, halls: Halls, clock: SetClock
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await talk.cut(call_id, clock, 60)
    await halls.hang_up(CLERK, call_id)
    assert await refused(talk.require(case_id)) == "person.unconfirmed"
    await halls.become(WANG)
    await halls.accept(WANG)
    await halls.move(case_id, CaseState.WITH_JURISDICTION)
    await talk.require(case_id)
