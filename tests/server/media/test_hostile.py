"""What hostile peers try. Bad datagrams and offers come by the thousand; `make soak` has more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aioice import Candidate, stun

from server.media import ports, rtcp
from server.media.cells import name_of
from server.media.legs import MOST_PACKETS, MOST_REPORTS, MOST_STRANGERS, Leg
from server.media.offers import UnfitError
from server.media.ports import (
    MOST_ADDRESSES,
    MOST_CHECKS,
    MOST_CLAIMS,
    MOST_HANDSHAKES,
    Budget,
    Port,
)
from tests.server.media.conftest import States
from tests.support.hostile import OFFER_OF_CHROMIUM, Taker, throw_datagrams, throw_descriptions
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
async def answered(port: Port, states: States, clock: list[float]) -> AsyncIterator[Leg]:
    """A leg with a camera and a microphone that nobody has connected to."""
    leg = Leg("a", port, states.note, lambda: clock[0])
    try:
        await leg.answer(OFFER_OF_CHROMIUM)
        yield leg
    finally:
        await leg.close()


async def test_a_forged_ssrc_is_nobodys_and_no_more_than_some_are_learnt(
    port: Port, states: States
) -> None:
    async with answered(port, states, [0.0]) as leg:
        leg.on_rtp(*laid(packet(1, ssrc=666)))
        assert (leg.packets, leg.dropped["stranger"]) == (0, 1)
        for ssrc in range(2_000):
            leg.on_rtp(*laid(packet(1, ssrc=ssrc, extensions={4: b"1"})))
        assert leg.packets == MOST_STRANGERS
        assert leg.dropped["stranger"] == 1 + 2_000 - MOST_STRANGERS


async def test_a_flood_of_packets_is_cut_and_the_next_second_is_heard_again(
    port: Port, states: States
) -> None:
    clock = [10.0]
    async with answered(port, states, clock) as leg:
        for number in range(MOST_PACKETS + 100):
            leg.on_rtp(*laid(packet(number, VP8_DELTA, ssrc=CAMERA)))
        assert (leg.packets, leg.dropped["rate"]) == (MOST_PACKETS, 100)
        clock[0] += 1.0
        leg.on_rtp(*laid(packet(9, VP8_DELTA, ssrc=CAMERA)))
        assert leg.packets == MOST_PACKETS + 1


async def test_a_flood_of_reports_is_cut_and_the_next_second_is_heard_again(
    port: Port, states: States
) -> None:
    clock = [10.0]
    async with answered(port, states, clock) as leg:
        for _ in range(MOST_REPORTS + 100):
            leg.on_rtcp(rtcp.write_pli(1, 2))
        assert leg.dropped["reports"] == 100
        clock[0] += 1.0
        leg.on_rtcp(rtcp.write_pli(1, 2))
        assert leg.dropped["reports"] == 100


async def test_other_payload_types_in_a_further_offer_are_forwarded_from_then_on(
    port: Port, states: States
) -> None:
    async with answered(port, states, [0.0]) as leg, answered(port, states, [0.0]) as other:
        slot = other.slots["3"]
        other.link(leg.sources["1"], slot, leg)
        renamed = OFFER_OF_CHROMIUM.replace("SAVPF 96 97", "SAVPF 100 97").replace(":96", ":100")
        await leg.answer(renamed.replace("apt=96", "apt=100"))
        leg.on_rtp(*laid(packet(1, ssrc=CAMERA, kind=96)))
        assert slot.media.last is None
        leg.on_rtp(*laid(packet(2, ssrc=CAMERA, kind=100)))
        assert slot.media.last == 2


TRANSACTION = bytes(12)


def check(username: str | None = "ours:theirs") -> bytes:
    made = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction_id=TRANSACTION)
    if username is not None:
        made.attributes["USERNAME"] = username
    return bytes(made)


# Its transaction is one for all: a test's name, of which this is part, must not differ by run.
ANSWER = bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=TRANSACTION))
MEDIA = b"\x80\x60" + bytes(40)
CLIENT_HELLO = b"\x16\xfe\xff" + bytes(60)


@pytest.fixture
def browsers(port: Port) -> Taker:
    """What comes to a leg whose browser has proved itself by a check."""
    taker = Taker(BROWSER)
    port.join("ours:theirs", taker)
    port.sort(*laid(check()), name_of(BROWSER))
    taker.taken.clear()
    return taker


@pytest.mark.parametrize(
    ("content", "sender", "becomes"),
    [
        (MEDIA, BROWSER, "media"),
        (MEDIA, STRANGER, "foreign"),
        (CLIENT_HELLO, BROWSER, "handshake"),
        (CLIENT_HELLO, STRANGER, "foreign"),
        (check(), STRANGER, "check"),
        (check("others:theirs"), BROWSER, "unproved"),
        (check("others:theirs"), STRANGER, "unproved"),
        (check(None), BROWSER, "unproved"),
        (check(""), BROWSER, "unproved"),
        (ANSWER, BROWSER, "check"),
        (ANSWER, STRANGER, "unproved"),
        (b"\0\1" + bytes(20), BROWSER, "stun"),
        (check()[:-1], BROWSER, "stun"),
        (b"\x50" + bytes(20), BROWSER, "foreign"),
        (b"", BROWSER, "foreign"),
    ],
)
async def test_only_checks_that_name_a_leg_are_taken_from_an_address_that_has_proved_nothing(
    port: Port, browsers: Taker, content: bytes, sender: tuple[str, int], becomes: str
) -> None:
    port.sort(*laid(content), name_of(sender))
    assert browsers.taken + list(port.dropped) == [becomes]


@pytest.mark.parametrize(
    ("content", "most", "dropped"),
    [(check(), MOST_CHECKS, "no checks"), (CLIENT_HELLO, MOST_HANDSHAKES, "no handshakes")],
)
async def test_floods_before_the_handshake_are_cut(
    port: Port, browsers: Taker, content: bytes, most: int, dropped: str
) -> None:
    for _ in range(3 * most):
        port.sort(*laid(content), name_of(BROWSER))
    # Seconds may pass on a busy machine, and each has its own budget.
    assert browsers.taken.count(dropped) >= most


async def test_a_strangers_flood_does_not_keep_a_browsers_checks_out(
    port: Port, browsers: Taker
) -> None:
    while browsers.taken[-1:] != ["no checks"]:
        port.sort(*laid(check()), name_of(STRANGER))
    port.sort(*laid(check()), name_of(BROWSER))
    assert browsers.taken[-1] == "check"


async def test_a_check_before_the_answer_is_out_makes_the_address_known_once_it_is_proved(
    port: Port,
) -> None:
    early = Taker()
    port.join("ours:theirs", early)
    port.sort(*laid(check()), name_of(BROWSER))
    port.sort(*laid(CLIENT_HELLO), name_of(BROWSER))
    assert (early.taken, port.dropped) == (["check"], {"foreign": 1})
    early.known.add(BROWSER)
    port.sort(*laid(CLIENT_HELLO), name_of(BROWSER))
    assert early.taken == ["check", "handshake"]


async def test_nobody_takes_anothers_line_by_a_check_in_its_name_while_it_is_in_use(
    port: Port, browsers: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A check's sender can be forged by one who may speak on a leg of its own.
    forger = Taker(BROWSER)
    port.join("forgers:own", forger)
    port.sort(*laid(check("forgers:own")), name_of(BROWSER))
    port.sort(*laid(MEDIA), name_of(BROWSER))
    assert (browsers.taken, forger.taken) == (["media"], ["check"])
    # A browser that has gone leaves its address to whoever has it then.
    monkeypatch.setattr(ports, "HELD_SECONDS", 0.0)
    port.sort(*laid(check("forgers:own")), name_of(BROWSER))
    port.sort(*laid(MEDIA), name_of(BROWSER))
    assert (browsers.taken, forger.taken) == (["media"], ["check", "check", "media"])


async def test_a_leg_takes_no_more_addresses_over_than_it_may_have(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "HELD_SECONDS", 0.0)
    own = [name_of((STRANGER[0], number)) for number in range(1, MOST_ADDRESSES + 1)]
    left, full = port.join("left:left", Taker()), port.join("full:full", Taker())
    port._hold(name_of(BROWSER), left, 0.0)
    for name in [*own, name_of(BROWSER), own[0]]:
        port._hold(name, full, 1.0)
    assert list(full.checked) == own
    assert list(left.checked) == [name_of(BROWSER)]


async def test_nothing_comes_to_a_leg_that_has_left(port: Port) -> None:
    taker = Taker(BROWSER)
    line = port.join("ours:theirs", taker)
    port.sort(*laid(check()), name_of(BROWSER))
    line.close()
    for content in (check(), MEDIA, CLIENT_HELLO):
        port.sort(*laid(content), name_of(BROWSER))
    assert taker.taken == ["check"]
    assert port.dropped == {"unproved": 1, "foreign": 2}


async def test_early_checks_of_many_addresses_do_not_fill_the_memory(port: Port) -> None:
    line = port.join("ours:theirs", Taker())
    line.from_others = Budget(1 << 30)
    for number in range(1, MOST_CLAIMS + 100):
        port.sort(*laid(check()), name_of((STRANGER[0], number)))
    assert len(port._claims) == MOST_CLAIMS


async def test_an_oversize_packet_is_dropped_before_it_is_decrypted(
    port: Port, states: States
) -> None:
    async with answered(port, states, [0.0]) as leg:
        leg.transport._in = object()  # To decrypt with it would raise.
        cell, _ = laid(bytes(1501))
        leg.transport.take_media(cell, 1501)
        leg.transport.take_media(cell, 11)
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
    port: Port, states: States, change: Callable[[str], str], why: str
) -> None:
    async with answered(port, states, [0.0]) as leg:
        before = list(leg.sources.values())
        with pytest.raises(UnfitError, match=why):
            await leg.answer(change(OFFER_OF_CHROMIUM))
        assert list(leg.sources.values()) == before
        await leg.answer(OFFER_OF_CHROMIUM)


async def test_sections_of_an_earlier_offer_cannot_be_replaced_by_others(
    port: Port, states: States
) -> None:
    async with answered(port, states, [0.0]) as leg:
        other = OFFER_OF_CHROMIUM.replace("a=mid:3", "a=mid:x").replace("2 3\r", "2 x\r")
        with pytest.raises(UnfitError, match="sections"):
            await leg.answer(other)


async def test_a_leg_learns_so_many_addresses_and_no_more(port: Port, states: States) -> None:
    async with answered(port, states, [0.0]) as leg:
        known = leg.transport._remote_candidates()
        known += [
            Candidate("1", 1, "udp", 1, "192.0.2.7", port, "prflx")
            for port in range(1, MOST_ADDRESSES + 1)
        ]
        leg.transport.take_check(check(None), ("192.0.2.7", MOST_ADDRESSES + 1))
        assert leg.dropped == {"addresses": 1}
        leg.transport.take_check(check(None), ("192.0.2.7", MOST_ADDRESSES))
        assert leg.dropped == {"addresses": 1, "unproved": 1}
