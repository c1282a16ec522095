"""What the worker says to a sender of how its packets come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiortc.rtp import RtcpPacket, RtcpReceiverInfo, RtcpRrPacket

from server.media import rtcp
from server.media.legs import Leg
from server.media.reception import Arrived, Reception
from server.media.rooms import Place, Room
from tests.server.media.conftest import States
from tests.support.browsers import far_end


@pytest.mark.parametrize(
    ("numbers", "packets", "lost"),
    [
        ([1, 2, 3], 3, 0),
        ([1, 2, 5], 3, 2),
        ([1, 3, 2, 4], 4, 0),
        ([65_534, 65_535, 1], 3, 1),
        ([7, 6, 5, 8], 2, 0),
        ([7, 7, 7], 3, 0),
    ],
)
def test_what_is_missing_between_the_first_and_the_last_is_lost(
    numbers: list[int], packets: int, lost: int
) -> None:
    arrived = Arrived(numbers[0], numbers[0])
    for number in numbers:
        arrived.note(number)
    assert (arrived.packets, arrived.lost) == (packets, lost)


def read(block: rtcp.Block | None) -> RtcpReceiverInfo:
    assert block is not None
    [report] = RtcpPacket.parse(rtcp.write_receiver_report(9, block))
    assert isinstance(report, RtcpRrPacket)
    return report.reports[0]


def noted(reception: Reception, *numbers: int) -> Reception:
    for number in numbers:
        reception.note(number & 0xFFFF, 0, 0.0)
    return reception


def test_a_report_is_of_the_time_since_the_last_one_and_of_all_of_it() -> None:
    reception = noted(Reception.begin(7, 65_533), *range(65_533, 65_537))
    first = read(reception.report(1.0))
    assert (first.ssrc, first.fraction_lost, first.packets_lost) == (7, 0, 0)
    assert first.highest_sequence == 65_536
    second = read(noted(reception, 65_538, 65_540).report(2.0))
    assert (second.fraction_lost, second.packets_lost) == (128, 2)
    third = read(noted(reception, 65_541).report(3.0))
    assert (third.fraction_lost, third.packets_lost) == (0, 2)


def test_of_a_time_in_which_nothing_came_nothing_is_said() -> None:
    reception = noted(Reception.begin(7, 1), 1, 2)
    assert reception.report(1.0) is not None
    assert reception.report(2.0) is None


def test_a_stream_that_goes_round_its_numbers_many_times_loses_nothing() -> None:
    reception = noted(Reception.begin(7, 0), *range(200_000))
    report = read(reception.report(1.0))
    assert (report.packets_lost, report.highest_sequence) == (0, 199_999)


def test_the_round_trip_can_be_told_from_the_last_report_of_the_sender() -> None:
    reception = noted(Reception.begin(7, 1), 1)
    reception.hear(0x1234_5678_9ABC_DEF0, 10.0)
    report = read(reception.report(10.5))
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32_768)


def test_jitter_is_none_where_packets_come_as_they_were_sent_and_grows_where_they_do_not() -> None:
    even, uneven = Reception.begin(7, 0), Reception.begin(8, 0)
    for number in range(100):
        stamp = (0xFFFF_FF00 + number * 960) & 0xFFFFFFFF
        even.note(number, stamp, 5e9 + number * 960.0)
        uneven.note(number, stamp, 5e9 + number * 960.0 + (number % 2) * 320)
    assert read(even.report(1.0)).jitter == 0
    assert 300 < read(uneven.report(1.0)).jitter < 330


async def test_what_a_receiver_lost_is_not_told_to_the_sender_but_what_the_worker_did(
    new_leg: Callable[[str], Leg], states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a), far_end(b) as observer:
        await states.become("connected", "a", "b")
        room = Room("call", lambda *_: None, lambda *_: None)
        room.seat({"a": Place("a", a, frozenset()), "b": Place("b", b, frozenset({"a"}))})
        await observer.see_in("3", 5)
        told: asyncio.Queue[rtcp.Part] = asyncio.Queue()

        def keep(compound: bytes) -> None:
            for part in rtcp.split(compound):
                if part.kind == rtcp.RR:
                    told.put_nowait(part)

        monkeypatch.setattr(a.transport, "send_rtcp", keep)
        for slot in b.slots.values():
            lossy = rtcp.Block(slot.media.ssrc, 255 << 24 | 900, 5, 0, 0, 0)
            b.on_rtcp(rtcp.write_receiver_report(9, lossy))
        streams = {source.ssrc for source in a.sources.values()}
        async with asyncio.timeout(60):
            while streams:
                part = await told.get()
                streams.discard(int.from_bytes(part.body[4:8]))
                assert part.body[8] == 0, "a share was lost"
