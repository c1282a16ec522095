from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.db.unit import Units
from server.web import http
from server.web.login import COOKIES, Audience
from server.web.middleware import HEADERS
from tests.support.database import News
from tests.support.site import ORIGIN, Logins, Site, serving
from tests.support.trial import Trial

JSON = "Content-Type: application/json"
FIRM = f"Host: x\nOrigin: {ORIGIN}"


async def send_raw(site: Site, head: str | bytes, body: bytes = b"") -> bytes:
    """Send bytes as they are, and return all that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        lines = head.encode() if isinstance(head, str) else head
        writer.write(lines.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()


def refusal_in(raw: bytes) -> tuple[int, str]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


async def code_of(site: Site, method: str, path: str, **more: Any) -> tuple[int, str | None]:  # noqa: ANN401
    headers = {**site.headers(), **more.pop("headers", {})}
    async with site.browser.request(method, site.url(path), headers=headers, **more) as answer:
        said = await answer.json()
        return answer.status, said["error"] and said["error"]["code"]


# The one answer shape


async def test_an_answer_has_data_no_error_and_the_requests_id(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/echo"), json={"word": "跨域"}, headers=site.headers()
    ) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == {
            "data": {"word": "跨域", "number": 0, "several": [], "anything": {}},
            "error": None,
            "request_id": answer.headers["X-Request-Id"],
        }


async def test_a_refusal_has_code_field_and_details(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/refusal"), json={}, headers=site.headers()
    ) as answer:
        assert answer.status == 409
        assert await answer.json() == {
            "data": None,
            "error": {
                "code": "field.stale",
                "field": "months_paid",
                "details": {"yours": 1, "theirs": 2},
            },
            "request_id": answer.headers["X-Request-Id"],
        }


async def test_two_requests_have_two_ids(site: Site) -> None:
    first = (await site.ask("GET", "/api/nothing"))[1]
    second = (await site.ask("GET", "/api/nothing"))[1]
    assert first["data"] is None
    assert first["error"] is None
    assert first["request_id"] != second["request_id"]


@pytest.mark.parametrize("path", ["/api/unknown", "/unknown", "/api/things/", "/api/things/%00"])
async def test_an_unknown_route_is_refused_in_the_same_shape(site: Site, path: str) -> None:
    assert await code_of(site, "GET", path) == (404, "route.unknown")


async def test_a_wrong_method_is_told_the_right_ones(site: Site) -> None:
    async with site.browser.delete(site.url("/api/echo"), headers=site.headers()) as answer:
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "POST"}
        assert (await answer.json())["error"]["code"] == "method.wrong"


async def test_a_crash_is_logged_in_full_and_told_in_brief(site: Site) -> None:
    with capture_logs() as logs:
        status, said = await site.ask("POST", "/api/crash", json={})
    assert status == 500
    assert said["error"] == {"code": "server.broken", "field": None, "details": {}}
    [crash] = [line for line in logs if line["event"] == "crash"]
    assert crash["request_id"] == said["request_id"]
    assert crash["route"] == "/api/crash"
    assert crash["exc_info"] is True


async def test_every_request_is_logged_without_what_it_says(site: Site) -> None:
    with capture_logs() as logs:
        await site.ask("GET", "/api/things/320509197001010009?word=secret", "clerk")
        await site.ask("POST", "/api/echo", json={"word": "secret", "surplus": "secret"})
    first, second = (line for line in logs if line["event"] == "answered")
    assert (first["method"], first["route"], first["status"]) == ("GET", "/api/things/{thing}", 422)
    assert (second["method"], second["route"], second["status"]) == ("POST", "/api/echo", 422)
    assert first["ms"] >= 0
    # Some of the digits may stand in a request's id or its time by chance.
    told = [{**line, "request_id": "", "ms": 0} for line in logs]
    for secret in ("secret", "3205", "clerk"):
        assert secret not in repr(told)


# Headers and cookies


async def test_every_answer_has_the_protecting_headers(site: Site) -> None:
    for path in ("/api/nothing", "/api/unknown", "/unknown"):
        async with site.browser.get(site.url(path)) as answer:
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert "Strict-Transport-Security" not in answer.headers
    policy = HEADERS["Content-Security-Policy"].split("; ")
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "frame-src 'self' blob:" in policy
    assert "object-src 'none'" in policy
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy


async def test_over_https_browsers_are_told_to_stay_there(units: Units, trial: Trial) -> None:
    async with (
        serving(units, routes=trial.routes(), https=True) as site,
        site.browser.get(site.url("/api/nothing")) as answer,
    ):
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_answers_are_not_kept_by_anyone_on_the_way(site: Site) -> None:
    for path in ("/api/nothing", "/api/unknown", "/api/file"):
        async with site.browser.get(site.url(path)) as answer:
            assert "no-store" in answer.headers["Cache-Control"]


async def test_a_file_is_for_saving_under_its_own_name_and_runs_nothing(site: Site) -> None:
    async with site.browser.get(site.url("/api/file")) as answer:
        assert await answer.read() == b"%PDF-1.7"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename*=UTF-8''%E8%AF%81%E6%98%8E%22%0D%0AX%3A%20y.pdf"
        )
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.content_type == "application/pdf"


async def test_a_logins_cookie_is_secure_strict_and_out_of_scripts_reach(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/citizen/login"), json={}, headers=site.headers()
    ) as answer:
        [line] = answer.headers.getall("Set-Cookie")
    name, *flags = line.split("; ")
    assert name == "__Host-kuayu-citizen=t0ken"
    assert sorted(flags) == ["HttpOnly", "Max-Age=60", "Path=/", "SameSite=Strict", "Secure"]


# Who asks


@pytest.mark.parametrize(
    ("path", "audience", "token"),
    [
        ("/api/who", Audience.STAFF, "clerk"),
        ("/api/facing", Audience.DEVICE, "screen"),
        ("/api/citizen/case", Audience.CITIZEN, "citizen"),
    ],
)
async def test_under_a_path_one_cookie_counts(
    site: Site, path: str, audience: Audience, token: str
) -> None:
    status, said = await site.ask("GET", path, token, audience=audience)
    assert (status, said["data"]["who"]) == (200, f"id-{token}")
    for other in set(COOKIES) - {audience}:
        status, said = await site.ask("GET", path, token, audience=other)
        assert (status, said["error"]["code"]) == (401, "login.missing")


async def test_a_route_for_anyone_knows_nobody(site: Site) -> None:
    status, said = await site.ask("GET", "/api/anyone", "clerk")
    assert (status, said["data"]["who"]) == (200, "nobody")


async def test_a_role_that_no_line_of_the_table_lets_pass_is_refused(site: Site) -> None:
    status, said = await site.ask("POST", "/api/each", "admin", json={"word": "x"})
    assert (status, said["error"]["code"]) == (403, "action.forbidden")


@pytest.mark.parametrize("cookie", [b"\xff\xfe", b"x" * 5000, b"%00", b"a.b", b"clerk\xc3\xa9"])
async def test_a_cookie_that_is_no_token_is_an_ended_login(site: Site, cookie: bytes) -> None:
    head = b"GET /api/who HTTP/1.1\nHost: x\nConnection: close\nCookie: __Host-kuayu=" + cookie
    status, code = refusal_in(await send_raw(site, head))
    assert (status, code) in {(401, "login.expired"), (401, "login.missing")}


async def test_the_callers_address_is_the_nearest_unless_a_proxy_of_ours_tells(
    units: Units, trial: Trial
) -> None:
    told = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for proxies, address in (((), "127.0.0.1"), (("127.0.0.1",), "198.51.100.7")):
        async with (
            serving(units, routes=trial.routes(), proxies=proxies) as site,
            site.browser.get(site.url("/api/anyone"), headers=told) as answer,
        ):
            assert (await answer.json())["data"]["address"] == address


async def test_who_asks_too_often_is_told_when_to_come_again(site: Site) -> None:
    for _ in range(30):
        assert await code_of(site, "POST", "/api/rare", json={}) == (200, None)
    async with site.browser.post(site.url("/api/rare"), json={}, headers=site.headers()) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        assert (await answer.json())["error"]["code"] == "rate.exceeded"


# Origin


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://evil.test",
        "https://kuayu.test",
        "http://kuayu.test:80",
        "http://kuayu.test/",
        "http://kuayu.test.evil.test",
        "http://KUAYU.test",
        "http://kuayu.test, http://evil.test",
    ],
)
async def test_a_change_from_elsewhere_is_refused(
    site: Site, trial: Trial, origin: str | None
) -> None:
    body = {"word": "x"}
    status, said = await site.ask("POST", "/api/each", "clerk", json=body, origin=origin)
    assert (status, said["error"]["code"]) == (403, "origin.foreign")
    assert trial.effects == []


async def test_reading_needs_no_origin(site: Site) -> None:
    assert (await site.ask("GET", "/api/who", "clerk", origin=None))[0] == 200


# Bodies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "word"),
        ({"word": 1}, "word"),
        ({"word": None}, "word"),
        ({"word": "x", "number": "1x"}, "number"),
        ({"word": "x", "number": 1.5}, "number"),
        ({"word": "x", "several": [1]}, "several.0"),
        ({"word": "x", "role": "administrator"}, "role"),
        ({"word": "x", "x" * 5000: 1}, "x" * 100),
        ([], ""),
        ("word", ""),
        (1, ""),
    ],
)
async def test_a_body_of_another_shape_is_refused_at_its_field(
    site: Site, body: object, field: str
) -> None:
    async with site.browser.post(
        site.url("/api/echo"), json=body, headers=site.headers()
    ) as answer:
        said = await answer.json()
    assert (answer.status, said["error"]["code"]) == (422, "body.invalid")
    assert said["error"]["field"] == field
    assert set(said["error"]["details"]) == {"expected"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"word": "x"} x',
        b"{'word': 'x'}",
        b'{"word": "\xff"}',
        b'{"word": "\\ud800"}',
        b'{"word": "a\nb"}',
        b"\xef\xbb\xbf{}",
        b'{"word":' * 100_000,
        b"[" * 100_000,
        '{"word": "x"}'.encode("utf-16"),
        b"word=x",
    ],
)
async def test_a_body_that_is_no_json_is_malformed(site: Site, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert await code_of(site, "POST", "/api/echo", data=body, headers=headers) == (
        400 if len(body) < http.MAX_JSON_BYTES else 413,
        "body.malformed" if len(body) < http.MAX_JSON_BYTES else "body.too_large",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"word": "a\x00b"}, "word"),
        ({"word": "x", "several": ["a", "\x00"]}, "several.1"),
        ({"word": "x", "anything": {"a": [{"b": "\x00"}]}}, "anything.a.0.b"),
        ({"word": "x", "anything": {"\x00": 1}}, "anything"),
    ],
)
async def test_a_nul_is_refused_wherever_it_is(
    site: Site, body: dict[str, object], field: str
) -> None:
    status, said = await site.ask("POST", "/api/echo", json=body)
    assert (status, said["error"]["code"]) == (422, "text.bad_characters")
    assert said["error"]["field"] == field


async def test_text_of_every_plane_comes_through(site: Site) -> None:
    word = "阿卜杜·𠮷\u2028\\u0000😀"
    status, said = await site.ask("POST", "/api/echo", json={"word": word})
    assert (status, said["data"]["word"]) == (200, word)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_of_another_type_is_refused(site: Site, media_type: str) -> None:
    # These are what a foreign page can send without asking.
    headers = {"Content-Type": media_type} if media_type else {}
    assert await code_of(
        site, "POST", "/api/echo", data=b'{"word": "x"}', headers=headers,
        skip_auto_headers=["Content-Type"],
    ) == (400, "body.malformed")  # fmt: skip


async def test_a_packed_body_is_refused(site: Site) -> None:
    body = gzip.compress(b'{"word": "' + b"x" * 10_000_000 + b'"}')
    head = f"POST /api/echo HTTP/1.1\n{FIRM}\n{JSON}\nContent-Encoding: gzip\nConnection: close"
    raw = await send_raw(site, f"{head}\nContent-Length: {len(body)}", body)
    assert refusal_in(raw) == (400, "body.malformed")


async def test_a_body_without_its_length_is_refused(site: Site) -> None:
    head = f"POST /api/echo HTTP/1.1\n{FIRM}\n{JSON}\nConnection: close"
    assert refusal_in(await send_raw(site, head)) == (411, "body.length_missing")


async def test_a_body_in_chunks_is_refused_however_long(site: Site) -> None:
    head = f"POST /api/echo HTTP/1.1\n{FIRM}\n{JSON}\nTransfer-Encoding: chunked"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    assert refusal_in(await send_raw(site, head, chunk)) == (411, "body.length_missing")


@pytest.mark.parametrize(
    ("path", "limit"), [("/api/echo", http.MAX_JSON_BYTES), ("/api/file", 1000)]
)
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    site: Site, path: str, limit: int
) -> None:
    kind = "image/png" if path == "/api/file" else "application/json"
    head = f"POST {path} HTTP/1.1\n{FIRM}\nContent-Type: {kind}\nContent-Length: {limit + 1}"
    raw = await send_raw(site, head)
    assert refusal_in(raw) == (413, "body.too_large")
    assert b"connection: close" in raw.lower()


async def test_a_body_of_exactly_the_limit_is_taken(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/file"),
        data=b"x" * 1000,
        headers={**site.headers(), "Content-Type": "image/png"},
    ) as answer:
        assert (await answer.json())["data"] == {
            "who": "image/png", "length": 1000, "address": "127.0.0.1",
        }  # fmt: skip


@pytest.mark.parametrize("media_type", ["image/gif", "text/html", "application/json"])
async def test_an_upload_of_another_type_is_refused(site: Site, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    assert await code_of(site, "POST", "/api/file", data=b"x", headers=headers) == (
        415, "material.wrong_type",
    )  # fmt: skip


async def test_a_body_that_trickles_in_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "JSON_SECONDS", 0.05)
    head = f"POST /api/echo HTTP/1.1\n{FIRM}\n{JSON}\nContent-Length: 100"
    raw = await send_raw(site, head, b'{"word"')
    assert refusal_in(raw) == (408, "body.too_slow")
    assert b"connection: close" in raw.lower()


async def test_a_caller_who_hangs_up_in_the_middle_is_no_crash(site: Site) -> None:
    head = f"POST /api/echo HTTP/1.1\n{FIRM}\n{JSON}\nContent-Length: 100\nExpect: 100-continue"
    with capture_logs() as logs:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b'{"word"')
        writer.close()
        while not any(line.get("route") == "/api/echo" for line in logs):
            await site.ask("GET", "/api/things/x")  # Gives the server time without a sleep.
    [line] = [line for line in logs if line.get("route") == "/api/echo"]
    assert (line["event"], line["status"]) == ("answered", 400)


# Query strings


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "word"),
        ("word=a&word=b", "word"),
        ("word=a&number=x", "number"),
        ("word=a&other=1", "other"),
    ],
)
async def test_a_query_of_another_shape_is_refused_at_its_field(
    site: Site, query: str, field: str
) -> None:
    status, said = await site.ask("GET", f"/api/echo?{query}")
    assert (status, said["error"]["code"]) == (422, "query.invalid")
    assert said["error"]["field"] == field


async def test_a_query_is_read_as_its_types(site: Site) -> None:
    status, said = await site.ask("GET", "/api/echo?word=%E8%B7%A8&number=7")
    assert (status, said["data"]["word"], said["data"]["number"]) == (200, "跨", 7)


@pytest.mark.parametrize("query", ["word=%00", "word=a%00b"])
async def test_a_nul_in_a_query_is_refused(site: Site, query: str) -> None:
    status, said = await site.ask("GET", f"/api/echo?{query}")
    assert (status, said["error"]["code"]) == (422, "text.bad_characters")


@pytest.mark.parametrize("query", ["word=%ff%fe", "word=%ED%A0%80", "word=%zz", "%ff=1", "&&&="])
async def test_a_query_that_does_not_decode_is_no_crash(site: Site, query: str) -> None:
    head = f"GET /api/echo?{query} HTTP/1.1\nHost: x\nConnection: close"
    raw = await send_raw(site, head)
    assert int(raw.split()[1]) in {200, 400, 422}


# Idempotency-Key


async def once(site: Site, word: str = "a", key: str = "key-00001", token: str = "clerk") -> Any:  # noqa: ANN401
    status, said = await site.ask("POST", "/api/once", token, json={"word": word}, key=key)
    return status, said["data"]["time"] if said["data"] else said["error"]["code"]


async def test_a_key_gives_the_first_answer_again(site: Site, trial: Trial, news: News) -> None:
    assert [await once(site) for _ in range(3)] == [(200, 1)] * 3
    assert trial.effects == ["a"]
    assert len(news.notices) == 1


async def test_another_key_is_another_command(site: Site) -> None:
    assert await once(site) == (200, 1)
    assert await once(site, key="key-00002") == (200, 2)


async def test_a_key_used_for_something_else_is_refused(site: Site, trial: Trial) -> None:
    await once(site)
    assert await once(site, word="b") == (409, "idempotency_key.reused")
    assert trial.effects == ["a"]


async def test_another_clerk_may_choose_the_same_key(site: Site, logins: Logins) -> None:
    logins.add("other", *logins.actors[Audience.STAFF, "clerk"].roles)
    assert await once(site) == (200, 1)
    assert await once(site, token="other") == (200, 2)


async def test_of_ten_commands_with_one_key_at_once_one_has_an_effect(
    site: Site, trial: Trial, news: News
) -> None:
    answers = await asyncio.gather(*(once(site) for _ in range(10)))
    assert answers == [(200, 1)] * 10
    assert trial.effects == ["a"]
    assert len(news.notices) == 1


async def test_a_refused_command_may_be_tried_again_with_its_key(site: Site, trial: Trial) -> None:
    trial.refuse_next = True
    assert await once(site) == (409, "ticket.gone")
    assert await once(site) == (200, 1)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key.missing"),
        ("", "idempotency_key.malformed"),
        ("short", "idempotency_key.malformed"),
        ("x" * 65, "idempotency_key.malformed"),
        ("a key with blanks", "idempotency_key.malformed"),
        ("key-00001é", "idempotency_key.malformed"),
    ],
)
async def test_a_key_is_needed_and_of_one_shape(
    site: Site, trial: Trial, key: str | None, code: str
) -> None:
    status, said = await site.ask("POST", "/api/once", "clerk", json={"word": "a"}, key=key)
    assert (status, said["error"]["code"]) == (400, code)
    assert trial.effects == []


async def test_a_route_without_a_key_acts_each_time(site: Site, trial: Trial) -> None:
    for key in (None, "key-00001", "key-00001"):
        await site.ask("POST", "/api/each", "clerk", json={"word": "a"}, key=key)
    assert trial.effects == ["a"] * 3
