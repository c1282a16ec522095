from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from server.certificates.messages import CorrectionOrder, SettlementOrder
from server.certificates.models import Certificate
from server.register.service import Register
from server.supervision.audit import Audit, copied
from server.vault import Vault
from tests.support.desk import AGENT, CLERK, Desk

Tamper = Callable[[Desk, str, Certificate], Awaitable[None]]


async def settled(desk: Desk) -> tuple[str, Certificate]:
    """A case through to its end, its certificate copied from the register."""
    case_id, row = await desk.certified_case()
    register = Register(desk.reader, desk.certificates, desk.drawing.forms)
    async with desk.units.open() as unit:
        await register.take_copy(unit, AGENT, row.id, "归档")
    order = SettlementOrder(certificate_id=row.id, reference="YL-1")
    async with desk.units.open() as unit:
        await desk.certificates.settle(unit, CLERK, case_id, order)
    return case_id, row


async def audit(desk: Desk, url: str, folder: Path, vault: Vault | None = None) -> set[str]:
    async with copied(url, folder) as copy:
        walk = Audit(copy, desk.files, vault or desk.vault, desk.drawing, desk.units.clock())
        return {fault.code for fault in await walk.walk()}


async def run(desk: Desk, statement: str, **values: object) -> None:
    async with desk.units.open() as unit:
        await unit.session.execute(text(statement), values)


async def test_nothing_is_wrong_with_what_the_service_itself_wrote(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    await settled(desk)
    await desk.open_case()
    async with copied(sqlite_url, tmp_path) as copy:
        walk = Audit(copy, desk.files, desk.vault, desk.drawing, desk.units.clock())
        assert await walk.walk() == []
    assert walk.counted["cases"] == 2
    assert walk.counted["certificates"] == 1
    assert walk.counted["materials"] == 3


SPOILED: dict[str, tuple[str, str]] = {
    "an event's words": (
        "UPDATE case_event SET kind = 'case.closed' WHERE seq = 3 AND case_id = :case",
        "event.altered",
    ),
    "an event's time": (
        "UPDATE case_event SET at = '2020-01-01 00:00:00.000000' WHERE seq = 3 AND case_id = :case",
        "event.backdated",
    ),
    "a missing event": ("DELETE FROM case_event WHERE seq = 4 AND case_id = :case", "log.gapped"),
    "a cut log": (
        "DELETE FROM case_event WHERE case_id = :case AND seq ="
        " (SELECT max(seq) FROM case_event WHERE case_id = :case)",
        "log.cut",
    ),
    "another head": ("UPDATE case_record SET head_hash = 'x' WHERE id = :case", "head.wrong"),
    "a copy that nobody took": (
        "UPDATE certificate_copy SET number = 2 WHERE certificate_id = :row", "copies.mismatched",
    ),
    "another hash in the register": (
        "UPDATE certificate SET sha256 = 'x' WHERE id = :row", "certificate.lost",
    ),
    "another number": ("UPDATE certificate SET number = 'x' WHERE id = :row", "number.wrong"),
    "another serial": (
        "UPDATE certificate SET serial = 7 WHERE id = :row", "certificate_number.gapped",
    ),
    "another anchor": ("UPDATE certificate SET case_hash = 'x' WHERE id = :row", "anchor.wrong"),
    "a released one called reserved": (
        "UPDATE certificate SET state = 'reserved' WHERE id = :row", "certificate.unreleased",
    ),
    "a state without settlement": (
        "DELETE FROM settlement WHERE case_id = :case", "settlement.mismatched",
    ),
    "a missing receipt": ("DELETE FROM usage_receipt WHERE case_id = :case", "receipt.missing"),
    "a case number that is gone": (
        "UPDATE case_record SET number = '320509-20261122-000009' WHERE id = :case",
        "case_number.gapped",
    ),
    "a material's hash": ("UPDATE material SET sha256 = 'x'", "material.altered"),
    "a material nobody filed": (
        "UPDATE material SET id = 'g' || substr(id, 2) WHERE kind = 'id-card'",
        "material.unlogged",
    ),
    "a case that waits nowhere": (
        "UPDATE case_record SET state = 'waiting' WHERE id = :case", "ticket.mismatched",
    ),
    "a case in no call": (
        "UPDATE case_record SET state = 'in_call' WHERE id = :case", "seat.mismatched",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
async def test_whatever_is_spoiled_in_the_database_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path, what: str
) -> None:
    case_id, row = await settled(desk)
    statement, code = SPOILED[what]
    values = {
        name: value
        for name, value in (("case", case_id), ("row", row.id))
        if f":{name}" in statement
    }
    await run(desk, statement, **values)
    assert code in await audit(desk, sqlite_url, tmp_path)


async def test_a_successor_that_is_none_and_a_hall_that_was_not_told_are_named(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    case_id, old = await settled(desk)
    order = CorrectionOrder(values={"balance": "18432.57"}, reason="录入有误")
    await desk.correcting.correct(AGENT, old.id, order, desk.key(case_id, "correct-1"))
    assert await audit(desk, sqlite_url, tmp_path) <= {"seat.mismatched"}
    await run(desk, "UPDATE certificate SET superseded_by = NULL WHERE id = :row", row=old.id)
    await run(desk, "DELETE FROM recall WHERE case_id = :case", case=case_id)
    found = await audit(desk, sqlite_url, tmp_path)
    assert found >= {"successor.mismatched", "recall.missing"}


async def test_a_certificate_that_stands_otherwise_than_the_log_says_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    _, row = await settled(desk)
    for name in ("fallen", "logged", "risen"):
        (tmp_path / name).mkdir()
    await run(desk, "UPDATE certificate SET state = 'revoked' WHERE id = :row", row=row.id)
    assert "certificate.misstated" in await audit(desk, sqlite_url, tmp_path / "fallen")
    await run(desk, "UPDATE certificate SET state = 'valid' WHERE id = :row", row=row.id)
    await desk.revoke(row.id)
    assert "certificate.misstated" not in await audit(desk, sqlite_url, tmp_path / "logged")
    await run(desk, "UPDATE certificate SET state = 'valid' WHERE id = :row", row=row.id)
    assert "certificate.misstated" in await audit(desk, sqlite_url, tmp_path / "risen")


async def change_certificate(desk: Desk, _case_id: str, row: Certificate) -> None:
    path = desk.files.folder / "certificates" / row.id / f"{row.sha256}.pdf"
    path.write_bytes(path.read_bytes() + b" ")


async def remove_certificate(desk: Desk, _case_id: str, row: Certificate) -> None:
    (desk.files.folder / "certificates" / row.id / f"{row.sha256}.pdf").unlink()


async def leave_a_stray(desk: Desk, _case_id: str, row: Certificate) -> None:
    await desk.files.put(f"certificates/{row.id}/{'0' * 64}.pdf", b"%PDF-")


async def leave_nobodys(desk: Desk, _case_id: str, _row: Certificate) -> None:
    await desk.files.put(f"certificates/{'0' * 32}/{'0' * 64}.pdf", b"%PDF-")


async def remove_material(desk: Desk, _case_id: str, _row: Certificate) -> None:
    for name in await desk.files.names("materials"):
        await desk.files.remove(name)


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (change_certificate, "certificate.altered"),
        (change_certificate, "signature.wrong"),
        (remove_certificate, "certificate.lost"),
        (leave_a_stray, "file.stray"),
        (leave_nobodys, "file.stray"),
        (remove_material, "material.lost"),
    ],
)
async def test_whatever_is_spoiled_on_disk_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path, tamper: Tamper, code: str
) -> None:
    case_id, row = await settled(desk)
    await tamper(desk, case_id, row)
    assert code in await audit(desk, sqlite_url, tmp_path)


async def test_another_secret_opens_nothing(desk: Desk, sqlite_url: str, tmp_path: Path) -> None:
    await settled(desk)
    assert "case.locked" in await audit(desk, sqlite_url, tmp_path, Vault(b"x" * 32))


async def test_a_stale_trust_list_is_named_and_not_taken_for_a_forgery(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    await settled(desk)
    async with copied(sqlite_url, tmp_path) as copy:
        late = desk.units.clock() + timedelta(days=8)
        walk = Audit(copy, desk.files, desk.vault, desk.drawing, late)
        assert {fault.code for fault in await walk.walk()} == {"trust.stale"}


async def test_the_walk_reads_a_copy_and_holds_nobody_up(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    await settled(desk)
    async with copied(sqlite_url, tmp_path) as copy, copy.reading() as session:
        await session.execute(text("SELECT * FROM case_event"))
        await desk.open_case()
