from __future__ import annotations

import pytest

from docs_gen.verifying import Verdict
from tests.support.tampering import ATTACKS, FALSE, Wares, judge_altered, make_wares

PORTION = 250


@pytest.fixture(scope="session")
def wares(tmp_path_factory: pytest.TempPathFactory) -> Wares:
    return make_wares(tmp_path_factory.mktemp("wares"))


def test_what_is_altered_was_genuine(wares: Wares) -> None:
    assert {wares.office.judge(one).verdict for one in wares.ours} == {Verdict.GENUINE}


@pytest.mark.parametrize("begin", range(0, 4 * PORTION, PORTION))
def test_of_a_thousand_altered_certificates_none_is_genuine(begin: int, wares: Wares) -> None:
    found = judge_altered(wares, range(begin, begin + PORTION))
    assert found.total() == PORTION
    assert {name.rpartition(": ")[0] for name in found} == {*ATTACKS, FALSE}
