"""What the whole API tells who has not signed in: whoever is named in it, nobody learns it here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from docs_gen.imageseal import picture_file
from server.app import all_routes, build_house
from server.certificates.models import Certificate
from server.errors import CODES
from server.web.http import Route
from server.web.limits import build_admit
from tests.support.database import url_of
from tests.support.desk import CLERK, SECRET, Desk
from tests.support.guessing import JSON, SECRETS
from tests.support.seals import PICTURED, seal_png
from tests.support.service import demo_settings, free_port
from tests.support.site import Logins, Site, serving

ISSUER, YEAR = 6, "2026"
_PLACE = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


@dataclass
class Public:
    """The whole API with one certificate behind it, and all that it has answered."""

    site: Site
    desk: Desk
    row: Certificate
    routes: list[Route[Any]]
    answered: list[str]
    raw: list[bytes] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Ask as a page would that nobody has signed in on."""
        if isinstance(body, bytes):
            content, kind = body, {"Content-Type": "application/pdf"}
        else:
            content, kind = json.dumps(body).encode(), JSON
        async with self.site.browser.request(
            method, self.site.url(path), headers={**self.site.headers(), **kind},
            data=content if method != "GET" else None,
        ) as answer:  # fmt: skip
            raw = await answer.read()
            self.raw.append(raw)
            said = json.dumps(dict(answer.headers), ensure_ascii=False)
            self.answered.append(said + raw.decode("utf-8", "replace"))
            whole = answer.content_type == "application/json"
            return answer.status, json.loads(raw) if whole else {}

    def path(self, route: Route[Any]) -> str:
        """Return a path of a route by which what there is would be found."""
        known = {
            "case_id": self.row.case_id, "certificate_id": self.row.id, "name": "balance",
            "number": "1", "year": YEAR, "issuer_code": self.row.number.split(".")[ISSUER],
        }  # fmt: skip
        return _PLACE.sub(lambda found: known.get(found[1], self.row.id), route.path)

    @property
    def told(self) -> list[str]:
        """The values of somebody's that any answer held."""
        return [secret for secret in SECRETS if any(secret in one for one in self.answered)]


@pytest.fixture
async def public(desk: Desk, sqlite_path: Path, tmp_path: Path) -> AsyncIterator[Public]:
    async with opened(desk, sqlite_path, tmp_path) as made:
        yield made


@pytest.fixture
async def public_with_picture(
    pictured_desk: Desk, sqlite_path: Path, tmp_path: Path
) -> AsyncIterator[Public]:
    """The same where the certificate's seal is a picture."""
    async with opened(pictured_desk, sqlite_path, tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(desk: Desk, sqlite_path: Path, tmp_path: Path) -> AsyncIterator[Public]:
    data = tmp_path / "data"
    data.mkdir()
    settings = demo_settings(
        data, free_port(), KUAYU_SECRET=base64.b64encode(SECRET).decode(),
        KUAYU_DATABASE_URL=url_of(sqlite_path),
    )  # fmt: skip
    built = build_house(settings, desk.units.clock)
    evidence = replace(built.evidence, statuses=desk.statuses)
    house = replace(built, verifying=desk.verifying, evidence=evidence, papers=desk.papers)
    routes, admit = all_routes(house), build_admit()
    _, row = await desk.certified_case()
    async with serving(house.units, routes=routes, find=Logins().find, admit=admit) as site:
        yield Public(site, desk, row, routes, [])
    await built.close()


async def test_who_has_not_signed_in_learns_nobodys_number_phone_or_name_by_any_route(
    public: Public,
) -> None:
    for route in public.routes:
        for body in ({}, {"name": SECRETS[0]}, None):
            status, said = await public.ask(route.method, public.path(route), body)
            assert status < 500, route.path
            if said.get("error"):
                assert CODES[said["error"]["code"]] == status
    # What was asked is not repeated either.
    assert public.told == []


async def test_what_the_verify_page_and_the_status_lists_say_names_nobody(public: Public) -> None:
    row, desk = public.row, public.desk
    content = await desk.papers.content(row)
    right = {"number": row.number, "check_code": row.check_code}
    for path, body, verdict in (
        ("/api/verify", right, "genuine"),
        ("/api/verify/qr", {"number": row.number, "token": row.qr_token}, "genuine"),
        ("/api/verify/file", content, "genuine"),
        ("/api/verify", {**right, "check_code": "2222222222"}, "unknown"),
        ("/api/verify/file", content[:-1] + b" ", "altered"),
    ):
        _, said = await public.ask("POST", path, body)
        assert said["data"]["verdict"] == verdict
    issuer = row.number.split(".")[ISSUER]
    status, _ = await public.ask("GET", f"/api/status-lists/{issuer}/{YEAR}")
    assert status == 200
    assert public.told == []


async def test_a_used_or_wrong_link_and_a_screens_pairing_name_nobody(public: Public) -> None:
    desk, case_id = public.desk, public.row.case_id
    async with desk.units.open() as unit:
        link = await desk.citizens.mint_link(unit, CLERK, case_id)
    token = desk.citizens.token_of(link.id)
    async with desk.units.open() as unit:
        await desk.citizens.sign_in(unit, token)
    for said in ({"token": token}, {"token": token[::-1]}):
        status, _ = await public.ask("POST", "/api/citizen/login", said)
        assert 400 <= status < 500
    _, offered = await public.ask("POST", "/api/facing/pairings", {})
    await public.ask("POST", "/api/facing/pairings/claim", {"token": offered["data"]["token"]})
    login = {"name": CLERK.name, "password": "wrong"}
    assert (await public.ask("POST", "/api/login", login))[0] in {401, 422}
    assert public.told == []


async def test_no_route_gives_the_picture_of_a_seal(public_with_picture: Public) -> None:
    public = public_with_picture
    picture = picture_file(public.desk.seals.folder, PICTURED)
    canaries = pieces(picture.read_bytes()) + pieces(seal_png())
    for route in public.routes:
        await public.ask(route.method, public.path(route), None)
    content = await public.desk.papers.content(public.row)
    _, said = await public.ask("POST", "/api/verify/file", content)
    assert said["data"]["verdict"] == "genuine"
    assert [one for one in canaries for raw in public.raw if one in raw] == []


def pieces(content: bytes) -> list[bytes]:
    """Pieces of a file all through it, as they are and as base64 has them."""
    places = range(64, len(content) - 96, 3 * 512)
    return [
        piece
        for at in places
        for piece in (content[at : at + 24], base64.b64encode(content[at : at + 48])[4:28])
    ]


async def test_a_clerk_who_signs_in_would_read_them(public: Public) -> None:
    """What is searched for is there to be found."""
    desk = public.desk
    async with desk.units.database.reading() as session:
        shown = await desk.reader.values(session, await desk.case(public.row.case_id))
    public.answered.append(str(shown))
    assert set(public.told) >= {SECRETS[0], SECRETS[1]}
