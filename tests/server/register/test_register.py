from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Awaitable
from datetime import date, timedelta

import pytest

from server.access import Actor, Role
from server.certificates.models import Certificate
from server.db.base import new_id
from server.errors import ServiceError
from server.register import messages as wire
from server.register import queries
from server.register.models import Copy
from server.register.rules import Standing
from server.register.service import Register
from tests.support.database import News, SetClock
from tests.support.desk import AGENT, APPLICANT, CLERK, STRANGER, SUPERVISOR, Desk

# Of certificates that nobody issued.
SERIALS = itertools.count(1_000_000)
PROVINCE = dataclasses.replace(SUPERVISOR, id="8" * 32, region="340000", hall="")
HERE = dataclasses.replace(SUPERVISOR, id="7" * 32, region="320509", hall="pingwang")
ELSEWHERE = dataclasses.replace(SUPERVISOR, id="6" * 32, region="330521", hall="deqing")


@pytest.fixture
def register(desk: Desk) -> Register:
    return Register(desk.reader, desk.certificates, desk.drawing.forms)


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value.code


async def search(
    desk: Desk, register: Register, actor: Actor = SUPERVISOR, **said: object
) -> wire.RegisterPage:
    query = wire.RegisterQuery.model_validate(said)
    async with desk.units.database.reading() as session:
        return await register.search(session, actor, query, desk.units.clock())


async def found(
    desk: Desk, register: Register, actor: Actor = SUPERVISOR, **said: object
) -> list[str]:
    return [line.id for line in (await search(desk, register, actor, **said)).lines]


async def read(
    desk: Desk, register: Register, certificate_id: str, actor: Actor = SUPERVISOR
) -> wire.RegisterEntry:
    async with desk.units.database.reading() as session:
        return await register.read(session, actor, certificate_id, desk.units.clock())


async def copy(
    desk: Desk, register: Register, certificate_id: str, actor: Actor = SUPERVISOR,
    reason: str = "群众遗失纸质证明",
) -> Copy:  # fmt: skip
    async with desk.units.open() as unit:
        return await register.take_copy(unit, actor, certificate_id, reason)


async def test_a_line_shows_the_certificate_with_its_holder_masked(
    desk: Desk, register: Register
) -> None:
    _, row = await desk.certified_case()
    page = await search(desk, register)
    (line,) = page.lines
    assert (line.number, line.title, line.issued_by) == (row.number, row.title, AGENT.name)
    assert (line.holder, line.standing, page.total) == ("张**", Standing.VALID, 1)
    assert APPLICANT["id_number"] not in page.model_dump_json()
    assert APPLICANT["name"] not in page.model_dump_json()


async def test_who_issues_sees_it_and_who_settled_with_it_once_they_have(
    desk: Desk, register: Register
) -> None:
    case_id, row = await desk.certified_case()
    for actor in (SUPERVISOR, PROVINCE, AGENT):
        assert await found(desk, register, actor) == [row.id]
    for actor in (HERE, ELSEWHERE, dataclasses.replace(AGENT, region="330521")):
        assert await found(desk, register, actor) == []
        assert await refused(read(desk, register, row.id, actor)) == "certificate.unknown"
    await desk.settle(case_id, row.id)
    assert await found(desk, register, HERE) == [row.id]
    assert (await read(desk, register, row.id, HERE)).evidence is False
    assert await found(desk, register, ELSEWHERE) == []


async def test_a_counter_has_no_register(desk: Desk, register: Register) -> None:
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    assert await refused(search(desk, register, CLERK)) == "action.forbidden"
    assert await refused(read(desk, register, row.id, CLERK)) == "certificate.unknown"


async def test_each_condition_finds_what_fits_and_nothing_else(
    desk: Desk, register: Register
) -> None:
    _, row = await desk.certified_case()
    day = date(2026, 11, 22)
    fits = {
        "number": f" {row.number[-5:].lower()} ", "issuer": "霍邱县", "kind": row.kind,
        "standing": Standing.VALID, "issued_from": day, "issued_to": day,
        "issued_by": AGENT.name[:1], "id_number": APPLICANT["id_number"],
    }  # fmt: skip
    misses = {
        "number": "%", "issuer": "吴江区", "kind": "statement", "standing": Standing.EXPIRED,
        "issued_from": day + timedelta(days=1), "issued_to": day - timedelta(days=1),
        "issued_by": "李", "id_number": "341522197001010005",
    }  # fmt: skip
    assert await found(desk, register, **fits) == [row.id]
    for name, value in misses.items():
        assert await found(desk, register, **{**fits, name: value}) == [], name


async def test_an_id_number_is_asked_for_whole(desk: Desk, register: Register) -> None:
    part = APPLICANT["id_number"][:10]
    assert await refused(search(desk, register, id_number=part)) == "id_number.malformed"


async def test_standing_is_that_of_today(desk: Desk, register: Register, clock: SetClock) -> None:
    _, row = await desk.certified_case()
    _, fallen = await desk.certified_case(name="李大江")
    await desk.revoke(fallen.id)
    assert row.valid_until is not None
    clock.now += row.valid_until - date(2026, 11, 22) + timedelta(days=1)
    assert await found(desk, register, standing=Standing.EXPIRED) == [row.id]
    assert await found(desk, register, standing=Standing.REVOKED) == [fallen.id]
    assert await found(desk, register, standing=Standing.VALID) == []


async def test_a_reserved_certificate_is_shown_to_nobody(desk: Desk, register: Register) -> None:
    _, row = await desk.certified_case()
    async with desk.units.open() as unit:
        unit.session.add(_another(row, state="reserved"))
    assert await found(desk, register) == [row.id]


def _another(row: Certificate, **changed: object) -> Certificate:
    """A further certificate of a case, of a kind of its own, as the register might have it."""
    values = {column.name: getattr(row, column.name) for column in Certificate.__table__.columns}
    serial = next(SERIALS)
    own = {
        "id": new_id(), "kind": f"kind-{serial}", "serial": serial, "number": f"NUMBER-{serial}",
        "sha256": new_id() * 2,
    }  # fmt: skip
    return Certificate(**{**values, **own, **changed})


async def test_pages_follow_one_another_without_gap_or_repetition(
    desk: Desk, register: Register, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    monkeypatch.setattr(queries.find, "__kwdefaults__", {"after": None, "limit": 3})
    _, row = await desk.certified_case()
    async with desk.units.open() as unit:
        # Three of one instant: the id decides.
        unit.session.add_all(_another(row) for _ in range(2))
        unit.session.add_all(
            _another(row, issued_at=clock.now + timedelta(seconds=one)) for one in (-9, 9)
        )
    pages, seen = [await search(desk, register)], [desk.units.clock()]
    while pages[-1].more is not None:
        if len(pages) == 1:
            # What is issued while somebody turns the pages stands on none of the later ones.
            async with desk.units.open() as unit:
                unit.session.add(_another(row, issued_at=clock.now + timedelta(seconds=99)))
        pages.append(await search(desk, register, after=pages[-1].more))
    seen = [line.issued_at for page in pages for line in page.lines]
    assert [len(page.lines) for page in pages] == [2, 2, 1]
    assert seen == sorted(seen, reverse=True)
    assert len({line.id for page in pages for line in page.lines}) == 5
    assert [page.total for page in pages] == [5, 6, 6]


async def test_copies_are_numbered_and_logged_with_who_and_why(
    desk: Desk, register: Register, news: News
) -> None:
    case_id, row = await desk.certified_case()
    before = await desk.papers.content(row)
    news.notices.clear()
    assert (await copy(desk, register, row.id)).number == 1
    assert "facing.changed" not in {event for _, event in news.events()}
    assert (await copy(desk, register, row.id, AGENT, "归档")).number == 2
    assert [one["copy"] for one in await desk.events(case_id, "certificate.copied")] == [1, 2]
    entry = await read(desk, register, row.id)
    assert [(one.number, one.by, one.region_name, one.reason) for one in entry.copies] == [
        (1, SUPERVISOR.name, "六安市霍邱县", "群众遗失纸质证明"),
        (2, AGENT.name, "六安市霍邱县", "归档"),
    ]
    assert (entry.line.copies, [one.kind for one in entry.history]) == (
        2, ["certificate.issued", "certificate.copied", "certificate.copied"],
    )  # fmt: skip
    assert await desk.papers.content(row) == before


async def test_a_reason_stands_nowhere_in_the_clear(desk: Desk, register: Register) -> None:
    _, row = await desk.certified_case()
    made = await copy(desk, register, row.id, reason="群众遗失")
    assert "遗失" not in made.sealed_reason
    assert await refused(copy(desk, register, row.id, reason=" ")) == "text.empty"


async def test_of_copies_taken_at_once_each_has_its_number(either_desk: Desk) -> None:
    desk = either_desk
    register = Register(desk.reader, desk.certificates, desk.drawing.forms)
    _, row = await desk.certified_case()
    made = await asyncio.gather(*(copy(desk, register, row.id) for _ in range(4)))
    assert sorted(one.number for one in made) == [1, 2, 3, 4]
    assert await found(desk, register, number=row.number) == [row.id]


async def test_nobody_takes_a_copy_of_what_they_may_not_see(desk: Desk, register: Register) -> None:
    case_id, row = await desk.certified_case()
    for actor in (STRANGER, CLERK, HERE, ELSEWHERE):
        assert await refused(copy(desk, register, row.id, actor)) == "certificate.unknown"
    await desk.settle(case_id, row.id)
    assert (await copy(desk, register, row.id, HERE)).number == 1
    both = dataclasses.replace(HERE, roles=frozenset({Role.SUPERVISOR, Role.COUNTER}))
    assert (await copy(desk, register, row.id, both)).number == 2


async def test_the_story_has_recall_receipt_and_who_undid_it(
    desk: Desk, register: Register
) -> None:
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    await desk.revoke(row.id)
    entry = await read(desk, register, row.id)
    assert [one.kind for one in entry.history] == [
        "certificate.issued", "receipt.sent", "revocation.requested", "certificate.revoked",
        "recall.made",
    ]  # fmt: skip
    assert (entry.line.standing, entry.line.receipts, entry.line.open_recalls) == (
        Standing.REVOKED, 1, 1,
    )  # fmt: skip
    assert len(entry.certificate.receipts) == len(entry.certificate.recalls) == 1
    assert entry.evidence is True
