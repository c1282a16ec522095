from __future__ import annotations

import hashlib

from server.certificates.rules import CertificateState
from tests.support.desk import Desk


async def test_a_ready_case_gets_its_certificate(desk: Desk) -> None:
    case_id = await desk.ready_case()
    row = await desk.issue(case_id)
    assert row.state is CertificateState.VALID
    assert row.number.startswith(
        "1.2.156.3005.2.11100000MB0000011X001.11341522MB0000001T.20260000001"
    )
    content = await desk.papers.content(row)
    assert hashlib.sha256(content).hexdigest() == row.sha256
    assert (await desk.case(case_id)).state == "certified"
