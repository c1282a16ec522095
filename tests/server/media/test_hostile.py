"""What hostile peers try. Bad datagrams and offers come by the thousand; `make soak` has more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aioice import Candidate, stun

from server.media import rtcp
from server.media.legs import MOST_PACKETS, MOST_REPORTS, MOST_STRANGERS, Leg
from server.media.network import Network
from server.media.offers import UnfitError
from server.media.ports import MOST_ADDRESSES, MOST_CHECKS, MOST_HANDSHAKES, Port
from server.media.stack import INBOUND
from tests.server.media.conftest import States
from tests.support.hostile import OFFER_OF_CHROMIUM, throw_datagrams, throw_descriptions
from tests.support.packets import VP8_DELTA, laid, packet

CAMERA = 2231627014
BROWSER, STRANGER = ("192.0.2.7", 5000), ("192.0.2.9", 5000)


async def test_bad_datagrams_are_dropped_and_the_call_goes_on() -> None:
    dropped = await throw_datagrams(20_000, seed=1)
    assert sum(dropped.values()) > 15_000
    for why in ("rtp", "rtcp", "size", "foreign", "stun", "unproved"):
        assert dropped[why] > 50, why


async def test_bad_offers_are_answered_or_refused() -> None:
    became = await throw_descriptions(20_000, seed=1, every=20)
    assert became.total() == 20_000
    for outcome in ("refused by the service", "refused by the worker", "answered"):
        assert became[outcome] > 100, outcome


@asynccontextmanager
async def answered(network: Network, states: States, clock: list[float]) -> AsyncIterator[Leg]:
    """A leg with a camera and a microphone that nobody has connected to."""
    leg = Leg("a", network, states.note, lambda: clock[0])
    try:
        await leg.answer(OFFER_OF_CHROMIUM)
        yield leg
    finally:
        await leg.close()


async def test_a_forged_ssrc_is_nobodys_and_no_more_than_some_are_learnt(
    network: Network, states: States
) -> None:
    async with answered(network, states, [0.0]) as leg:
        leg.on_rtp(laid(packet(1, ssrc=666)))
        assert (leg.packets, leg.dropped["stranger"]) == (0, 1)
        for ssrc in range(2_000):
            leg.on_rtp(laid(packet(1, ssrc=ssrc, extensions={4: b"1"})))
        assert leg.packets == MOST_STRANGERS
        assert leg.dropped["stranger"] == 1 + 2_000 - MOST_STRANGERS


async def test_a_flood_of_packets_is_cut_and_the_next_second_is_heard_again(
    network: Network, states: States
) -> None:
    clock = [10.0]
    async with answered(network, states, clock) as leg:
        for number in range(MOST_PACKETS + 100):
            leg.on_rtp(laid(packet(number, VP8_DELTA, ssrc=CAMERA)))
        assert (leg.packets, leg.dropped["rate"]) == (MOST_PACKETS, 100)
        clock[0] += 1.0
        leg.on_rtp(laid(packet(9, VP8_DELTA, ssrc=CAMERA)))
        assert leg.packets == MOST_PACKETS + 1


async def test_a_flood_of_reports_is_cut_and_the_next_second_is_heard_again(
    network: Network, states: States
) -> None:
    clock = [10.0]
    async with answered(network, states, clock) as leg:
        for _ in range(MOST_REPORTS + 100):
            leg.on_rtcp(rtcp.write_pli(1, 2))
        assert leg.dropped["reports"] == 100
        clock[0] += 1.0
        leg.on_rtcp(rtcp.write_pli(1, 2))
        assert leg.dropped["reports"] == 100


async def test_other_payload_types_in_a_further_offer_are_forwarded_from_then_on(
    network: Network, states: States
) -> None:
    async with answered(network, states, [0.0]) as leg, answered(network, states, [0.0]) as other:
        slot = other.slots["3"]
        other.link(leg.sources["1"], slot, leg)
        renamed = OFFER_OF_CHROMIUM.replace("SAVPF 96 97", "SAVPF 100 97").replace(":96", ":100")
        await leg.answer(renamed.replace("apt=96", "apt=100"))
        leg.on_rtp(laid(packet(1, ssrc=CAMERA, kind=96)))
        assert slot.media.last is None
        leg.on_rtp(laid(packet(2, ssrc=CAMERA, kind=100)))
        assert slot.media.last == 2


class Taker:
    """What a port gives out and what it drops, in order; only the browser's address is known."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def knows(self, address: tuple[str, int]) -> bool:
        return address == BROWSER

    def take_media(self, _size: int) -> None:
        self.taken.append("media")

    def take_check(self, _datagram: bytes, _address: tuple[str, int]) -> None:
        self.taken.append("check")

    def take_handshake(self, _datagram: bytes) -> None:
        self.taken.append("handshake")

    def drop(self, why: str) -> None:
        self.taken.append(f"no {why}")


CLIENT_HELLO = b"\x16\xfe\xff" + bytes(60)


@pytest.mark.parametrize(
    ("content", "sender", "becomes"),
    [
        (b"\x80\x60" + bytes(40), BROWSER, "media"),
        (b"\x80\x60" + bytes(40), STRANGER, "no foreign"),
        (CLIENT_HELLO, BROWSER, "handshake"),
        (CLIENT_HELLO, STRANGER, "no foreign"),
        (b"\0\1" + bytes(20), STRANGER, "check"),
        (b"\x50" + bytes(20), BROWSER, "no foreign"),
        (b"", BROWSER, "no foreign"),
    ],
)
async def test_only_checks_are_taken_from_an_address_that_has_proved_nothing(
    network: Network, content: bytes, sender: tuple[str, int], becomes: str
) -> None:
    taker = Taker()
    port = Port(network, INBOUND, taker)
    port.sort(laid(content), sender)
    assert taker.taken == [becomes]
    port.close()


@pytest.mark.parametrize(
    ("content", "most", "dropped"),
    [(b"\0\1" + bytes(20), MOST_CHECKS, "no checks"),
     (CLIENT_HELLO, MOST_HANDSHAKES, "no handshakes")],
)  # fmt: skip
async def test_floods_before_the_handshake_are_cut(
    network: Network, content: bytes, most: int, dropped: str
) -> None:
    taker = Taker()
    port = Port(network, INBOUND, taker)
    for _ in range(3 * most):
        port.sort(laid(content), BROWSER)
    # Seconds may pass on a busy machine, and each has its own budget.
    assert taker.taken.count(dropped) >= most
    port.close()


async def test_a_strangers_flood_does_not_keep_a_browsers_checks_out(network: Network) -> None:
    taker = Taker()
    port = Port(network, INBOUND, taker)
    while taker.taken[-1:] != ["no checks"]:
        port.sort(laid(b"\0\1" + bytes(20)), STRANGER)
    port.sort(laid(b"\0\1" + bytes(20)), BROWSER)
    assert taker.taken[-1] == "check"
    port.close()


async def test_an_oversize_packet_is_dropped_before_it_is_decrypted(
    network: Network, states: States
) -> None:
    async with answered(network, states, [0.0]) as leg:
        leg.transport._in = object()  # To decrypt with it would raise.
        leg.transport.take_media(1501)
        leg.transport.take_media(11)
        assert leg.dropped == {"size": 2}
        leg.transport._in = None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda offer: offer.replace("BUNDLE 0 1 2 3", "BUNDLE 0 1 2"), "bundle"),
        (lambda offer: offer.replace("a=group:BUNDLE 0 1 2 3\r\n", ""), "bundle"),
        (lambda offer: offer.replace("BUNDLE 0 1", "BUNDLE 1 0"), "bundle"),
        (lambda offer: offer.replace("a=mid:1", "a=mid:0"), "sections"),
        (lambda offer: offer.replace("a=fingerprint", "a=print"), "fingerprint"),
        (lambda offer: offer.replace("a=ice-pwd", "a=pwd"), "ice"),
        (lambda offer: offer.replace("m=video", "m=application"), "kind"),
    ],
)
async def test_an_offer_of_no_browsers_shape_is_refused_and_the_leg_stays(
    network: Network, states: States, change: Callable[[str], str], why: str
) -> None:
    async with answered(network, states, [0.0]) as leg:
        before = list(leg.sources.values())
        with pytest.raises(UnfitError, match=why):
            await leg.answer(change(OFFER_OF_CHROMIUM))
        assert list(leg.sources.values()) == before
        await leg.answer(OFFER_OF_CHROMIUM)


async def test_sections_of_an_earlier_offer_cannot_be_replaced_by_others(
    network: Network, states: States
) -> None:
    async with answered(network, states, [0.0]) as leg:
        other = OFFER_OF_CHROMIUM.replace("a=mid:3", "a=mid:x").replace("2 3\r", "2 x\r")
        with pytest.raises(UnfitError, match="sections"):
            await leg.answer(other)


async def test_a_leg_learns_so_many_addresses_and_no_more(network: Network, states: States) -> None:
    async with answered(network, states, [0.0]) as leg:
        known = leg.transport._remote_candidates()
        known += [
            Candidate("1", 1, "udp", 1, "192.0.2.7", port, "prflx")
            for port in range(1, MOST_ADDRESSES + 1)
        ]
        check = bytes(
            stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        )
        leg.transport.take_check(check, ("192.0.2.7", MOST_ADDRESSES + 1))
        assert leg.dropped == {"addresses": 1}
        leg.transport.take_check(check, ("192.0.2.7", MOST_ADDRESSES))
        assert leg.dropped == {"addresses": 1, "unproved": 1}
