"""Commands per second on SQLite, beside the bare floor: the same transaction without our code.

Both write the same rows in one transaction each, with the same journal and durability; the floor
is the driver alone. The ratio is what rights, checks, encryption, the hash chain and the ORM cost.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from server.access import Actor
from server.cases import messages as wire
from server.demo import PASSWORD
from server.lifetime import set_up_logs
from tests.support.service import Service, demonstration

APPLICANT = {"name": "张三丰", "id_number": "341522199001010004", "phone": "13800000000"}


async def ours(service: Service, count: int) -> float:
    """Return field edits per second through the service's own verb, one unit each."""
    house = service.house
    token, _ = await house.staff.sign_in("wujiang-counter", PASSWORD)
    actor = await house.staff.find_actor(token)
    if not isinstance(actor, Actor):
        raise TypeError("nobody signed in")
    order = wire.CaseOrder(
        item_code="pension-lump-sum",
        jurisdiction="341522",
        applicant=wire.ApplicantGiven(**APPLICANT),
    )
    async with house.units.open() as unit:
        case = await house.cases.open_case(unit, actor, order)
    began = time.perf_counter()
    for version in range(count):
        edit = wire.FieldEdit(value=f"6222{version:015d}", version=version)
        async with house.units.open() as unit:
            await house.cases.edit_field(unit, actor, case.id, "bank_account", edit)
    return count / (time.perf_counter() - began)


def floor(path: Path, count: int) -> float:
    """Return the same writes per second by the driver alone, prepared and without any check."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("busy_timeout=5000", "foreign_keys=ON", "synchronous=EXTRA"):
            connection.execute(f"PRAGMA {pragma}")
        case = connection.execute("SELECT id, seq FROM case_record").fetchone()
        sealed = "x" * 64
        data = json.dumps({"name": "bank_account", "version": 1, "sealed": "x" * 120})
        began = time.perf_counter()
        for i in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE case_record SET seq = seq + 1 WHERE id = ?", (case[0],))
            connection.execute(
                "UPDATE case_field SET sealed = ?, version = version + 1 WHERE case_id = ?",
                (sealed, case[0]),
            )
            connection.execute(
                "INSERT INTO case_event (case_id, seq, at, actor, kind, data, prev_hash, hash)"
                " VALUES (?, ?, '2026-11-22 04:00:00.000000', '{}', 'field.changed', ?, '', '')",
                (case[0], case[1] + i + 1, data),
            )
            connection.execute("COMMIT")
        return count / (time.perf_counter() - began)


async def measure(count: int) -> tuple[float, float]:
    """Return our rate and the floor's, on one database."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with demonstration(data) as service:
            rate = await ours(service, count)
        return rate, await asyncio.to_thread(floor, data / "kuayu.db", count)


def main(count: int = 300) -> None:
    """Print both rates and their ratio."""
    set_up_logs(quiet=True)
    rate, bare = asyncio.run(measure(count))
    print(f"commands on SQLite, {count} field edits, one transaction each")
    print(f"{'ours':<30}{rate:>10.0f} /s")
    print(f"{'floor (driver alone)':<30}{bare:>10.0f} /s")
    print(f"{'ours / floor':<30}{rate / bare:>10.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
