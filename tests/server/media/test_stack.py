"""What the relay needs of aiortc's inside, and what a hostile peer may try at a connection."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
from collections import Counter
from collections.abc import Callable

import aioice.ice
import aiortc.rtcdtlstransport
import aiortc.rtcicetransport
import aiortc.rtcrtpreceiver
import aiortc.rtcrtpsender
import aiortc.rtcrtptransceiver
import pylibsrtp
import pytest
from aioice import stun
from aiortc import RTCRtpCodecParameters, RTCRtpSender

from server.media.cells import Cell
from server.media.legs import Leg
from server.media.network import Network
from server.media.offers import UnfitError, fit, in_order
from server.media.ports import Port, PortsError
from server.media.stack import Transport
from tests.server.media.conftest import States
from tests.support.browsers import FarEnd, far_end
from tests.support.packets import laid

PRIVATE = [
    (aiortc.rtcdtlstransport.RTCDtlsTransport._recv_next, "self._rx_srtp"),
    (aiortc.rtcdtlstransport.RTCDtlsTransport._send_rtp, "self._tx_srtp"),
    (aiortc.rtcdtlstransport.RTCDtlsTransport._recv_next, "self.transport._recv()"),
    (aiortc.rtcicetransport.RTCIceTransport.__init__, "self._connection = gatherer._connection"),
    (aiortc.rtcicetransport.RTCIceGatherer.gather, "self._connection.gather_candidates()"),
    (aiortc.rtcrtptransceiver.RTCRtpTransceiver.__init__, "self._codecs"),
    (aiortc.rtcrtptransceiver.RTCRtpTransceiver.__init__, "self._headerExtensions"),
    (aiortc.rtcrtpsender.RTCRtpSender.__init__, "self._ssrc"),
    (aiortc.rtcrtpsender.RTCRtpSender.__init__, "self._rtx_ssrc"),
    (aiortc.rtcrtpsender.RTCRtpSender.__init__, "self._stream_id"),
    (aioice.ice.Connection.__init__, "self._protocols"),
    (aioice.ice.Connection.gather_candidates, "self._local_candidates_end = True"),
    (aioice.ice.Connection.gather_candidates, "self._local_candidates +="),
    (aioice.ice.Connection.check_complete, "self._nominated[pair.component] = pair"),
    (aioice.ice.Connection.check_start, "self.check_complete(pair)"),
    (aioice.ice.Connection.check_incoming, "self._remote_candidates.append(remote_candidate)"),
    (aioice.ice.CandidatePair.remote_addr.fget, "_network_host"),
    (aioice.ice.StunProtocol.datagram_received, "self.receiver.data_received"),
    (aioice.ice.StunProtocol.datagram_received, "self.receiver.request_received"),
    (aioice.ice.StunProtocol.close, "self.transport.close()"),
    (aioice.ice.Connection.data_received, "self._queue.put_nowait((data, component))"),
    (aioice.ice.Connection.request_received, "self.respond_error(message, addr, protocol, (401"),
    (pylibsrtp.Session.__init__, "self._srtp"),
]


@pytest.mark.parametrize(("where", "name"), PRIVATE, ids=[name for _, name in PRIVATE])
def test_the_libraries_still_have_what_we_reach_into(
    where: Callable[..., object], name: str
) -> None:
    assert name in inspect.getsource(where)


class Counting:
    """A listener that counts."""

    def __init__(self) -> None:
        self.rtp = self.rtcp = 0

    def on_rtp(self, _cell: Cell, _size: int) -> None:
        self.rtp += 1

    def on_rtcp(self, _compound: bytes) -> None:
        self.rtcp += 1

    def on_state(self, state: str) -> None:
        pass


@pytest.mark.parametrize(
    "offer",
    ["", "v=0", "v=0\r\nm=video x", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n",
     "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "\x00" * 100, "m=" * 30_000],
)  # fmt: skip
async def test_an_offer_that_cannot_be_answered_is_refused(port: Port, offer: str) -> None:
    transport = Transport(port, Counting(), Counter())
    with pytest.raises(UnfitError):
        await transport.answer(offer)
    await transport.close()


async def test_candidates_are_not_reached_out_to(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap:
        leg = new_leg("a")
        trap.bind((leg.port.network.address, 0))
        trap.settimeout(0)
        end = FarEnd(leg)
        await end.connection.setLocalDescription(await end.connection.createOffer())
        address, port = trap.getsockname()
        named = f"a=candidate:1 1 udp 2130706431 {address} {port} typ host\r\n"
        offer = end.connection.localDescription.sdp.replace("a=ice-ufrag", f"{named}a=ice-ufrag")
        assert offer.count(named) >= 1
        answer = await leg.answer(offer)
        await end.connection.setRemoteDescription(type(end.connection.localDescription)(
            answer, "answer"
        ))  # fmt: skip
        await states.become("connected", "a")
        with pytest.raises(BlockingIOError):
            trap.recv(2048)
        await end.end()
        await leg.close()


async def test_a_full_range_of_ports_is_told(port: Port) -> None:
    full = Network(port.network.address, range(port.number, port.number + 1))
    with pytest.raises(PortsError, match=str(port.number)):
        Port(full, Counter())


def test_of_vp9_only_the_profile_that_every_browser_decodes_is_taken() -> None:
    profiles = ("0", "2", None)
    offered = [RTCRtpCodecParameters("video/VP9", 90_000, payloadType=98 + number,
               parameters={} if one is None else {"profile-id": one})
               for number, one in enumerate(profiles)]  # fmt: skip
    assert [one.payloadType for one in fit(offered)] == [98, 100]


ORDERS = [
    # As browsers offer them; what cannot be recorded comes behind; what those who watch take first.
    (["VP8", "VP9", "H264"], [], ["VP8", "VP9", "H264"]),
    (["VP9", "VP8"], [], ["VP9", "VP8"]),
    (["H264", "VP9", "VP8"], [], ["VP9", "VP8", "H264"]),
    (["H264"], ["VP8"], ["H264"]),
    (["VP8", "VP9", "H264"], ["VP9", "H264"], ["VP9", "H264", "VP8"]),
    (["VP8", "VP9", "H264"], ["H264"], ["H264", "VP8", "VP9"]),
]


@pytest.mark.parametrize(("offered", "taken", "answered"), ORDERS)
def test_what_is_answered_first_is_what_all_take_and_a_recording_too(
    offered: list[str], taken: list[str], answered: list[str]
) -> None:
    codecs = []
    for number, name in enumerate(offered):
        kind = 96 + 2 * number
        codecs += [
            RTCRtpCodecParameters(f"video/{name}", 90_000, payloadType=kind),
            RTCRtpCodecParameters("video/rtx", 90_000, None, kind + 1, parameters={"apt": kind}),
        ]
    found = in_order(codecs, frozenset(taken))
    assert [one.name for one in found[::2]] == answered
    assert [one.parameters["apt"] for one in found[1::2]] == [one.payloadType for one in found[::2]]


async def test_a_browser_that_has_no_vp8_is_answered_with_vp9(
    new_leg: Callable[[str], Leg],
) -> None:
    leg, codecs = new_leg("a"), RTCRtpSender.getCapabilities("video").codecs
    end = FarEnd(leg)
    for one in end.connection.getTransceivers():
        if one.kind == "video":
            one.setCodecPreferences([codec for codec in codecs if codec.mimeType != "video/VP8"])
    answer = await leg.answer(await end.make_offer())
    names = [one.name for one in leg.sources["1"].section.codecs.values()]
    assert names == ["VP9", "RTX", "H264", "RTX", "H264", "RTX"]
    assert "a=fmtp:109 profile-id=0" in answer
    assert "a=rtcp-fb:109 transport-cc" not in answer
    await end.end()
    await leg.close()


def hostile() -> list[tuple[str, bytes, str]]:
    """What is thrown at a connection's port, and as what it is counted."""
    check = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    return [
        ("media of a stranger", b"\x80\x60" + os.urandom(100), "foreign"),
        ("a handshake of a stranger", b"\x16\xfe\xfd" + os.urandom(200), "foreign"),
        ("nothing known", b"\xff" * 50, "foreign"),
        ("no STUN", b"\x00" * 30, "stun"),
        ("an unauthenticated check", bytes(check), "unproved"),
        ("nothing at all", b"", "foreign"),
    ]


async def test_what_strangers_send_is_dropped_and_counted_and_the_call_goes_on(
    new_leg: Callable[[str], Leg], port: Port, states: States
) -> None:
    leg = new_leg("a")
    async with far_end(leg):
        await states.become("connected", "a")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for name, datagram, counted in hostile():
                before = port.dropped[counted]
                stranger.sendto(datagram, (port.network.address, port.number))
                async with asyncio.timeout(60):
                    while port.dropped[counted] == before:  # noqa: ASYNC110
                        await asyncio.sleep(0)
                assert port.dropped[counted] == before + 1, name
        packets = leg.packets
        async with asyncio.timeout(60):
            while leg.packets < packets + 20:  # noqa: ASYNC110 (packets come by themselves)
                await asyncio.sleep(0)
        assert leg.transport.connected


async def test_media_before_the_handshake_is_dropped(new_leg: Callable[[str], Leg]) -> None:
    leg = new_leg("a")
    end = FarEnd(leg)
    await end.connection.setLocalDescription(await end.connection.createOffer())
    await leg.answer(end.connection.localDescription.sdp)
    leg.transport.take_media(*laid(b"\x80\x60" + bytes(100)))
    assert leg.dropped["early"] == 1
    await end.end()
    await leg.close()
