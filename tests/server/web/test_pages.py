from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.web.middleware import build
from server.web.pages import NAMED, add_pages

Client = TestClient[web.Request, web.Application]


async def nobody(_audience: object, _token: str) -> None:
    return None


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<html>")
    (tmp_path / "assets" / "index-1a2b3c4d.js").write_text("1")
    for name in NAMED:
        (tmp_path / name).write_text(name)
    app = web.Application(middlewares=build(origins=(), proxies=(), find=nobody, https=False))
    add_pages(app, tmp_path)
    async with TestClient(TestServer(app)) as opened:
        yield opened


def kept(answer: aiohttp.ClientResponse) -> str:
    return answer.headers["Cache-Control"]


async def test_what_keeps_its_name_is_asked_for_again_and_what_is_named_by_its_hash_is_not(
    client: Client,
) -> None:
    for path in ("/verify", "/v/1.2.156", *(f"/{name}" for name in NAMED)):
        async with client.get(path) as answer:
            assert (answer.status, kept(answer)) == (200, "no-cache"), path
    async with client.get("/assets/index-1a2b3c4d.js") as answer:
        assert "immutable" in kept(answer)


async def test_the_worker_and_the_manifest_are_told_as_what_they_are(client: Client) -> None:
    for name, kind in (
        ("verify-worker.js", "text/javascript"),
        ("verify.webmanifest", "application/manifest+json"),
    ):
        async with client.get(f"/{name}") as answer:
            assert answer.content_type == kind
            assert await answer.text() == name
            # Nothing lets the worker have more of the site than it asks for.
            assert "Service-Worker-Allowed" not in answer.headers


async def test_a_part_that_was_not_built_is_no_page(client: Client, tmp_path: Path) -> None:
    (tmp_path / "verify-worker.js").unlink()
    async with client.get("/verify-worker.js") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "route.unknown"


async def test_who_follows_a_wrong_address_gets_a_page_and_a_program_gets_a_refusal(
    client: Client,
) -> None:
    for path in ("/nothing", "/verify/", "/v", "/register/old/1"):
        async with client.get(path, headers={"Accept": "text/html,*/*;q=0.8"}) as answer:
            assert (answer.status, answer.content_type) == (404, "text/html"), path
            assert await answer.text() == "<html>"
        async with client.get(path) as answer:
            assert (await answer.json())["error"]["code"] == "route.unknown"
    for path in ("/api/nothing", "/assets/nothing.js"):
        async with client.get(path, headers={"Accept": "text/html"}) as answer:
            assert (await answer.json())["error"]["code"] == "route.unknown", path
