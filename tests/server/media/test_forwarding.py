"""One source into slots: names and numbers go on, whatever feeds a slot."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from server.media.cells import Cell
from server.media.forwarding import Link, Slot, Source, payload_types
from server.media.rtcp import SenderInfo
from server.media.rtp import read_extension
from tests.support.packets import THEIRS, VP8_DELTA, VP8_KEY, packet, received, section


@dataclass
class Browser:
    """Keeps what is sent to it, and what is asked of it."""

    sent: list[bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    @property
    def sender(self) -> Browser:
        return self

    def send_rtp(self, cell: Cell, size: int) -> None:
        self.sent.append(bytes(cell.view[:size]))

    def send_rtcp(self, compound: bytes) -> None:
        raise AssertionError(compound)

    def request_key(self, source: Source) -> None:
        self.asked.append(source.ssrc)

    def tell_estimate(self, source: Source) -> None:
        raise AssertionError(source)

    def numbers(self) -> list[int]:
        return [struct.unpack_from("!H", one, 2)[0] for one in self.sent]

    def stamps(self) -> list[int]:
        return [struct.unpack_from("!L", one, 4)[0] for one in self.sent]


def a_slot(browser: Browser) -> Slot:
    return Slot(section("5", sends=False, types=(100, 101, 102), extensions=THEIRS), browser)


def a_source(ssrc: int = 1111) -> Source:
    return Source(section(ssrcs=(ssrc, ssrc + 1)), ssrc, ssrc + 1)


def send(link: Link, content: bytes, now: float = 1.0, *, repair: bool = False) -> None:
    link.forward(received(content, now, repair=repair))


def test_a_packet_comes_out_under_the_slots_names_with_its_payload_untouched() -> None:
    browser = Browser()
    link = Link(a_source(), a_slot(browser), browser)
    send(link, packet(7, marker=True, extensions={1: b"1", 3: b"abc", 4: b"\0\1"}))
    [out] = browser.sent
    assert struct.unpack_from("!BBHLL", out) == (0x90, 0x80 | 100, 7, 9000, 2221)
    assert read_extension(memoryview(out), len(out), 5) == b"abc"
    assert out.endswith(VP8_KEY)


def test_each_of_several_slots_gets_the_packet_whole_and_under_its_own_names() -> None:
    browsers, source = [Browser() for _ in range(3)], a_source()
    for number, browser in enumerate(browsers):
        slot = a_slot(browser)
        slot.media.ssrc = number
        source.links.append(Link(source, slot, browser))
    payload = VP8_KEY + bytes(range(200))
    for number in range(2):
        content = packet(number, payload, extensions={1: b"1", 3: b"abc"})
        source.forward(received(content, 1.0))
    for number, browser in enumerate(browsers):
        assert [struct.unpack_from("!L", one, 8)[0] for one in browser.sent] == [number] * 2
        for one in browser.sent:
            assert one.endswith(payload)
            assert read_extension(memoryview(one), len(one), 5) == b"abc"


def test_a_picture_begins_with_a_key_frame() -> None:
    browser = Browser()
    link = Link(a_source(), a_slot(browser), browser)
    send(link, packet(1, VP8_DELTA))
    assert link.waiting
    send(link, packet(2, VP8_KEY))
    send(link, packet(3, VP8_DELTA))
    assert browser.numbers() == [2, 3]
    assert not link.waiting


def test_what_left_before_the_key_frame_and_comes_after_it_is_dropped() -> None:
    browser = Browser()
    link = Link(a_source(), a_slot(browser), browser)
    send(link, packet(0, VP8_KEY))
    send(link, packet(65535, VP8_DELTA))
    send(link, packet(1, VP8_DELTA))
    assert browser.numbers() == [0, 1]


def test_another_source_goes_on_with_the_slots_numbers_and_time() -> None:
    browser = Browser()
    slot = a_slot(browser)
    send(Link(a_source(), slot, browser), packet(65535, stamp=0xFFFFFF00), 1.0)
    second = Link(a_source(3333), slot, browser)
    send(second, packet(500, stamp=123, ssrc=3333), 3.0)
    send(second, packet(502, VP8_DELTA, stamp=3123, ssrc=3333), 3.1)
    send(second, packet(501, VP8_DELTA, stamp=123, ssrc=3333), 3.1)
    assert browser.numbers() == [65535, 0, 2, 1]
    elapsed = 2 * 90_000
    assert browser.stamps()[1] == (0xFFFFFF00 + elapsed) & 0xFFFFFFFF
    assert browser.stamps()[2] - browser.stamps()[1] == 3000
    assert {struct.unpack_from("!L", one, 8)[0] for one in browser.sent} == {2221}


def test_a_retransmission_names_the_packet_it_repeats_as_the_slot_does() -> None:
    browser = Browser()
    slot = a_slot(browser)
    send(Link(a_source(), slot, browser), packet(10))
    link = Link(a_source(3333), slot, browser)
    send(link, packet(900, ssrc=3333))
    repeated = struct.pack("!H", 901) + VP8_DELTA
    send(link, packet(40, repeated, ssrc=3334, kind=97), repair=True)
    out = browser.sent[-1]
    assert struct.unpack_from("!BBHLL", out)[1::3] == (101, 2222)
    assert struct.unpack_from("!H", out, 12)[0] == 12
    assert out.endswith(VP8_DELTA)


def test_a_repair_before_any_picture_and_one_without_its_number_go_nowhere() -> None:
    browser = Browser()
    link = Link(a_source(), a_slot(browser), browser)
    send(link, packet(1, b"\0\1" + VP8_KEY, kind=97), repair=True)
    send(link, packet(2))
    send(link, packet(3, b"\0", kind=97), repair=True)
    assert browser.numbers() == [2]


def test_what_the_slots_browser_does_not_take_is_dropped() -> None:
    browser = Browser()
    link = Link(a_source(), a_slot(browser), browser)
    send(link, packet(1, kind=120))
    assert browser.sent == []


def test_payload_types_are_matched_by_what_they_stand_for() -> None:
    table = payload_types(section(), section("5", sends=False, types=(100, 101, 102)))
    assert (table[96], table[97], table[98], table[99]) == (100, 101, 102, 0xFF)


def test_a_sender_report_is_read_under_the_names_of_the_slot() -> None:
    browser = Browser()
    slot = a_slot(browser)
    send(Link(a_source(), slot, browser), packet(10, stamp=50))
    link = Link(a_source(3333), slot, browser)
    info = SenderInfo(3333, 77, 1000, 5, 6)
    assert link.translate_report(info) is None
    send(link, packet(900, ssrc=3333, stamp=1000), 1.0)
    told = link.translate_report(info)
    assert told is not None
    assert (told.ssrc, told.ntp, told.rtp) == (2221, 77, browser.stamps()[-1])
    assert link.original(12) == 901
