from __future__ import annotations

import base64
import io
import struct
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from server.access import Actor, Role
from server.cases.rules import CaseState, Origin
from server.certificates.routes import routes as certificate_routes
from server.citizens.routes import routes
from server.texts import NOTICE_VERSION
from server.web.limits import build_admit
from server.web.login import COOKIES, Audience
from tests.support import gmssl
from tests.support.database import SetClock
from tests.support.desk import (
    AGENT,
    APPLICANT,
    CLERK,
    PUBLIC_URL,
    STRANGER,
    Desk,
    screen,
    signature,
)
from tests.support.site import Site, serving
from tests.support.sm2 import sign_all

PHONE = Actor(id="f" * 32, name="办事人", login_id="f" * 32, roles=frozenset({Role.CITIZEN}))


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    """Citizens' routes, with their own logins for screens and phones."""
    staff = {"clerk": CLERK, "agent": AGENT, "stranger": STRANGER}

    async def find(audience: Audience, token: str) -> Actor | None:
        if audience is Audience.DEVICE:
            screens = {"screen": screen(), "other-screen": screen("pingwang-2")}
            return screens.get(token) or await desk.citizens.find_device(token)
        if audience is Audience.CITIZEN:
            return await desk.citizens.find_citizen(token)
        return staff.get(token)

    admit = build_admit()
    table = [
        *routes(
            desk.citizens, desk.views, desk.papers, desk.pictures, desk.files,
            public_url=PUBLIC_URL,
        ),
        *certificate_routes(
            desk.issuing, desk.certificates, desk.verifying, desk.papers, admit,
            refusals=desk.refusals,
        ),
    ]  # fmt: skip
    async with serving(desk.units, routes=table, find=find, admit=admit) as made:
        yield made


async def ask(
    site: Site, method: str, path: str, body: object = None, token: str = "screen"
) -> tuple[int, dict[str, object]]:
    """Ask as the facing screen."""
    status, said = await site.ask(method, path, token, body, audience=Audience.DEVICE)
    if said["error"] is not None:
        return status, said["error"]
    data: dict[str, object] = said["data"]
    return status, data


async def step(site: Site) -> object:
    return (await ask(site, "GET", "/api/facing"))[1]["step"]


def consent(case_id: str, **changed: object) -> dict[str, object]:
    return {
        "case_id": case_id, "notice_version": NOTICE_VERSION, "agreed": True,
        "signature": signature(), **changed,
    }  # fmt: skip


async def test_an_idle_screen_shows_its_place_and_nothing_else(site: Site) -> None:
    status, facing = await ask(site, "GET", "/api/facing")
    assert status == 200
    place = ("counter", "counter_name", "hall_name", "region_name", "step")
    assert {name: facing.pop(name) for name in place} == {
        "counter": "pingwang-1",
        "counter_name": "跨域通办窗口 1",
        "hall_name": "平望镇便民服务中心",
        "region_name": "苏州市吴江区",
        "step": "idle",
    }
    assert set(facing.values()) == {None}


async def test_the_screen_goes_with_the_case(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    assert await step(site) == "idle"
    for kind in ("id-card", "application-form"):
        await desk.file(case_id, kind)
    await desk.move(case_id, CaseState.WAITING)
    assert await step(site) == "waiting"
    await desk.move(case_id, CaseState.IN_CALL)
    desk.calls[case_id] = "9" * 32
    _, facing = await ask(site, "GET", "/api/facing")
    assert (facing["step"], facing["call_id"]) == ("in_call", "9" * 32)
    assert facing["agent"] == {
        "name": AGENT.name, "office": "", "jurisdiction_name": "六安市霍邱县",
    }  # fmt: skip
    await desk.ask_consent(case_id)
    assert await step(site) == "consent"


async def test_the_notice_is_shown_signed_and_filed(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    await desk.ask_consent(case_id)
    _, facing = await ask(site, "GET", "/api/facing")
    notice = facing["notice"]
    assert isinstance(notice, dict)
    assert notice["version"] == NOTICE_VERSION
    assert len(notice["paragraphs"]) > 3
    status, after = await ask(site, "POST", "/api/facing/consent", consent(case_id))
    assert (status, after["step"]) == (200, "idle")
    (given,) = await desk.events(case_id, "consent.given")
    async with desk.units.database.reading() as session:
        case = await desk.reader.read(session, CLERK, case_id)
    (material,) = [one for one in case.materials if one.origin is Origin.SIGNATURE]
    assert (given["material_id"], case.consent.state) == (material.id, "given")
    assert material.media_type == "image/png"


async def test_a_repeated_answer_changes_nothing(desk: Desk, site: Site) -> None:
    case_id = await desk.ready_case()
    before = await desk.log(case_id)
    status, _ = await ask(site, "POST", "/api/facing/consent", consent(case_id))
    assert status == 200
    assert await desk.log(case_id) == before
    # A consent that was given is not taken back by another tap.
    status, refusal = await ask(
        site, "POST", "/api/facing/consent", consent(case_id, agreed=False, signature=None)
    )
    assert (status, refusal["code"]) == (409, "consent.missing")


async def test_a_refusal_is_kept_and_can_be_asked_about_again(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    await desk.ask_consent(case_id)
    no = consent(case_id, agreed=False, signature=None)
    status, _ = await ask(site, "POST", "/api/facing/consent", no)
    assert status == 200
    assert (await desk.log(case_id))[-1] == "consent.refused"
    await desk.ask_consent(case_id)
    status, _ = await ask(site, "POST", "/api/facing/consent", consent(case_id))
    assert status == 200
    assert (await desk.log(case_id))[-1] == "consent.given"


async def test_an_answer_to_an_old_wording_is_stale(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    await desk.ask_consent(case_id)
    status, refusal = await ask(
        site, "POST", "/api/facing/consent", consent(case_id, notice_version="2020-1")
    )
    assert (status, refusal["code"]) == (409, "notice.stale")


async def test_an_answer_nobody_asked_for_is_refused(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    await desk.move(case_id, CaseState.WAITING)
    status, refusal = await ask(site, "POST", "/api/facing/consent", consent(case_id))
    assert (status, refusal["code"]) == (409, "consent.missing")


async def test_a_screen_answers_only_for_the_case_it_shows(desk: Desk, site: Site) -> None:
    case_id = await desk.open_case()
    await desk.ask_consent(case_id)
    for token, asked in (("other-screen", case_id), ("screen", "0" * 32)):
        status, refusal = await ask(
            site, "POST", "/api/facing/consent", consent(asked), token=token
        )
        assert (status, refusal["code"]) == (404, "case.unknown")


def picture(kind: str, width: int, height: int) -> str:
    kept = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(kept, kind)
    return base64.b64encode(kept.getvalue()).decode()


def bomb() -> str:
    """A PNG header that says 60,000 by 60,000 pixels."""
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 60_000, 60_000)
    return base64.b64encode(header + bytes(100)).decode()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "not base64!",
        base64.b64encode(b"\x89PNG").decode(),
        picture("JPEG", 300, 200),
        picture("PNG", 4001, 20),
        picture("PNG", 15, 20),
        bomb(),
        base64.b64encode(base64.b64decode(picture("PNG", 300, 200))[:60]).decode(),
        base64.b64encode(bytes(200_001)).decode(),
    ],
)
async def test_a_signature_that_is_no_honest_png_is_refused(
    desk: Desk, site: Site, bad: str | None
) -> None:
    case_id = await desk.open_case()
    await desk.ask_consent(case_id)
    status, refusal = await ask(
        site, "POST", "/api/facing/consent", consent(case_id, signature=bad)
    )
    assert (status, refusal["code"]) == (422, "signature.unreadable")
    assert (await desk.log(case_id))[-1] == "consent.asked"


async def test_the_certificate_is_on_the_screen_and_goes_when_it_is_revoked(
    desk: Desk, site: Site
) -> None:
    _, row = await desk.certified_case()
    _, facing = await ask(site, "GET", "/api/facing")
    assert facing["step"] == "certificate"
    assert facing["certificate"] == {"id": row.id, "title": row.title, "number": row.number}
    url = site.url("/api/facing/certificate/picture?page=1")
    headers = site.headers("screen", audience=Audience.DEVICE)
    async with site.browser.get(url, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
    await desk.revoke(row.id)
    _, facing = await ask(site, "GET", "/api/facing")
    assert facing["certificate"] is None
    async with site.browser.get(url, headers=headers) as answer:
        assert answer.status == 404


async def test_the_next_citizen_finds_an_idle_screen(
    desk: Desk, site: Site, clock: SetClock
) -> None:
    case_id, _ = await desk.certified_case()
    clock.advance(minutes=15)
    assert await step(site) == "idle"
    status, refusal = await ask(site, "POST", "/api/facing/pickup-link", {})
    assert (status, refusal["code"]) == (404, "case.unknown")
    status, refusal = await ask(
        site, "POST", "/api/facing/rating", {"case_id": case_id, "level": 1, "remark": ""}
    )
    assert (status, refusal["code"]) == (404, "case.unknown")


@pytest.mark.parametrize("kind", ["recording.viewed", "recording.purged"])
async def test_what_the_citizen_does_not_see_brings_no_old_case_back(
    desk: Desk, site: Site, clock: SetClock, kind: str
) -> None:
    case_id, _ = await desk.certified_case()
    clock.advance(minutes=15)
    assert await step(site) == "idle"
    await desk.note(case_id, kind)
    assert await step(site) == "idle"
    await desk.note(case_id, "certificate.verified", CLERK)
    assert await step(site) == "certificate"


async def test_what_the_jurisdiction_does_after_the_call_shows_nobody_else_the_case(
    desk: Desk, site: Site, clock: SetClock
) -> None:
    earlier = await desk.open_case()
    for kind in ("certificate.verified",) * 30 + ("call.ended",):
        await desk.note(earlier, kind)
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    await desk.note(case_id, "call.ended")
    clock.advance(minutes=14)
    assert await step(site) == "done"
    clock.advance(minutes=1)
    assert await step(site) == "idle"
    await desk.note(case_id, "certificate.superseded", AGENT)
    await desk.note(case_id, "rating.given", PHONE)
    assert await step(site) == "idle"


async def test_the_next_citizen_does_not_read_the_last_ones_certificate(
    desk: Desk, site: Site, clock: SetClock
) -> None:
    await desk.certified_case()
    assert await step(site) == "certificate"
    clock.advance(seconds=30)
    await desk.open_case()
    assert await step(site) == "idle"


async def test_the_screen_rates_once(desk: Desk, site: Site) -> None:
    case_id, _ = await desk.certified_case()
    body = {"case_id": case_id, "level": 5, "remark": "很快"}
    status, facing = await ask(site, "POST", "/api/facing/rating", body)
    assert (status, facing["rating"]) == (200, 5)
    status, refusal = await ask(site, "POST", "/api/facing/rating", body)
    assert (status, refusal["code"]) == (409, "rating.given")


async def test_from_link_to_phone_over_http(desk: Desk, site: Site) -> None:
    case_id, row = await desk.certified_case()
    status, said = await site.ask(
        "POST", f"/api/cases/{case_id}/pickup-links", "agent", {}, key="link-key-1"
    )
    link = said["data"]
    assert (status, link["qr"][:19]) == (200, "data:image/svg+xml;")
    address, _, token = link["url"].partition("#")
    assert address == f"{PUBLIC_URL}/c"
    # A link scanner opens the page: that takes nothing away, for the token is in the fragment.
    async with site.browser.get(site.url("/api/citizen/login")) as answer:
        assert answer.status == 405
    cookie = await sign_in(site, token)
    status, said = await site.ask(
        "POST", "/api/citizen/login", json={"token": token}, audience=Audience.CITIZEN
    )
    assert (status, said["error"]["code"]) == (404, "pickup.unknown")
    citizen = Audience.CITIZEN
    status, said = await site.ask("GET", "/api/citizen/case", cookie, audience=citizen)
    assert said["data"]["certificates"][0]["number"] == row.number
    where = f"/api/citizen/certificates/{row.id}"
    headers = site.headers(cookie, audience=citizen)
    async with site.browser.get(site.url(where + "/file"), headers=headers) as answer:
        assert await answer.read() == await desk.papers.content(row)
    status, said = await site.ask("GET", where + "/sm2-signature", cookie, audience=citizen)
    assert (status, said["error"]["code"]) == (404, "detached_signature.unknown")
    assert await sign_all(desk) == 1
    async with site.browser.get(site.url(where + "/sm2-signature"), headers=headers) as answer:
        assert gmssl.finds_good(await desk.papers.content(row), await answer.read())
    _, said = await site.ask("GET", "/api/citizen/case", cookie, audience=citizen)
    assert said["data"]["certificates"][0]["sm2_signed_at"] is not None
    async with site.browser.get(site.url(where + "/picture?page=1"), headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
    status, said = await site.ask(
        "POST", "/api/citizen/rating", cookie, {"level": 2, "remark": ""}, audience=citizen
    )
    assert (status, said["data"]) == (200, {"level": 2})
    for value in APPLICANT.values():
        assert value not in str(said) + str(link)


async def sign_in(site: Site, token: str) -> str:
    """Use a link up over HTTP; return the cookie's value."""
    async with site.browser.post(
        site.url("/api/citizen/login"), headers=site.headers(), json={"token": token}
    ) as answer:
        assert answer.status == 200
        morsel = answer.cookies[COOKIES[Audience.CITIZEN]]
        assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "Strict")
        return morsel.value


async def test_pairing_over_http(site: Site) -> None:
    _, offered = await ask(site, "POST", "/api/facing/pairings", {}, token="nobody")
    body = {"token": offered["token"]}
    _, said = await ask(site, "POST", "/api/facing/pairings/claim", body, token="nobody")
    assert said == {"paired": False}
    status, answered = await site.ask(
        "POST", "/api/counter/pairing", "clerk", {"code": offered["code"]}
    )
    assert (status, answered["data"]) == (200, {"counter": "pingwang-1"})
    async with site.browser.post(
        site.url("/api/facing/pairings/claim"), headers=site.headers(), json=body
    ) as answer:
        assert (await answer.json())["data"] == {"paired": True}
        cookie = answer.cookies[COOKIES[Audience.DEVICE]].value
    status, facing = await ask(site, "GET", "/api/facing", token=cookie)
    assert (status, facing["counter"]) == (200, "pingwang-1")


async def test_only_its_own_cookie_counts_on_each_page(desk: Desk, site: Site) -> None:
    await desk.certified_case()
    for path in ("/api/facing", "/api/citizen/case"):
        status, said = await site.ask("GET", path, "clerk")
        assert (status, said["error"]["code"]) == (401, "login.missing")
    status, said = await site.ask(
        "POST", "/api/counter/pairing", "screen", {"code": "000000"}, audience=Audience.DEVICE
    )
    assert (status, said["error"]["code"]) == (401, "login.missing")
