from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from server.certificates.rules import CertificateState
from server.register.rules import Standing, begin_of, end_of, standing_of

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("state", "valid_until", "expected"),
    [
        (CertificateState.VALID, None, Standing.VALID),
        (CertificateState.VALID, TODAY, Standing.VALID),
        (CertificateState.VALID, date(2026, 11, 21), Standing.EXPIRED),
        (CertificateState.REVOKED, date(2026, 11, 21), Standing.REVOKED),
        (CertificateState.SUPERSEDED, TODAY, Standing.SUPERSEDED),
    ],
)
def test_a_certificate_counts_through_its_last_day(
    state: CertificateState, valid_until: date | None, expected: Standing
) -> None:
    assert standing_of(state, valid_until, TODAY) is expected


def test_a_day_is_a_day_in_china() -> None:
    assert begin_of(TODAY) == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert end_of(TODAY) == datetime(2026, 11, 22, 16, tzinfo=UTC)
