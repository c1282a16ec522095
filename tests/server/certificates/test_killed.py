from __future__ import annotations

from pathlib import Path

import pytest

from server.certificates.rules import CertificateState
from server.supervision.audit import Fault
from tests.support import issue_and_stop
from tests.support.desk import Desk
from tests.support.killing import faults, kill_service


@pytest.mark.parametrize("step", issue_and_stop.STEPS)
async def test_killed_at_any_step_the_retry_gives_the_one_certificate(
    desk: Desk, sqlite_url: str, tmp_path: Path, step: str
) -> None:
    case_id = await desk.ready_case()
    await kill_service(desk, sqlite_url, case_id, step)
    # As the service does at its start.
    desk.files.sweep()
    before = [fault for fault in await faults(desk, sqlite_url, tmp_path) if _matters(fault)]
    assert before == []
    row = await desk.issue(case_id, f"key-{case_id}")
    again = await desk.issue(case_id, f"key-{case_id}")
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
    await kill_service(desk, sqlite_url, case_id, "kept")
    (drawn,) = await desk.files.names("certificates")
    row = await desk.issue(case_id, f"key-{case_id}")
    assert drawn == f"certificates/{row.id}/{row.sha256}.pdf"


def _matters(fault: Fault) -> bool:
    """The test's case is in a call that it never opened; everything else must fit."""
    return fault.code != "seat.mismatched"
