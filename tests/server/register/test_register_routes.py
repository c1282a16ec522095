from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator

import pytest

from server.certificates.papers import file_name
from server.certificates.statuses import Statuses
from server.register.evidence import Evidence
from server.register.routes import routes
from server.register.service import Register
from server.web.login import Audience
from tests.support.desk import AGENT, APPLICANT, CLERK, SUPERVISOR, Desk
from tests.support.site import Logins, Site, serving

REASON = {"reason": "法院调取"}


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    logins = Logins()
    for name, actor in (("clerk", CLERK), ("agent", AGENT), ("boss", SUPERVISOR)):
        logins.actors[Audience.STAFF, name] = actor
    register = Register(desk.reader, desk.certificates, desk.drawing.forms)
    statuses = Statuses(desk.units, desk.signer)
    evidence = Evidence(register, statuses, desk.seals.folder / "trust.json")
    table = routes(evidence, desk.papers)
    async with serving(desk.units, routes=table, find=logins.find) as opened:
        yield opened


async def fetch(site: Site, path: str, token: str) -> tuple[int, dict[str, str], bytes]:
    async with site.browser.post(
        site.url(path), headers=site.headers(token), json=REASON
    ) as answer:
        return answer.status, dict(answer.headers), await answer.read()


def code_of(content: bytes) -> str:
    return str(json.loads(content)["error"]["code"])


async def test_a_search_says_nothing_in_its_address(desk: Desk, site: Site) -> None:
    _, row = await desk.certified_case()
    wanted = {"id_number": APPLICANT["id_number"], "issued_from": "2026-11-22"}
    status, said = await site.ask("POST", "/api/register/searches", "agent", wanted)
    assert (status, [line["number"] for line in said["data"]["lines"]]) == (200, [row.number])
    for wrong in ({"issued_to": "9999-12-31"}, {"after": {"issued_at": "1-1-1", "id": row.id}}):
        status, said = await site.ask("POST", "/api/register/searches", "agent", wrong)
        assert (status, said["error"]["code"]) == (422, "body.invalid")
    status, said = await site.ask("POST", "/api/register/searches", "clerk", {})
    assert (status, said["error"]["code"]) == (403, "action.forbidden")


async def test_a_copy_is_the_released_file_and_counted_each_time(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    path = f"/api/register/certificates/{row.id}"
    for number in (1, 2):
        status, headers, content = await fetch(site, f"{path}/copies", "agent")
        assert (status, content) == (200, await desk.papers.content(row))
        assert headers["Content-Disposition"].endswith(f"-{number}.pdf")
    status, said = await site.ask("GET", path, "boss")
    assert [(one["number"], one["reason"]) for one in said["data"]["copies"]] == [
        (1, "法院调取"), (2, "法院调取"),
    ]  # fmt: skip
    assert (await desk.log(case_id))[-2:] == ["certificate.copied"] * 2


async def test_a_file_that_is_not_the_released_one_leaves_nobody(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    assert row.sha256 is not None
    name = file_name(row.id, row.sha256)
    await desk.files.remove(name)
    for change in (None, b"%PDF-1.7 another"):
        if change is not None:
            await desk.files.put(name, change)
        for what in ("copies", "evidence"):
            path = f"/api/register/certificates/{row.id}/{what}"
            status, _, content = await fetch(site, path, "boss")
            assert (status, code_of(content)) == (409, "certificate.altered")
    assert (await desk.log(case_id))[-1] == "certificate.issued"


async def test_the_evidence_is_logged_before_it_leaves_and_holds_that_too(
    desk: Desk, site: Site
) -> None:
    case_id, row = await desk.certified_case()
    path = f"/api/register/certificates/{row.id}/evidence"
    status, _, content = await fetch(site, path, "agent")
    assert (status, code_of(content)) == (403, "action.forbidden")
    status, headers, content = await fetch(site, path, "boss")
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        log = [json.loads(line) for line in archive.read("log.jsonl").decode().splitlines()]
        manifest = json.loads(archive.read("evidence.json"))
        rest = [
            archive.read(name).decode(errors="replace")
            for name in archive.namelist()
            if name[-4:] != ".pdf"
        ]
    assert log[-1]["kind"] == "evidence.exported"
    assert log[-1]["hash"] == manifest["log"]["head_hash"] == (await desk.case(case_id)).head_hash
    assert manifest["made_for"]["reason"] == "法院调取"
    for value in APPLICANT.values():
        assert not any(value in text for text in rest), "the PDF alone says who it is"
