from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from counter_client.client import Client, Login, Refusal, ServerLostError, fragment_of
from tests.support.protocol_server import ProtocolServer, answer, protocol_server, refusal

ME = {"clerk": {"id": "c1", "name": "wujiang"}}


@pytest.fixture
async def service() -> AsyncIterator[ProtocolServer]:
    async with protocol_server() as running:
        running.answers[("POST", "/api/login")] = ME
        running.answers[("GET", "/api/me")] = ME
        yield running


@pytest.fixture
async def client(service: ProtocolServer) -> AsyncIterator[Client]:
    async with Client(service.url) as one:
        yield one


async def listening(client: Client) -> Client:
    await client.sign_in("wujiang", "secret")
    await client.listen()
    return client


async def test_an_answer_gives_its_data(service: ProtocolServer, client: Client) -> None:
    assert await client.sign_in("wujiang", "secret") == ME
    assert service.seen[-1].body == {"name": "wujiang", "password": "secret"}


async def test_the_login_cookie_comes_back_although_it_is_secure_and_the_line_is_http(
    service: ProtocolServer, client: Client
) -> None:
    await client.sign_in("wujiang", "secret")
    await client.me()
    assert "__Host-kuayu=wujiang" in service.seen[-1].headers["Cookie"]


async def test_cookies_go_to_no_other_origin(service: ProtocolServer, client: Client) -> None:
    await client.sign_in("wujiang", "secret")
    async with protocol_server() as other:
        other.answers[("GET", "/api/me")] = ME
        client.base = other.url
        await client.me()
        assert "Cookie" not in other.seen[-1].headers


async def test_every_change_says_its_origin(service: ProtocolServer, client: Client) -> None:
    await client.sign_in("wujiang", "secret")
    assert service.seen[-1].headers["Origin"] == service.url


async def test_a_foreign_origin_is_refused(service: ProtocolServer) -> None:
    async with Client(service.url, origin="http://elsewhere.example") as foreign:
        with pytest.raises(Refusal) as refused:
            await foreign.sign_in("wujiang", "secret")
    assert (refused.value.code, refused.value.status) == ("origin.foreign", 403)


async def test_a_refusal_bears_code_status_field_details_and_request_id(
    service: ProtocolServer, client: Client
) -> None:
    stale = {"code": "field.stale", "field": "months_paid", "details": {"version": 3}}
    service.answers[("PATCH", "/api/cases/k1/fields/months_paid")] = (409, stale)
    with pytest.raises(Refusal) as refused:
        await client.write_field("k1", "months_paid", 12, 2)
    assert refused.value.code == "field.stale"
    assert refused.value.status == 409
    assert refused.value.field == "months_paid"
    assert refused.value.details == {"version": 3}
    assert refused.value.request_id == "test"
    assert service.seen[-1].body == {"value": 12, "version": 2}


@pytest.mark.parametrize(
    "reply",
    [
        web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html"),
        web.json_response([1, 2]),
        web.json_response({"data": {}}),
        web.json_response({"data": None, "error": {"no": "code"}}, status=500),
        web.json_response({"data": ["not", "an", "object"], "error": None}),
        web.json_response({"data": None, "error": None}),
    ],
)
async def test_anything_but_the_one_answer_shape_is_unreadable(
    service: ProtocolServer, client: Client, reply: web.Response
) -> None:
    service.answers[("GET", "/api/me")] = lambda: reply
    with pytest.raises(Refusal) as refused:
        await client.me()
    assert refused.value.code == "answer.unreadable"


async def test_nothing_there_yet_is_none(service: ProtocolServer, client: Client) -> None:
    service.answers[("GET", "/api/cases/k1/call")] = None
    assert await client.case_call("k1") is None
    service.answers[("GET", "/api/cases/k1/call")] = {"id": "a1"}
    assert await client.case_call("k1") == {"id": "a1"}


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    service: ProtocolServer, client: Client
) -> None:
    service.answers[("POST", "/api/cases/k1/certificates")] = lambda: {
        "number": service.carried_out
    }
    service.cut = 2
    issued = await client.issue("k1", "balance")
    keys = {seen.headers["Idempotency-Key"] for seen in service.seen}
    assert issued == {"number": 1}
    assert (len(service.seen), len(keys), service.carried_out) == (3, 1, 1)


async def test_two_commands_have_two_keys(service: ProtocolServer, client: Client) -> None:
    service.answers[("POST", "/api/cases/k1/ticket")] = {"id": "t1"}
    await client.take_ticket("k1")
    await client.take_ticket("k1")
    first, second = (seen.headers["Idempotency-Key"] for seen in service.seen)
    assert first != second
    assert 8 <= len(first) <= 64


async def test_a_given_key_is_used(service: ProtocolServer, client: Client) -> None:
    service.answers[("POST", "/api/cases/k1/ticket")] = {"id": "t1"}
    await client.take_ticket("k1", key="my-own-key-1")
    assert service.seen[-1].headers["Idempotency-Key"] == "my-own-key-1"


async def test_a_command_without_a_key_is_not_sent_twice(
    service: ProtocolServer, client: Client
) -> None:
    service.answers[("POST", "/api/offers/o1/acceptance")] = {"id": "a1"}
    service.cut = 1
    with pytest.raises(ServerLostError):
        await client.accept_offer("o1")
    assert service.carried_out == 1


async def test_patience_has_an_end(service: ProtocolServer) -> None:
    service.cut = 1_000
    async with Client(service.url, patience=0.3) as hasty:
        with pytest.raises(ServerLostError):
            await hasty.me()
    assert 1 < len(service.seen) < 10


async def test_nobody_at_the_address_is_a_lost_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with Client(f"http://127.0.0.1:{port}", patience=0.2) as lonely:
        with pytest.raises(ServerLostError):
            await lonely.me()
        with pytest.raises(ServerLostError):
            await lonely.listen()


async def test_an_upload_is_raw_with_its_length_and_its_place(
    service: ProtocolServer, client: Client
) -> None:
    service.answers[("POST", "/api/cases/k1/materials")] = {"id": "m1"}
    await client.add_material("k1", "id_card", b"\xff\xd8raw", "image/jpeg", origin="still",
                              still_id="s1")  # fmt: skip
    seen = service.seen[-1]
    assert seen.content == b"\xff\xd8raw"
    assert seen.headers["Content-Length"] == "5"
    assert seen.headers["Content-Type"] == "image/jpeg"
    assert seen.query == {"kind": "id_card", "origin": "still", "still_id": "s1"}


async def test_a_file_is_its_bytes_and_a_missing_one_is_refused(
    service: ProtocolServer, client: Client
) -> None:
    service.files["/api/certificates/z1/file"] = b"%PDF-1.7"
    assert await client.certificate_file("z1") == b"%PDF-1.7"
    with pytest.raises(Refusal) as refused:
        await client.certificate_file("z2")
    assert (refused.value.code, refused.value.status) == ("route.unknown", 404)


async def test_the_pickup_token_is_taken_from_the_fragment(
    service: ProtocolServer, client: Client
) -> None:
    service.answers[("POST", "/api/citizen/login")] = {"number": "320509-20261122-000001"}
    await client.claim_pickup("http://localhost:8400/c#tok-en_1")
    assert service.seen[-1].body == {"token": "tok-en_1"}
    assert fragment_of("http://localhost/c") == ""


@pytest.mark.parametrize("login", ["device", "citizen"])
async def test_screens_and_citizens_listen_with_their_own_cookie(
    service: ProtocolServer, client: Client, login: Login
) -> None:
    service.answers[("POST", "/api/citizen/login")] = {}
    service.answers[("POST", "/api/facing/pairings/claim")] = {"paired": True}
    await (client.claim_pickup("x#y") if login == "citizen" else client.claim_pairing("t"))
    await client.listen(login)
    assert service.handshakes[-1]["as"] == login
    assert f"__Host-kuayu-{login}" in service.handshakes[-1]


async def test_without_a_login_the_socket_is_refused(client: Client) -> None:
    with pytest.raises(Refusal) as refused:
        await client.listen()
    assert (refused.value.code, refused.value.status) == ("socket.refused", 401)
    assert not client.listening


async def test_a_notice_that_came_before_the_wait_is_heard(
    service: ProtocolServer, client: Client
) -> None:
    await listening(client)
    await service.tell("offer.made", {"id": "o1"})
    await service.tell("ticket.moved", {"position": 1})
    await client.heard("ticket.moved")
    assert await client.heard("offer.made", within=0) == {"id": "o1"}


async def test_a_notice_that_comes_later_is_heard(service: ProtocolServer, client: Client) -> None:
    await listening(client)
    waiting = asyncio.create_task(client.heard("offer.made"))
    await asyncio.sleep(0)
    await service.tell("offer.made", {"id": "o1"})
    assert await waiting == {"id": "o1"}


async def test_each_notice_is_given_once_and_in_order(
    service: ProtocolServer, client: Client
) -> None:
    await listening(client)
    for seq in range(20):
        await service.tell("case.changed", {"case_id": "k1", "seq": seq})
    assert [(await client.heard("case.changed"))["seq"] for _ in range(20)] == list(range(20))
    with pytest.raises(TimeoutError):
        await client.heard("case.changed", within=0.01)


async def test_only_the_notice_that_is_meant_is_taken(
    service: ProtocolServer, client: Client
) -> None:
    await listening(client)
    for number in (1, 2, 3):
        await service.tell("case.changed", {"case_id": "k1", "seq": number})
    assert (await client.heard("case.changed", {"seq": 2}))["seq"] == 2
    assert (await client.heard("case.changed", lambda data: data["seq"] > 1))["seq"] == 3
    assert (await client.heard("case.changed"))["seq"] == 1


async def test_a_wait_that_was_given_up_takes_no_notice_with_it(
    service: ProtocolServer, client: Client
) -> None:
    await listening(client)
    with pytest.raises(TimeoutError):
        await client.heard("offer.made", within=0.01)
    await service.tell("offer.made", {"id": "o1"})
    assert (await client.heard("offer.made"))["id"] == "o1"


async def test_an_event_is_acknowledged_with_data(service: ProtocolServer, client: Client) -> None:
    await listening(client)
    assert await client.emit("seat.taken", {"call_id": "a1"}) == {
        "event": "seat.taken",
        "call_id": "a1",
    }


async def test_an_event_can_be_refused(service: ProtocolServer, client: Client) -> None:
    async def refuse(event: str, data: object, sid: str) -> dict:
        return refusal("seat.unknown", field="call_id")

    service.acknowledge = refuse
    await listening(client)
    with pytest.raises(Refusal) as refused:
        await client.emit("seat.taken", {"call_id": "a1"})
    assert (refused.value.code, refused.value.field) == ("seat.unknown", "call_id")


async def test_an_event_that_nobody_acknowledges_times_out(
    service: ProtocolServer, client: Client
) -> None:
    release = asyncio.Event()

    async def dawdle(event: str, data: object, sid: str) -> dict:
        await release.wait()
        return answer({})

    service.acknowledge = dawdle
    await listening(client)
    with pytest.raises(TimeoutError):
        await client.emit("seat.taken", {"call_id": "a1"}, within=0.05)
    release.set()


async def test_whoever_waits_is_told_when_the_socket_is_gone(
    service: ProtocolServer, client: Client
) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def never(event: str, data: object, sid: str) -> dict:
        entered.set()
        await release.wait()
        return answer({})

    service.acknowledge = never
    await listening(client)
    await service.tell("offer.made", {"id": "o1"})
    asking = asyncio.create_task(client.emit("seat.taken", {}))
    waiting = asyncio.create_task(client.heard("ticket.moved"))
    await entered.wait()
    await service.drop_sockets()
    with pytest.raises(ServerLostError):
        await waiting
    with pytest.raises(ServerLostError):
        await asking
    release.set()
    await client.lost()
    assert not client.listening
    assert await client.heard("offer.made") == {"id": "o1"}
    with pytest.raises(ServerLostError):
        await client.emit("seat.taken", {})


async def test_one_can_listen_again_after_the_socket_was_lost(
    service: ProtocolServer, client: Client
) -> None:
    await listening(client)
    await service.drop_sockets()
    await client.lost()
    await client.listen()
    await service.tell("offer.made", {"id": "o2"})
    assert await client.heard("offer.made") == {"id": "o2"}


async def test_closing_leaves_no_task_behind(service: ProtocolServer) -> None:
    before = asyncio.all_tasks()
    async with Client(service.url) as passing:
        await listening(passing)
        await passing.emit("case.watched", {"case_id": "k1"})
        mine = asyncio.all_tasks() - before
    left = {task for task in asyncio.all_tasks() - before if "read_loop" in repr(task)}
    assert mine
    assert not left
