from __future__ import annotations

import pytest

from server.certificates.models import Certificate
from tests.support.desk import Desk
from tests.support.guessing import judge_guesses, verify_page

UNLIMITED, LIMITED = 1_500, 3_500


@pytest.fixture
async def known(desk: Desk) -> list[Certificate]:
    return [(await desk.certified_case())[1] for _ in range(3)]


async def test_guesses_find_nothing_though_nothing_limits_them(
    desk: Desk, known: list[Certificate]
) -> None:
    async with verify_page(desk, limited=False) as site:
        found = await judge_guesses(site, known, range(UNLIMITED))
    assert found.total() == UNLIMITED
    assert found["unknown"] > UNLIMITED // 2
    assert "rate.exceeded" not in found


async def test_who_guesses_by_many_addresses_meets_the_limit_of_the_number(
    desk: Desk, known: list[Certificate]
) -> None:
    async with verify_page(desk, limited=True) as site:
        found = await judge_guesses(site, known, range(LIMITED))
        row = known[0]
        said = {"number": row.number, "check_code": row.check_code}
        status, refused = await site.ask("POST", "/api/verify", json=said)
    assert found.total() == LIMITED
    assert found["rate.exceeded"] > LIMITED // 10
    assert (status, refused["error"]["code"]) == (429, "rate.exceeded")


async def test_what_the_paper_says_is_found(desk: Desk, known: list[Certificate]) -> None:
    row = known[0]
    async with verify_page(desk, limited=True) as site:
        for path, said in (
            ("/api/verify", {"check_code": row.check_code}),
            ("/api/verify/qr", {"token": row.qr_token}),
        ):
            _, answer = await site.ask("POST", path, json={"number": row.number, **said})
            assert answer["data"]["verdict"] == "genuine"
