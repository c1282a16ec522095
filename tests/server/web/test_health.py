from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.web.health import add_health


@pytest.mark.parametrize(
    ("database", "signer", "status"), [(True, True, 200), (True, False, 200), (False, True, 503)]
)
async def test_what_answers_is_named_and_without_the_signer_the_service_is_ready_all_the_same(
    *, database: bool, signer: bool, status: int
) -> None:
    async def ready() -> dict[str, bool]:
        return {"database": database, "signer": signer}

    app = web.Application()
    add_health(app, ready, spared=frozenset({"signer"}))
    async with TestClient(TestServer(app)) as client, client.get("/readyz") as answer:
        assert answer.status == status
        assert await answer.json() == {"database": database, "signer": signer}
