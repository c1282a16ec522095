from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.certificates import revocation_routes
from server.certificates.routes import routes
from server.errors import ServiceError
from server.web.limits import build_admit
from server.web.login import Audience
from tests.support import gmssl
from tests.support.desk import AGENT, APPLICANT, CLERK, KIND, STRANGER, SUPERVISOR, Desk
from tests.support.site import Logins, Site, serving
from tests.support.sm2 import sign_all


@asynccontextmanager
async def site_of(desk: Desk) -> AsyncIterator[Site]:
    logins, admit = Logins(), build_admit()
    for name, actor in (
        ("clerk", CLERK), ("agent", AGENT), ("stranger", STRANGER), ("boss", SUPERVISOR),
    ):  # fmt: skip
        logins.actors[Audience.STAFF, name] = actor
    table = routes(
        desk.issuing, desk.certificates, desk.verifying, desk.papers, admit, refusals=desk.refusals
    )
    table += revocation_routes.routes(desk.revoking)
    async with serving(desk.units, routes=table, find=logins.find, admit=admit) as site:
        yield site


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    async with site_of(desk) as made:
        yield made


async def fetch(site: Site, path: str, token: str) -> tuple[int, dict[str, str], bytes]:
    async with site.browser.get(site.url(path), headers=site.headers(token)) as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def send_file(site: Site, content: bytes, kind: str = "application/pdf") -> dict[str, object]:
    headers = {**site.headers(), "Content-Type": kind}
    async with site.browser.post(
        site.url("/api/verify/file"), headers=headers, data=content
    ) as answer:
        said: dict[str, object] = await answer.json()
        return said


async def test_a_repeated_command_to_issue_is_answered_alike(desk: Desk, site: Site) -> None:
    case_id = await desk.ready_case()
    path = f"/api/cases/{case_id}/certificates"
    status, said = await site.ask("POST", path, "agent", {"kind": KIND}, key="issue-key-1")
    assert (status, said["error"]) == (200, None)
    made = said["data"]
    assert (made["state"], made["issued_by"]) == ("valid", AGENT.name)
    assert made["verify_url"].startswith(f"http://kuayu.test/v/{made['number']}#")
    status, again = await site.ask("POST", path, "agent", {"kind": KIND}, key="issue-key-1")
    assert (status, again["data"]) == (200, made)
    status, said = await site.ask("POST", path, "agent", {"kind": "other"}, key="issue-key-1")
    assert (status, said["error"]["code"]) == (409, "idempotency_key.reused")


async def test_the_counter_downloads_and_checks_the_file(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    status, headers, content = await fetch(site, f"/api/certificates/{row.id}/file", "clerk")
    assert (status, content[:5]) == (200, b"%PDF-")
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, said = await site.ask("POST", f"/api/certificates/{row.id}/verification", "clerk", {})
    assert (status, said["data"]["verdict"]) == (200, "genuine")
    assert (await desk.events(case_id, "certificate.verified"))[0]["verdict"] == "genuine"
    assert (await send_file(site, content))["data"]["verdict"] == "genuine"  # type: ignore[index]


async def test_both_sides_download_the_sm2_signature_once_there_is_one(
    desk: Desk, site: Site
) -> None:
    case_id, row = await desk.certified_case()
    where, listed = (
        f"/api/certificates/{row.id}/sm2-signature",
        f"/api/cases/{case_id}/certificates",
    )
    status, said = await site.ask("GET", where, "clerk")
    assert (status, said["error"]["code"]) == (404, "detached_signature.unknown")
    _, before = await site.ask("GET", listed, "clerk")
    assert before["data"]["certificates"][0]["sm2_signed_at"] is None
    assert await sign_all(desk) == 1
    _, after = await site.ask("GET", listed, "clerk")
    assert after["data"]["certificates"][0]["sm2_signed_at"].startswith("2026-11-22T04:00:00")
    for token in ("clerk", "agent", "boss"):
        status, headers, content = await fetch(site, where, token)
        assert (status, headers["Content-Type"]) == (200, "application/pkcs7-signature")
        assert gmssl.finds_good(await desk.papers.content(row), content)
    assert f"{row.number}.p7s" in headers["Content-Disposition"]


async def test_settling_and_revoking_over_http(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    order = {"certificate_id": row.id, "reference": "YL-1", "remark": ""}
    where = f"/api/cases/{case_id}/settlement"
    status, said = await site.ask("GET", where, "agent")
    assert (status, said["data"]) == (200, None)
    status, settled = await site.ask("POST", where, "clerk", order, key="settle-key-1")
    assert status == 200
    status, repeated = await site.ask("POST", where, "clerk", order, key="settle-key-1")
    assert repeated["data"] == settled["data"]
    status, said = await site.ask("POST", where, "clerk", order, key="settle-key-2")
    assert (status, said["error"]["code"]) == (409, "settlement.exists")
    status, said = await site.ask("GET", f"/api/cases/{case_id}/certificates", "agent")
    assert [one["reference"] for one in said["data"]["certificates"][0]["receipts"]] == ["YL-1"]
    status, said = await site.ask(
        "POST", f"/api/certificates/{row.id}/revocation", "agent", {"reason": "余额有误"}
    )
    assert (status, said["data"]["state"]) == (200, "valid")
    _, waiting = await site.ask("GET", "/api/revocations", "boss")
    (request,) = waiting["data"]["requests"]
    assert request["pending"] == said["data"]["pending_revocation"]
    where = f"/api/revocations/{request['pending']['id']}"
    status, said = await site.ask("POST", f"{where}/approval", "boss", {})
    assert (status, said["data"]["state"]) == (200, "revoked")
    _, told = await site.ask("GET", "/api/recalls", "clerk")
    (recall,) = told["data"]["recalls"]
    assert (recall["number"], recall["reference"]) == (row.number, "YL-1")
    answer = {"outcome": "recovered", "remark": ""}
    where = f"/api/recalls/{recall['id']}/acknowledgement"
    status, done = await site.ask("POST", where, "clerk", answer, key="recall-key-1")
    assert (status, done["data"]["acknowledged_by"]) == (200, CLERK.name)
    status, again = await site.ask("POST", where, "clerk", answer, key="recall-key-1")
    assert (status, again["data"]) == (200, done["data"])


async def test_a_clerk_of_a_third_region_learns_nothing(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    for method, path, body in (
        ("GET", f"/api/cases/{case_id}/certificates", None),
        ("POST", f"/api/cases/{case_id}/certificates", {"kind": KIND}),
        ("POST", f"/api/cases/{case_id}/certificate-previews", {"kind": KIND}),
        ("GET", f"/api/certificates/{row.id}/file", None),
        ("GET", f"/api/certificates/{row.id}/sm2-signature", None),
        ("POST", f"/api/certificates/{row.id}/verification", {}),
        ("POST", f"/api/certificates/{row.id}/revocation", {"reason": "x"}),
        ("GET", f"/api/cases/{case_id}/settlement", None),
        ("POST", f"/api/cases/{case_id}/settlement", {"reference": "x"}),
    ):
        status, said = await site.ask(method, path, "stranger", body, key="stranger-key")
        unknown = path.replace(case_id, "0" * 32).replace(row.id, "0" * 32)
        _, nothing = await site.ask(method, unknown, "stranger", body, key="stranger-ke2")
        assert status == 404, path
        assert said["error"] == nothing["error"]


async def test_a_supervisor_reads_and_does_not_issue(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    status, _ = await site.ask("GET", f"/api/cases/{case_id}/certificates", "boss")
    assert status == 200
    status, said = await site.ask(
        "POST", f"/api/cases/{case_id}/certificates", "boss", {"kind": KIND}, key="boss-key-1"
    )
    assert (status, said["error"]["code"]) == (403, "action.forbidden")
    status, said = await site.ask(
        "POST", f"/api/certificates/{row.id}/revocation", "boss", {"reason": "x"}
    )
    assert status == 403


async def test_issuing_needs_a_key(desk: Desk, site: Site) -> None:
    case_id = await desk.ready_case()
    status, said = await site.ask(
        "POST", f"/api/cases/{case_id}/certificates", "agent", {"kind": KIND}
    )
    assert (status, said["error"]["code"]) == (400, "idempotency_key.missing")


async def test_a_preview_is_a_pdf(desk: Desk, site: Site) -> None:
    case_id = await desk.ready_case()
    path = site.url(f"/api/cases/{case_id}/certificate-previews")
    async with site.browser.post(
        path, headers=site.headers("agent"), json={"kind": KIND}
    ) as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        assert (await answer.read()).startswith(b"%PDF-")


async def test_anyone_can_verify_and_learns_no_personal_value(desk: Desk, site: Site) -> None:
    _, row = await desk.certified_case()
    said = [
        await site.ask("POST", "/api/verify", json=body)
        for body in (
            {"number": row.number, "check_code": row.check_code},
            {"number": row.number, "check_code": "2222222222"},
            {"number": "1.2.3", "check_code": row.check_code},
        )
    ]
    said.append(
        await site.ask("POST", "/api/verify/qr", json={"number": row.number, "token": row.qr_token})
    )
    assert [status for status, _ in said] == [200] * 4
    right, wrong, unknown, by_qr = [answer["data"] for _, answer in said]
    assert (right["verdict"], by_qr) == ("genuine", right)
    assert (wrong["verdict"], unknown) == ("unknown", wrong)
    for value in APPLICANT.values():
        assert value not in str(said)


async def test_a_dropped_file_of_another_kind_is_refused(site: Site) -> None:
    error = (await send_file(site, b"\xff\xd8\xff", "image/jpeg"))["error"]
    assert isinstance(error, dict)
    assert error["code"] == "material.wrong_type"


@pytest.mark.parametrize("content", [b"%PDF-1.7 nothing", b""])
async def test_a_dropped_file_that_is_none_of_ours_has_nothing_but_a_verdict(
    site: Site, content: bytes
) -> None:
    said = (await send_file(site, content))["data"]
    assert isinstance(said, dict)
    assert said.pop("verdict") == "unreadable"
    assert said.pop("checked_at")
    assert set(said.values()) == {None}


async def test_guessing_at_one_number_from_many_addresses_is_slowed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def admit(rate: str, subject: str) -> None:
        asked.append((rate, subject))
        if len(asked) > 1:
            raise ServiceError("rate.exceeded", seconds=60)

    table = routes(
        desk.issuing, desk.certificates, desk.verifying, desk.papers, admit, refusals=desk.refusals
    )
    async with serving(desk.units, routes=table) as site:
        body = {"number": "1.2.3", "check_code": "x"}
        assert (await site.ask("POST", "/api/verify", json=body))[0] == 200
        assert (await site.ask("POST", "/api/verify", json=body))[0] == 429
    assert asked[0] == ("verify_number", "1.2.3")
