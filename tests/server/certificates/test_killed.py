from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from server.certificates.rules import CertificateState
from server.supervision.audit import Audit, Fault, copied
from tests.support import issue_and_stop
from tests.support.desk import Desk

ROOT = Path(__file__).parents[3]


async def kill_at(desk: Desk, url: str, case_id: str, step: str) -> None:
    """Issue in another process, and kill that with SIGKILL when it stands at a step."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.issue_and_stop",
        url, str(desk.files.folder), str(desk.seals.folder), case_id, step,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    async with asyncio.timeout(60):
        assert (await child.stdout.readline()).decode().strip() == f"at {step}"
        child.send_signal(signal.SIGKILL)
        # The end of the pipe: its workers held it too, and are gone.
        assert await child.stdout.read() == b""
    assert await child.wait() == -signal.SIGKILL


async def faults(desk: Desk, url: str, tmp_path: Path) -> list[Fault]:
    async with copied(url, tmp_path) as copy:
        audit = Audit(copy, desk.files, desk.vault, desk.drawing, desk.units.clock())
        return await audit.walk()


@pytest.mark.parametrize("step", issue_and_stop.STEPS)
async def test_killed_at_any_step_the_retry_gives_the_one_certificate(
    desk: Desk, sqlite_url: str, tmp_path: Path, step: str
) -> None:
    case_id = await desk.ready_case()
    await kill_at(desk, sqlite_url, case_id, step)
    # As the service does at its start.
    desk.files.sweep()
    before = [fault for fault in await faults(desk, sqlite_url, tmp_path) if _matters(fault)]
    assert before == []
    row = await desk.issue(case_id)
    again = await desk.issue(case_id)
    assert row.state is CertificateState.VALID
    assert (again.number, again.sha256) == (row.number, row.sha256)
    assert row.serial == 1
    assert row.attempt == 1
    assert (await desk.log(case_id)).count("certificate.issued") == 1
    assert len(await desk.files.names("certificates")) == 1
    assert await faults(desk, sqlite_url, tmp_path) == []
    assert (await desk.verifying.of_row(row)).verdict == "genuine"


async def test_what_was_drawn_before_the_kill_has_the_bytes_of_what_is_released(
    desk: Desk, sqlite_url: str
) -> None:
    case_id = await desk.ready_case()
    await kill_at(desk, sqlite_url, case_id, "kept")
    (drawn,) = await desk.files.names("certificates")
    row = await desk.issue(case_id)
    assert drawn == f"certificates/{row.id}/{row.sha256}.pdf"


def _matters(fault: Fault) -> bool:
    """The test's case is in a call that it never opened; everything else must fit."""
    return fault.code != "seat.mismatched"
