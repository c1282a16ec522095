"""What a hostile peer sends: bad datagrams at a call with real media, and bad offers."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from random import Random

from aioice import stun

from server.calls.rules import MAX_LEG_SDP, MAX_LEG_SECTIONS, check_sdp
from server.errors import ServiceError
from server.media import rtcp
from server.media.cells import INBOX, Cell, name_of
from server.media.legs import Leg
from server.media.network import Network, own_address
from server.media.offers import UnfitError
from server.media.ports import Budget, Port
from server.media.rooms import Place, Room
from server.media.rtp import HEADER_SIZE
from server.media.tapes import Tape
from tests.support.browsers import FarEnd, far_end
from tests.support.mutations import misdescriptions, mutants
from tests.support.packets import VP8_DELTA, VP8_KEY, VP8_LATER_PART, laid, packet

PORTS = range(43_500, 44_000)
# A burst of these is sent between two turns of the loop.
BURST = 40
OFFERS_A_LEG = 10


_SECTION_HEAD = """c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 192.0.2.7 54400 typ host generation 0 network-cost 999
a=ice-ufrag:Zk0K
a=ice-pwd:7rXbZkXx3mQ0y1pK5yL1qkqj
a=ice-options:trickle
a=fingerprint:sha-256 {}
a=setup:actpass
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=rtcp-mux
a=rtcp-rsize
""".format(":".join(["A2"] * 32))

OFFER_OF_CHROMIUM = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2 3
a=extmap-allow-mixed
a=msid-semantic: WMS leg:camera
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
{_SECTION_HEAD}a=mid:0
a=sendonly
a=msid:leg:camera 5f0e
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:0 PCMU/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
a=ssrc:3570614608 msid:leg:camera 5f0e
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104
{_SECTION_HEAD}a=mid:1
a=sendonly
a=msid:leg:camera 8a31
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=ssrc-group:FID 2231627014 632943048
a=ssrc:2231627014 cname:4TOk42mSjXCkVIa6
a=ssrc:632943048 cname:4TOk42mSjXCkVIa6
m=audio 9 UDP/TLS/RTP/SAVPF 111
{_SECTION_HEAD}a=mid:2
a=recvonly
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 96
{_SECTION_HEAD}a=mid:3
a=recvonly
a=rtpmap:96 VP8/90000
""".replace("\n", "\r\n")


class Faults:
    """Whatever went wrong unseen: exceptions that reached the loop, and records of a log."""

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Listen to the running loop and to every logger."""
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, said: self.found.append(str(said)))
        listening = _Listening(self.found)
        logging.getLogger().addHandler(listening)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(listening)
            loop.set_exception_handler(before)


class _Listening(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(f"{record.name}: {record.getMessage()}")


class Taker:
    """What a leg's line gives out and what it drops, in order; only some addresses are known."""

    def __init__(self, *known: tuple[str, int]) -> None:
        self.taken: list[str] = []
        self.known = set(known)

    def knows(self, address: tuple[str, int]) -> bool:
        return address in self.known

    def take_media(self, _cell: Cell, _size: int) -> None:
        self.taken.append("media")

    def take_check(self, _datagram: bytes, _address: tuple[str, int]) -> None:
        self.taken.append("check")

    def take_handshake(self, _datagram: bytes) -> None:
        self.taken.append("handshake")

    def drop(self, why: str) -> None:
        self.taken.append(f"no {why}")


class Call:
    """Two ends that see and hear each other through two legs, and all that arrived at one leg."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.port = Port(Network(own_address(), PORTS), self.dropped)
        bare = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        self.honest = [bytes(bare)] * 20
        self.faults = Faults()
        self._connected = asyncio.Event()
        self._up: set[str] = set()

    def leg(self, name: str) -> Leg:
        return Leg(name, self.port, self._note, time.monotonic, self.dropped)

    def _note(self, leg: Leg, state: str) -> None:
        if state != "connected":
            self.faults.found.append(f"{leg.id} {state}")
        self._up.add(leg.id)
        if len(self._up) == 2:
            self._connected.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the call, until the block ends; then nothing may have gone wrong."""
        self.a, self.b = self.leg("a"), self.leg("b")
        async with far_end(self.a) as self.one, far_end(self.b) as self.other:
            self._tap()
            async with asyncio.timeout(60):
                await self._connected.wait()
            room = Room("call", lambda *_: None, lambda *_: None)
            room.seat({
                "a": Place("a", self.a, frozenset("b")), "b": Place("b", self.b, frozenset("a")),
            })  # fmt: skip
            with self.faults.watched():
                await self.goes_on()
                yield
                await self.goes_on()
            room.close()
            INBOX.__dict__.pop("read")
            assert not self.faults.found, self.faults.found[:5]

    def _tap(self) -> None:
        """Keep some of what arrives: checks, handshakes and encrypted media."""
        read = INBOX.read

        def keep(descriptor: int) -> int:
            count = read(descriptor)
            for index in range(count if len(self.honest) < 300 else 0):
                self.honest.append(bytes(INBOX.cells[index].view[: INBOX.sizes[index]]))
                self.browser = bytes(self.port._names[index])
            return count

        INBOX.read = keep  # type: ignore[method-assign]

    async def goes_on(self) -> None:
        """Wait until both ends have seen and heard more."""
        for end in (self.one, self.other):
            for mid in ("2", "3"):
                await end.see_in(mid, end.frames[mid] + 5)

    async def throw(self, count: int, chance: Random, *, by_wire: int) -> None:
        """Have so many bad datagrams arrive at one leg, of which some really go over UDP."""
        # Floods have a test of their own; here the parsers are to be reached.
        for line in self.port._lines.values():
            line.from_known = line.from_others = line.handshakes = Budget(1 << 30)
        wrong = mutants(chance, self.honest)
        senders = (self.browser, name_of(("192.0.2.9", 4000)))
        for start in range(0, count - by_wire, BURST):
            for datagram in islice(wrong, min(BURST, count - by_wire - start)):
                self.port.sort(*laid(datagram), chance.choice(senders))
            await asyncio.sleep(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((self.port.network.address, 0))
            stranger.setblocking(False)  # noqa: FBT003 (the method has no keyword)
            for datagram in islice(wrong, by_wire):
                stranger.sendto(datagram, (self.port.network.address, self.port.number))
                await asyncio.sleep(0)


class Inside:
    """A leg of a peer that shook hands and then sends what it likes: here after decryption.

    It is seen by another leg and recorded; neither has a browser, so nothing leaves.
    """

    def __init__(self, call: Call, chance: Random) -> None:
        self._now = time.monotonic()
        self._chance = chance
        self.failed: list[str] = []
        self.leg, self.other = (
            Leg(name, call.port, lambda *_: None, self._clock, Counter()) for name in "hc"
        )

    def _clock(self) -> float:
        self._now += 0.001
        return self._now

    async def open(self) -> None:
        for leg in (self.leg, self.other):
            await leg.answer(OFFER_OF_CHROMIUM)
        Room("inside", lambda *_: None, lambda *_: None).seat({
            "h": Place("h", self.leg, frozenset("c")), "c": Place("c", self.other, frozenset("h")),
        })  # fmt: skip
        self.tape = Tape("1", self.leg, lambda _, why: self.failed.append(why))

    async def throw(self, count: int) -> None:
        """Have so many bad packets and reports come out of the decryption."""
        packets = mutants(self._chance, self._packets())
        reports = mutants(self._chance, self._reports())
        for number in range(count):
            content = next(packets if number % 4 else reports)
            if not number % 4:
                self.leg.on_rtcp(content)
            elif len(content) >= HEADER_SIZE:
                self.leg.on_rtp(*laid(content))
            if not number % 100:
                self.tape.tick(self._now)
                await asyncio.sleep(0)
        assert not self.failed

    def _packets(self) -> list[bytes]:
        audio, video, repair = 3570614608, 2231627014, 632943048
        heard = {1: b"\x20", 2: b"abc", 3: b"\0\1", 4: b"1"}
        pictures = [VP8_KEY, VP8_DELTA, VP8_LATER_PART, b"\x90\xf0\x81\x02\x03\x04\x10\x02\0"]
        return [
            *(packet(10 + n, one, ssrc=video, extensions=heard, marker=n % 2 == 0)
              for n, one in enumerate(pictures)),
            packet(30, b"\0\x0a" + VP8_KEY, ssrc=repair, kind=97, extensions=heard),
            packet(5, b"\x7c\x85\x88" + bytes(50), ssrc=video, kind=103, extensions=heard),
            packet(7, b"opus", ssrc=audio, kind=111, extensions=heard),
            packet(8, VP8_KEY, ssrc=77, extensions=heard),
        ]  # fmt: skip

    def _reports(self) -> list[bytes]:
        out = [slot.media.ssrc for slot in self.leg.slots.values()]
        block = rtcp.Block(out[0], 1, 2, 3, 4, 5)
        return [
            rtcp.write_sender_report(rtcp.SenderInfo(2231627014, 1 << 40, 9000, 5, 6)),
            rtcp.write_receiver_report(9, block),
            rtcp.write_nack(9, out[-1], [1, 5, 900]),
            rtcp.write_pli(9, out[-1]),
            rtcp.write_remb(9, 900_000, out),
            b"\x84\xce\0\4\0\0\0\1\0\0\0\2" + out[-1].to_bytes(4, "big") + b"\1\0\0\0",
            b"\x81\xca\0\3\0\0\0\1\1\3abc\0\0\0",
            b"\x8f\xcd\0\5\0\0\0\1\0\0\0\2\0\1\0\4\0\0\1\1\0\4\0\0",
        ]

    async def close(self) -> None:
        self.tape.finish()
        await self.leg.close()
        await self.other.close()


async def throw_datagrams(count: int, seed: int) -> Counter[str]:
    """Throw so many bad datagrams at a call, and as many behind the decryption of another.

    AssertionError if an exception escaped or the call was disturbed; returns what was dropped.
    """
    chance, call = Random(seed), Call()
    async with call.running():
        inside = Inside(call, chance)
        await inside.open()
        await asyncio.gather(call.throw(count, chance, by_wire=count // 20), inside.throw(count))
        await inside.close()
    call.port.close()
    return call.dropped


async def throw_descriptions(count: int, seed: int, *, every: int = 1) -> Counter[str]:
    """Offer so many bad descriptions; return what became of them.

    The service's check comes first; of what passes it each `every`-th one is offered to a leg that
    may have been offered others before. Whatever is not a refusal by its code or an answer is
    raised.
    """
    faults, became = Faults(), Counter[str]()
    port = Port(Network(own_address(), PORTS), Counter())
    wrong = misdescriptions(Random(seed), [OFFER_OF_CHROMIUM, await _offer_of_aiortc(port)])
    passed = 0
    with faults.watched():
        while count > 0:
            leg = Leg("a", port, lambda *_: None, time.monotonic)
            for offer in islice(wrong, min(count, OFFERS_A_LEG * every)):
                checked = _check(offer)
                passed += checked is not None
                if checked is None:
                    became["refused by the service"] += 1
                elif passed % every:
                    became["passed by the service"] += 1
                else:
                    became[await _answer(leg, checked)] += 1
            await leg.close()
            count -= OFFERS_A_LEG * every
    port.close()
    assert not faults.found, faults.found[:5]
    return became


def _check(offer: str) -> str | None:
    try:
        return check_sdp(offer, size=MAX_LEG_SDP, sections=MAX_LEG_SECTIONS)
    except ServiceError as error:
        if error.code != "signal.invalid":
            raise
        return None


async def _answer(leg: Leg, offer: str) -> str:
    try:
        await leg.answer(offer)
    except UnfitError:
        return "refused by the worker"
    return "answered"


async def _offer_of_aiortc(port: Port) -> str:
    end = FarEnd(Leg("x", port, lambda *_: None, time.monotonic))
    offer = await end.make_offer()
    await end.end()
    return offer
