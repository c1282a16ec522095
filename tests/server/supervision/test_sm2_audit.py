from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from server.supervision.audit import Audit, Fault, copied
from tests.support.database import SetClock
from tests.support.desk import Desk
from tests.support.sm2 import sign_all, signed_certificate


async def faults(desk: Desk, url: str, folder: Path) -> list[Fault]:
    """What `kuayu verify-store` would name; the desk's calls are not real ones."""
    async with copied(url, folder) as copy:
        audit = Audit(copy, desk.files, desk.vault, desk.drawing, desk.units.clock())
        found = await audit.walk()
    return [one for one in found if one.code != "seat.mismatched"]


async def spoil(desk: Desk, statement: str, **values: object) -> None:
    async with desk.units.open() as unit:
        await unit.session.execute(text(statement), values)


async def test_a_certificate_with_and_one_without_sm2_signature_are_in_order(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    await signed_certificate(desk)
    await desk.certified_case()
    assert await faults(desk, sqlite_url, tmp_path) == []


SPOILED = {
    "it is none": (
        "UPDATE certificate_sm2 SET content = x'00'",
        "detached_signature.wrong", "no_sm2_signature",
    ),
    "it is of another day": (
        "UPDATE certificate_sm2 SET signed_at = '2026-11-01 00:00:00.000000'",
        "detached_signature.rewritten", "it says 2026-11-22",
    ),
    "its certificate is not released": (
        "UPDATE certificate SET state = 'reserved'", "detached_signature.misplaced", "not released",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_signature_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path, name: str
) -> None:
    statement, code, says = SPOILED[name]
    row, _ = await signed_certificate(desk)
    await spoil(desk, statement)
    found = await faults(desk, sqlite_url, tmp_path)
    assert [one.about for one in found if one.code == code and says in one.says] == [row.number]


async def test_the_signature_of_another_certificate_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    row, _ = await signed_certificate(desk)
    _, other = await desk.certified_case()
    await spoil(desk, "UPDATE certificate_sm2 SET certificate_id = :id", id=other.id)
    [fault] = await faults(desk, sqlite_url, tmp_path)
    assert (fault.code, fault.about) == ("detached_signature.wrong", other.number)
    assert fault.says == "the_signature_is_of_another_file"
    assert await sign_all(desk) == 1
    assert row.number != other.number


async def test_a_list_that_has_run_out_is_no_fault_of_the_signature(
    desk: Desk, clock: SetClock, sqlite_url: str, tmp_path: Path
) -> None:
    await signed_certificate(desk)
    clock.advance(days=8)
    assert {one.code for one in await faults(desk, sqlite_url, tmp_path)} == {"trust.stale"}
