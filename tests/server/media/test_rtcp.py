from __future__ import annotations

from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from server.media import rtcp

INFO = RtcpSenderInfo(ntp_timestamp=2**40 + 7, rtp_timestamp=90_000, packet_count=5, octet_count=6)
REPORT = RtcpReceiverInfo(
    ssrc=42, fraction_lost=3, packets_lost=9, highest_sequence=70_000, jitter=4, lsr=5, dlsr=6
)


def parts(*packets: RtcpPacket) -> list[rtcp.Part]:
    return list(rtcp.split(b"".join(bytes(one) for one in packets)))


def test_a_compound_is_read_as_another_library_writes_it() -> None:
    sender, receiver = parts(
        RtcpSrPacket(ssrc=7, sender_info=INFO, reports=[REPORT]),
        RtcpRrPacket(ssrc=8, reports=[REPORT, REPORT]),
    )
    assert rtcp.sender_info(sender) == (7, 2**40 + 7, 90_000, 5, 6)
    assert (receiver.kind, receiver.format) == (rtcp.RR, 2)


def test_what_we_write_is_read_by_another_library() -> None:
    block = rtcp.Block(43, 3 << 24 | 9, 70_000, 4, 5, 6)
    written = (
        rtcp.write_sender_report(rtcp.SenderInfo(7, 2**40, 3, 4, 5))
        + rtcp.write_receiver_report(9, block)
        + rtcp.write_pli(1, 2)
        + rtcp.write_nack(1, 2, [10, 12, 26, 65535])
        + rtcp.write_remb(1, 1_234_567, [2, 3])
    )
    sender, receiver, pli, nack, remb = RtcpPacket.parse(written)
    assert isinstance(sender, RtcpSrPacket)
    assert (sender.ssrc, sender.sender_info.rtp_timestamp) == (7, 3)
    assert isinstance(receiver, RtcpRrPacket)
    assert (receiver.ssrc, receiver.reports[0].ssrc) == (9, 43)
    assert receiver.reports[0].highest_sequence == 70_000
    assert (receiver.reports[0].fraction_lost, receiver.reports[0].packets_lost) == (3, 9)
    assert isinstance(pli, RtcpPsfbPacket)
    assert (pli.fmt, pli.media_ssrc) == (1, 2)
    assert isinstance(nack, RtcpRtpfbPacket)
    assert nack.lost == [10, 12, 26, 65535]
    assert isinstance(remb, RtcpPsfbPacket)
    bitrate, ssrcs = unpack_remb_fci(remb.fci)
    assert ssrcs == [2, 3]
    assert 0.99 * 1_234_567 <= bitrate <= 1_234_567


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=60, unique=True).map(sorted))
def test_every_number_that_a_nack_names_is_read_again(lost: list[int]) -> None:
    [part] = rtcp.split(rtcp.write_nack(1, 2, lost))
    assert rtcp.nacked(part) == lost
    assert rtcp.media_ssrc(part) == 2


@given(st.integers(1, 2**40))
def test_an_estimate_is_read_again_to_a_part_in_a_hundred_thousand(bitrate: int) -> None:
    [part] = rtcp.split(rtcp.write_remb(1, bitrate, [2]))
    found = rtcp.read_remb(part)
    assert found is not None
    assert bitrate * 0.99999 <= found[0] <= bitrate


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_the_reading_of_a_compound(content: bytes) -> None:
    for part in rtcp.split(content):
        rtcp.sender_info(part)
        rtcp.media_ssrc(part)
        rtcp.nacked(part)
        rtcp.fir_ssrcs(part)
        rtcp.read_remb(part)
