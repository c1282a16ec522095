"""Users of the TURN servers, and what the real coturn makes of them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aioice.stun import TransactionFailed

from server.calls.turn import USER_LASTS, TurnServers
from server.db.unit import utc_now
from server.media.network import own_address
from server.relays.messages import IceServer
from tests.support.office import NOW
from tests.support.turn import Coturn, Echoes, coturn_running, relayed

SECRET = base64.b64encode(b"turn" * 8).decode()
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])


def server_of(coturn: Coturn, *, ago: timedelta = timedelta(), secret: str = SECRET) -> IceServer:
    """What the service gives, some time ago and under some secret."""
    [server] = TurnServers(coturn.urls, secret, lambda: utc_now() - ago)("a" * 32, "b" * 32)
    return server


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[Coturn]:
    async with coturn_running(tmp_path, own_address(), SECRET) as running:
        yield running


def test_a_user_is_for_one_call_one_seat_and_ten_minutes() -> None:
    urls = ["turn:turn.example:3478?transport=udp", "turns:turn.example:443?transport=tcp"]
    [server] = TurnServers(urls, "north", lambda: NOW)("call", "seat")
    assert server.urls == urls
    assert server.username == f"{int(NOW.timestamp()) + 600}:call:seat"
    [other] = TurnServers(urls, "north", lambda: NOW)("call", "another")
    assert other.credential != server.credential


def test_a_password_is_the_hmac_that_openssl_makes_too() -> None:
    """printf %s 600:call:seat | openssl dgst -sha1 -hmac north -binary | base64."""
    then = NOW.fromtimestamp(0, NOW.tzinfo)
    [server] = TurnServers(["turn:x?transport=udp"], "north", lambda: then)("call", "seat")
    assert (server.username, server.credential) == ("600:call:seat", "Imqda+oqXANgJMAZ8sWYVe+BvRs=")


def test_without_servers_there_are_none() -> None:
    assert TurnServers((), "", lambda: NOW)("call", "seat") == ()


@TRANSPORTS
async def test_coturn_carries_what_a_user_of_ours_sends(coturn: Coturn, transport: str) -> None:
    loop = asyncio.get_running_loop()
    peer, heard = await loop.create_datagram_endpoint(Echoes, local_addr=(coturn.address, 0))
    async with relayed(coturn, server_of(coturn), transport) as (allocated, _), asyncio.timeout(60):
        allocated.sendto(b"over there", peer.get_extra_info("sockname"))
        assert await heard.heard.get() == b"over there"
    peer.close()
    await heard.lost.wait()


@TRANSPORTS
async def test_a_user_whose_time_is_up_or_of_another_secret_never_connects(
    coturn: Coturn, transport: str
) -> None:
    late = server_of(coturn, ago=USER_LASTS + timedelta(seconds=1))
    wrong = server_of(coturn, secret=base64.b64encode(b"west" * 8).decode())
    for server in (late, wrong):
        with pytest.raises(TransactionFailed) as refused:
            async with relayed(coturn, server, transport):
                pass
        assert refused.value.response.attributes["ERROR-CODE"][0] == 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "8.8.8.8"])
async def test_coturn_reaches_nobody_but_itself_and_the_workers(coturn: Coturn, peer: str) -> None:
    async with relayed(coturn, server_of(coturn), "udp") as (allocated, echoes):
        async with asyncio.timeout(60):
            allocated.sendto(b"let me in", (peer, 80))
            refused = await echoes.refused.get()
        assert isinstance(refused, TransactionFailed)
        assert refused.response.attributes["ERROR-CODE"][0] == 403
