from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.calls.rules import (
    MAX_CANDIDATES,
    MAX_SDP,
    MAX_SECTIONS,
    SeatSide,
    check_candidate,
    check_sdp,
    negotiates,
)
from server.errors import ServiceError

HEAD = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
VIDEO = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=rtpmap:96 VP8/90000", "a=mid:0"]
HOST = "candidate:1 1 udp 2113937151 192.0.2.7 54400 typ host generation 0 ufrag a1B/ network-id 1"
MDNS = "candidate:1 1 UDP 2113937151 0b1c9a0e-6f0e-4a1b-9c3d-2f4e5a6b7c8d.local 54400 typ host"
RELAYED = "candidate:3 1 udp 41885439 203.0.113.9 61000 typ relay raddr 198.51.100.4 rport 51000"


def sdp(*lines: str, ending: str = "\r\n") -> str:
    return ending.join([*HEAD, *lines]) + ending


def refused(check: Callable[[str], str], text: str) -> bool:
    try:
        check(text)
    except ServiceError as error:
        return error.code == "signal.invalid"
    return False


@pytest.mark.parametrize(
    "candidate",
    [
        "",
        HOST,
        MDNS,
        RELAYED,
        "candidate:4 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active",
        "candidate:5 2 udp 2113937151 2001:db8::7 54400 typ host",
        "candidate:6 1 udp 1677729535 203.0.113.9 61000 typ srflx raddr 0.0.0.0 rport 0",
    ],
)
def test_what_browsers_gather_passes(candidate: str) -> None:
    assert check_candidate(candidate) == candidate
    if candidate:
        assert f"a={candidate}" in check_sdp(sdp(*VIDEO, f"a={candidate}"))


@pytest.mark.parametrize(
    "candidate",
    [
        "hello",
        HOST.replace("candidate:", "a=candidate:"),
        HOST.replace("192.0.2.7", "evil.example"),
        HOST.replace("192.0.2.7", "localhost"),
        HOST.replace("192.0.2.7", "3232235777"),
        HOST.replace("192.0.2.7", "0x7f.1"),
        HOST.replace("192.0.2.7", "192.0.2.07"),
        HOST.replace("192.0.2.7", "fe80::1%eth0"),
        HOST.replace("192.0.2.7", "[::1]"),
        HOST.replace("192.0.2.7", "not-a-uuid.local"),
        HOST.replace("192.0.2.7", "0b1c9a0e-6f0e-4a1b-9c3d-2f4e5a6b7c8d.local.evil.example"),
        HOST.replace("192.0.2.7", "１９２.0.2.7"),
        HOST.replace("54400", "65536"),
        HOST.replace("54400", "-1"),
        HOST.replace("54400", "５４４００"),
        HOST.replace("udp", "sctp"),
        HOST.replace("typ host", "typ other"),
        HOST.replace("candidate:1", "candidate:"),
        HOST.replace("candidate:1 1", "candidate:1 0"),
        HOST + "\r\na=candidate:1 1 udp 1 evil.example 1 typ host",
        HOST + "\n",
        RELAYED.replace("198.51.100.4", "evil.example"),
        RELAYED + " raddr evil.example",
        RELAYED + " RADDR evil.example",
        "candidate:" + "1" * 600,
    ],
)
def test_a_hostile_candidate_is_refused_alone_and_in_a_description(candidate: str) -> None:
    assert refused(check_candidate, candidate)
    if candidate.startswith("candidate:"):
        assert refused(check_sdp, sdp(*VIDEO, f"a={candidate}"))


def test_a_description_comes_out_with_one_kind_of_line_end() -> None:
    text = sdp(*VIDEO, ending="\n")
    assert check_sdp(text) == sdp(*VIDEO)
    assert check_sdp(sdp(*VIDEO)) == sdp(*VIDEO)


def test_the_largest_honest_description_passes_and_one_byte_more_does_not() -> None:
    sections = [line for _ in range(MAX_SECTIONS) for line in VIDEO]
    base = sdp(*sections)
    filler = "a=x:" + "y" * (MAX_SDP - len(base) - len("a=x:\r\n"))
    assert len(check_sdp(sdp(*sections, filler))) == MAX_SDP
    assert refused(check_sdp, sdp(*sections, filler + "y"))


def test_too_many_sections_or_candidates_are_refused() -> None:
    assert refused(check_sdp, sdp(*(line for _ in range(MAX_SECTIONS + 1) for line in VIDEO)))
    assert not refused(check_sdp, sdp(*VIDEO, *[f"a={HOST}"] * MAX_CANDIDATES))
    assert refused(check_sdp, sdp(*VIDEO, *[f"a={HOST}"] * (MAX_CANDIDATES + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\n",
        "hello",
        sdp(*VIDEO) + "\r\n",
        sdp("a=\x00"),
        sdp("a=mid:0\x0b"),
        sdp("a=mid:0\rm=audio"),
        sdp("A=mid:0"),
        sdp("mid:0"),
        sdp(*VIDEO, "c=IN IP4 evil.example"),
        sdp(*VIDEO, "c=IN IP4 224.0.0.1/127 x"),
        sdp("a=名"),
        "x" * 1_000_000,
        sdp("a=" + "x" * 1_000_000),
    ],
)
def test_a_description_that_is_none_is_refused(text: str) -> None:
    assert refused(check_sdp, text)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_no_line_is_hidden_behind_what_some_parsers_take_as_its_end(end: str) -> None:
    hidden = f"a=mid:0{end}a=candidate:1 1 udp 1 evil.example 1 typ host"
    assert len(hidden.splitlines()) == 2
    assert refused(check_sdp, sdp(*VIDEO, hidden))


@given(some.text(max_size=300))
def test_any_text_is_taken_or_refused_and_never_a_crash(text: str) -> None:
    refused(check_sdp, text)
    refused(check_sdp, sdp(text))
    refused(check_candidate, text)
    refused(check_candidate, HOST.replace("192.0.2.7", text))


@given(some.text(some.characters(codec="utf-8"), max_size=200))
def test_what_passes_is_read_in_the_same_lines_by_every_parser(text: str) -> None:
    try:
        passed = check_sdp(sdp(text))
    except ServiceError:
        return
    assert passed.splitlines() == passed.removesuffix("\r\n").split("\r\n")


def test_the_facing_screen_negotiates_with_the_far_side_only() -> None:
    assert negotiates(SeatSide.LOCAL, SeatSide.REMOTE)
    assert negotiates(SeatSide.REMOTE, SeatSide.CITIZEN)
    assert not negotiates(SeatSide.LOCAL, SeatSide.CITIZEN)
    assert not negotiates(SeatSide.CITIZEN, SeatSide.LOCAL)
