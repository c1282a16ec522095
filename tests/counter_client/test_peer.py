from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_to_sdp

from counter_client.answers import Refusal
from counter_client.descriptions import LARGEST_SDP, read_candidate, read_description, without_mdns
from counter_client.peer import Peer
from counter_client.sources import FRAME_SAMPLES, Pattern, Tone, draw_pattern

Signal = dict[str, Any]
MDNS = "a1b2c3d4-0000-4000-8000-00000000abcd.local"


@pytest.fixture(autouse=True)
async def _nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """After every test no task of a peer lives on, and asyncio has nothing to complain of."""
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(60):
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=0.05)
            if all(task.done() for task in left):
                break
    complaints = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not complaints


class Wire:
    """Carries signals between two ends, in order, as the service does."""

    def __init__(self) -> None:
        self.ends: dict[str, Callable[[Signal], Awaitable[None]]] = {}
        self.sent: list[tuple[str, Signal]] = []
        self._running: set[asyncio.Task[None]] = set()

    def sender(self, seat: str) -> Callable[[Signal], Awaitable[None]]:
        async def send(body: Signal) -> None:
            self.sent.append((seat, body))
            signal = {key: value for key, value in body.items() if key != "to"} | {"from": seat}
            task = asyncio.ensure_future(self.ends[body["to"]](signal))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        return send

    def descriptions(self) -> list[tuple[str, str]]:
        return [
            (seat, body["description"]["type"]) for seat, body in self.sent if "description" in body
        ]


@asynccontextmanager
async def two_peers(*, first_polite: bool = False) -> AsyncIterator[tuple[Wire, Peer, Peer]]:
    wire = Wire()
    one = Peer("a1", "s1", "s2", polite=first_polite, send=wire.sender("s1"))
    two = Peer("a1", "s2", "s1", polite=not first_polite, send=wire.sender("s2"))
    wire.ends = {"s1": one.hear, "s2": two.hear}
    try:
        yield wire, one, two
    finally:
        await one.close()
        await two.close()


async def offer_of() -> tuple[RTCPeerConnection, str]:
    """A connection that has made an offer, and the offer."""
    other = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in (Pattern(), Tone()):
        other.addTrack(track)
    await other.setLocalDescription(await other.createOffer())
    return other, other.localDescription.sdp


async def test_two_peers_see_and_hear_each_other_and_go_on_doing_so() -> None:
    async with two_peers() as (_, one, two):
        await asyncio.gather(one.start(), two.start())
        await asyncio.gather(one.see(), two.see())
        for peer in (one, two):
            await peer.see(15)
        assert one.connected.is_set()
        assert set(one.frames) == {"s2:camera/video", "s2:camera/audio"}
        assert set(two.frames) == {"s1:camera/video", "s1:camera/audio"}
        assert one.first_frame_at is not None


@pytest.mark.parametrize("first_polite", [False, True])
async def test_only_the_impolite_of_two_peers_offers(*, first_polite: bool) -> None:
    async with two_peers(first_polite=first_polite) as (wire, one, two):
        await asyncio.gather(two.start(), one.start())
        await asyncio.gather(one.see(), two.see())
        offering, answering = ("s2", "s1") if first_polite else ("s1", "s2")
        assert wire.descriptions() == [(offering, "offer"), (answering, "answer")]


async def test_a_peer_sends_whole_descriptions_with_its_streams_named() -> None:
    async with two_peers() as (wire, one, _):
        wire.ends["s2"] = ignore
        await one.start()
        (_, body), *more = wire.sent
        assert not more
        assert body["call_id"] == "a1"
        assert "a=candidate:" in body["description"]["sdp"]
        assert body["description"]["sdp"].count("a=msid:s1:camera ") == 2


async def ignore(_signal: Signal) -> None:
    """Take no notice of a signal."""


async def test_of_two_offers_that_cross_the_impolite_peer_keeps_its_own() -> None:
    wire = Wire()
    impolite = Peer("a1", "s1", "s2", polite=False, send=wire.sender("s1"))
    heard: asyncio.Queue[Signal] = asyncio.Queue()
    wire.ends = {"s2": heard.put, "s1": impolite.hear}
    say = wire.sender("s2")
    lost, lost_offer = await offer_of()
    await impolite.start()
    await say({"to": "s1", "description": {"type": "offer", "sdp": lost_offer}})
    gone = {"candidate": "candidate:1 1 udp 1 192.0.2.9 9 typ host", "sdp_mid": "0"}
    await say({"to": "s1", "candidate": gone | {"username_fragment": "gone"}})
    await say({"to": "s1", "candidate": gone | {"username_fragment": None}})
    await say({"to": "s1", "candidate": None})
    await lost.close()  # What rolling back comes to for an end that cannot do it.
    offer = (await heard.get())["description"]
    kept = Peer("a1", "s2", "s1", polite=True, send=say)
    await kept.hear({"description": offer})
    await asyncio.gather(impolite.see(), kept.see())
    assert wire.descriptions() == [("s1", "offer"), ("s2", "offer"), ("s2", "answer")]
    await impolite.close()
    await kept.close()


async def test_trickled_candidates_connect_even_when_they_come_before_the_description() -> None:
    async with two_peers() as (wire, one, two):
        caught: asyncio.Queue[Signal] = asyncio.Queue()
        wire.ends["s2"] = caught.put
        await one.start()
        description = (await caught.get())["description"]
        lines = description["sdp"].split("\r\n")
        bare = "\r\n".join(
            line for line in lines if not line.startswith(("a=candidate", "a=end-of"))
        )
        fragment = next(line for line in lines if line.startswith("a=ice-ufrag:"))[12:]
        for line in (line for line in lines if line.startswith("a=candidate")):
            await two.hear(
                {
                    "candidate": {
                        "candidate": line[2:],
                        "sdp_mid": "0",
                        "sdp_m_line_index": 0,
                        "username_fragment": fragment,
                    }
                }
            )
        await two.hear({"description": {"type": "offer", "sdp": bare}})
        await two.hear({"candidate": None})
        await asyncio.gather(one.see(), two.see())


async def test_an_end_that_shows_only_mdns_names_is_still_connected_with() -> None:
    async with two_peers() as (wire, one, two):

        async def hide(signal: Signal) -> None:
            hidden = []
            for line in signal["description"]["sdp"].split("\r\n"):
                words = line.split(" ")
                if line.startswith("a=candidate:"):
                    words[4] = MDNS
                hidden.append(" ".join(words))
            description = {**signal["description"], "sdp": "\r\n".join(hidden)}
            await two.hear({"description": description})
            trickled = {"candidate": f"candidate:1 1 udp 1 {MDNS} 9 typ host", "sdp_mid": "0"}
            await two.hear({"candidate": trickled})
            await two.hear({"candidate": None})

        wire.ends["s2"] = hide
        await one.start()
        await asyncio.gather(one.see(), two.see())


async def test_a_browser_that_was_reloaded_is_answered_on_a_new_connection() -> None:
    async with two_peers() as (wire, one, two):
        await one.start()
        await asyncio.gather(one.see(), two.see())
        before = two.pictures
        await one.close()
        reloaded = Peer("a1", "s1", "s2", polite=False, send=wire.sender("s1"))
        wire.ends["s1"] = reloaded.hear
        await reloaded.start()
        await reloaded.see()
        await two.see(before + 10)
        await reloaded.close()


async def test_a_peer_can_begin_again_itself() -> None:
    async with two_peers() as (_, one, two):
        await one.start()
        await asyncio.gather(one.see(), two.see())
        before = one.pictures
        await one.renew()
        await one.see(before + 10)
        await two.see(20)


async def test_a_stream_that_joins_later_is_received_too() -> None:
    wire = Wire()
    other, offer = await offer_of()
    peer = Peer("a1", "s2", "s1", polite=True, send=wire.sender("s2"))
    answers: asyncio.Queue[Signal] = asyncio.Queue()
    wire.ends = {"s1": answers.put}
    for number in range(2):
        if number:
            other.addTrack(Pattern())
            await other.setLocalDescription(await other.createOffer())
            offer = other.localDescription.sdp.replace("a=msid:", "a=msid:s1:screen")
        await peer.hear({"description": {"type": "offer", "sdp": offer}})
        answer = (await answers.get())["description"]
        await other.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await peer.see()
    while len([name for name in peer.frames if name.endswith("/video")]) < 2:
        await peer.see(peer.pictures + 1)
    await other.close()
    await peer.close()


BAD_DESCRIPTIONS: list[object] = [
    None,
    "offer",
    {},
    {"type": "offer"},
    {"type": "pranswer", "sdp": "v=0"},
    {"type": "rollback", "sdp": ""},
    {"type": "offer", "sdp": None},
    {"type": "offer", "sdp": ""},
    {"type": "offer", "sdp": "v=0\r\n"},
    {"type": "offer", "sdp": "\x00\xff"},
    {"type": "offer", "sdp": "v=0\r\nm=video nine UDP/TLS/RTP/SAVPF 96\r\n"},
    {"type": "offer", "sdp": "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"},
]


@pytest.mark.parametrize("description", BAD_DESCRIPTIONS)
async def test_a_bad_description_is_refused_and_a_good_one_after_it_answered(
    description: object,
) -> None:
    async with two_peers() as (_, one, two):
        with pytest.raises(Refusal) as refused:
            await two.hear({"description": description})
        assert refused.value.code == "description.invalid"
        await one.start()
        await asyncio.gather(one.see(), two.see())


def spoilt(sdp: str) -> dict[str, str]:
    """Descriptions that are wrong in one place."""
    return {
        "no codec in common": re.sub("VP8|VP9|H264", "VP0", sdp),
        "no fingerprint": drop(sdp, "a=fingerprint"),
        "no ICE user": drop(sdp, "a=ice-ufrag"),
        "a candidate cut short": sdp.replace(" typ host", ""),
        "a port that is none": sdp.replace("a=candidate:", "a=candidate:x 1 udp 1 1.2.3.4 port"),
        "no rtcp-mux": drop(sdp, "a=rtcp-mux"),
        "a setup that is none": sdp.replace("a=setup:actpass", "a=setup:sideways"),
        "a payload type that is none": sdp.replace("a=rtpmap:", "a=rtpmap:x"),
    }


def drop(sdp: str, start: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(start))


@pytest.mark.parametrize("fault", list(spoilt("")))
async def test_a_description_with_one_fault_is_refused_and_leaves_the_peer_usable(
    fault: str,
) -> None:
    other, offer = await offer_of()
    await other.close()
    async with two_peers() as (_, one, two):
        with pytest.raises(Refusal) as refused:
            await two.hear({"description": {"type": "offer", "sdp": spoilt(offer)[fault]}})
        assert refused.value.code == "description.invalid"
        await one.start()
        await asyncio.gather(one.see(), two.see())


async def test_a_bad_answer_is_refused_and_the_good_one_after_it_taken() -> None:
    async with two_peers() as (wire, one, two):
        refusals: list[str] = []

        async def spoil_first(signal: Signal) -> None:
            if not refusals:
                bad = {"type": "answer", "sdp": "v=0\r\n"}
                with pytest.raises(Refusal) as refused:
                    await one.hear({"description": bad})
                refusals.append(refused.value.code)
            await one.hear(signal)

        wire.ends["s1"] = spoil_first
        await one.start()
        await asyncio.gather(one.see(), two.see())
        assert refusals == ["description.invalid"]


async def test_an_answer_that_nobody_waits_for_is_refused() -> None:
    async with two_peers() as (wire, one, two):
        await one.start()
        await asyncio.gather(one.see(), two.see())
        answer = next(body for seat, body in wire.sent if seat == "s2")
        with pytest.raises(Refusal) as refused:
            await one.hear({"description": answer["description"]})
        assert refused.value.code == "description.unexpected"
        seen = one.pictures
        await one.see(seen + 5)


async def test_a_description_of_a_megabyte_is_refused_unread() -> None:
    async with two_peers() as (_, _one, two):
        with pytest.raises(Refusal) as refused:
            await two.hear({"description": {"type": "offer", "sdp": "a" * 1_000_000}})
    assert refused.value.code == "description.too_large"


@pytest.mark.parametrize(
    "candidate",
    [
        "candidate:1 1 udp",
        {},
        {"candidate": None},
        {"candidate": "candidate:1 1 udp 1 192.0.2.1 9"},
        {"candidate": "candidate:1 1 udp one 192.0.2.1 9 typ host"},
        {"candidate": "candidate:1 1 udp 1 example.com 9 typ host"},
        {"candidate": "candidate:1 1 udp 1 169.254.1.1; 9 typ host"},
    ],
)
@pytest.mark.parametrize("early", ["before", "after"])
async def test_a_bad_candidate_is_refused_and_the_call_goes_on(
    candidate: object, early: str
) -> None:
    async with two_peers() as (_, one, two):
        if early == "after":
            await one.start()
            await two.see()
        with pytest.raises(Refusal) as refused:
            await two.hear({"candidate": candidate})
        assert refused.value.code == "candidate.invalid"
        if early == "before":
            await one.start()
        await asyncio.gather(one.see(), two.see())


async def test_a_signal_that_is_neither_is_refused() -> None:
    async with two_peers() as (_, one, _two):
        with pytest.raises(Refusal, match=r"signal\.invalid"):
            await one.hear({"call_id": "a1"})


@pytest.mark.parametrize("moment", ["new", "offered", "answering", "seeing"])
async def test_a_peer_can_be_closed_at_any_moment_and_then_hears_nothing(moment: str) -> None:
    async with two_peers() as (wire, one, two):
        if moment == "offered":
            wire.ends["s2"] = ignore
        if moment != "new":
            await one.start()
        if moment == "seeing":
            await asyncio.gather(one.see(), two.see())
    await one.hear({"description": {"type": "offer", "sdp": "nonsense"}})
    await one.start()
    await one.renew()
    await one.close()
    assert not one.first_frame.is_set() or moment == "seeing"


async def test_no_picture_in_time_is_a_timeout() -> None:
    async with two_peers() as (_, one, _two):
        with pytest.raises(TimeoutError):
            await one.see(within=0.01)


def test_an_empty_or_mdns_candidate_is_dropped_without_error() -> None:
    assert read_candidate({"candidate": ""}) is None
    assert read_candidate({"candidate": f"candidate:1 1 udp 1 {MDNS} 9 typ host"}) is None


def test_a_candidate_keeps_its_place() -> None:
    line = "1 1 udp 2113937151 192.0.2.2 50000 typ host"
    read = read_candidate({"candidate": "candidate:" + line, "sdp_mid": "1", "sdp_m_line_index": 1})
    assert read is not None
    assert (read.sdpMid, read.sdpMLineIndex, candidate_to_sdp(read)) == ("1", 1, line)


def test_mdns_lines_are_taken_out_and_the_end_only_with_the_last_address() -> None:
    mdns = f"a=candidate:1 1 udp 1 {MDNS} 9 typ host\r\n"
    literal = "a=candidate:2 1 udp 1 192.0.2.2 9 typ host\r\n"
    end = "a=end-of-candidates\r\n"
    assert without_mdns(mdns + literal + end) == literal + end
    assert without_mdns(mdns + end) == ""


async def test_an_honest_offer_is_read_with_its_streams() -> None:
    other, offer = await offer_of()
    await other.close()
    assert len(offer) < LARGEST_SDP
    description = read_description({"type": "offer", "sdp": offer})
    assert set(description.streams) == {"0", "1"}
    assert all(description.streams.values())


def test_the_mark_moves_from_frame_to_frame() -> None:
    pictures = [bytes(draw_pattern(number).planes[0]) for number in range(3)]
    assert len(set(pictures)) == 3
    assert (draw_pattern(0).width, draw_pattern(0).height) == (640, 480)


async def test_the_tone_is_a_wave_without_a_break() -> None:
    tone = Tone()
    first, second = await tone.recv(), await tone.recv()
    assert second.pts - first.pts == FRAME_SAMPLES
    samples = memoryview(bytes(first.planes[0])).cast("h")
    assert max(samples) > 5_000 > -5_000 > min(samples)
    tone.stop()


def mutated(sdp: str, seed: int) -> str:
    """An honest description with a few lines lost, doubled, moved, cut or garbled."""
    chance = random.Random(seed)
    lines = sdp.split("\r\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(chance.randrange(len(lines)), lines[at])
            case 2:
                lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
            case 3:
                words = lines[at].split(" ")
                words[chance.randrange(len(words))] = chance.choice(
                    ["", "-1", "x" * 40, "\x00", "٣"]
                )
                lines[at] = " ".join(words)
            case _:
                lines[at] = lines[at].replace(":", chance.choice(["", " ", "::", "/"]), 1)
    return "\r\n".join(lines)


async def test_a_garbled_offer_is_answered_or_refused_and_nothing_else() -> None:
    other, offer = await offer_of()
    await other.close()
    outcomes: Counter[str] = Counter()
    for seed in range(120):
        wire = Wire()
        wire.ends = {"s1": ignore}
        peer = Peer("a1", "s2", "s1", polite=True, send=wire.sender("s2"))
        try:
            await peer.hear({"description": {"type": "offer", "sdp": mutated(offer, seed)}})
            outcomes["answered"] += 1
        except Refusal as refused:
            outcomes[refused.code] += 1
        await peer.close()
    assert set(outcomes) == {"answered", "description.invalid"}
