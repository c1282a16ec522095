"""The only module that knows aiortc, aioice and pylibsrtp from the inside.

aiortc negotiates (SDP, ICE, DTLS); packets never enter its receivers and senders: they are
decrypted in place, given to a Listener, and encrypted in place again. Skipping aiortc's media path
is what makes a relay of a hundred times its own (measured). A test per private name fails when
aiortc changes one; its version is pinned.
"""

from __future__ import annotations

import asyncio
import copy
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription
from pylibsrtp._binding import ffi, lib

from server.media.network import Network
from server.media.rtp import AUDIO_LEVEL, MID, PASSED_ON, SEND_TIME, TRANSPORT_CC, Extensions
from server.media.sections import Codec, Section

BUFFER_SIZE: Final = 2048
# An honest packet fits one Ethernet frame; what is longer is dropped before it is copied.
LONGEST: Final = 1500
_STUN_END, _DTLS, _DTLS_END, _MEDIA, _MEDIA_END = 4, 20, 64, 128, 192
_RTCP, _RTCP_END = 192, 224

# One thread handles one packet at a time, so a process needs one buffer in and one out.
_inbound = ffi.new("char[]", BUFFER_SIZE)
_outbound = ffi.new("char[]", BUFFER_SIZE)
_length = ffi.new("int *")
INBOUND: Final = memoryview(ffi.buffer(_inbound)).cast("B")
OUTBOUND: Final = memoryview(ffi.buffer(_outbound)).cast("B")

_HEARD: Final = frozenset({MID, AUDIO_LEVEL, SEND_TIME, TRANSPORT_CC})
_FIR = RTCRtcpFeedback(type="ccm", parameter="fir")
_TRANSPORT_CC = RTCRtcpFeedback(type="transport-cc")


class UnfitError(Exception):
    """A description that cannot be answered; says why, without what it said."""


class PortsError(Exception):
    """No UDP port of the range is free."""


class Listener(Protocol):
    """Who takes what comes over a connection."""

    def on_rtp(self, size: int) -> None:
        """Take the packet that lies decrypted in INBOUND."""

    def on_rtcp(self, compound: bytes) -> None:
        """Take a decrypted RTCP compound."""

    def on_state(self, state: str) -> None:
        """Hear that the connection is connected, failed or closed."""


class Transport:
    """One browser's connection with this worker."""

    def __init__(self, network: Network, listener: Listener, dropped: Counter[str]) -> None:
        """Prepare to answer; `dropped` counts what was thrown away, by reason."""
        self._network, self._listener, self._dropped = network, listener, dropped
        self._peer = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._peer.on("connectionstatechange", self._note_state)
        self._port: _Port | None = None
        self._dtls: Any = None
        self._remote: tuple[str, int] | None = None
        self.connected = False

    async def answer(self, offer: str) -> tuple[str, list[Section]]:
        """Answer a browser's offer; UnfitError if it cannot be.

        Candidates in it are not even read: the worker reaches no address but those from which
        authenticated checks arrive.
        """
        try:
            return await self._answer(_without_candidates(offer))
        except (PortsError, asyncio.CancelledError):
            raise
        except Exception as error:
            # Fuzzing aiortc's parser raised seven kinds of exceptions (measured).
            raise UnfitError(type(error).__name__) from error

    async def _answer(self, offer: str) -> tuple[str, list[Section]]:
        said = SessionDescription.parse(offer)
        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        transceivers = {one.mid: one for one in self._peer.getTransceivers()}
        sections = [
            _take_section(media, transceivers[media.rtp.muxId], _pair_number(said, media))
            for media in said.media
        ]
        self._listen()
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return self._peer.localDescription.sdp, sections

    def _listen(self) -> None:
        """Have ICE use one UDP port of ours, and packets come to us."""
        if self._dtls is not None:
            return
        self._dtls = self._peer.getTransceivers()[0].receiver.transport
        connection: Connection = self._dtls.transport._connection  # noqa: SLF001
        port = _Port(connection, self)

        async def gather_candidates() -> None:
            if self._port is None:
                self._port = port
                await port.open(self._network)
                connection._protocols.append(port)  # noqa: SLF001
                connection._local_candidates.append(port.local_candidate)  # noqa: SLF001
                connection._local_candidates_end = True  # noqa: SLF001

        def check_complete(pair: CandidatePair) -> None:
            Connection.check_complete(connection, pair)
            nominated = connection._nominated.get(1)  # noqa: SLF001
            self._remote = None if nominated is None else nominated.remote_addr

        connection.gather_candidates = gather_candidates  # type: ignore[method-assign]
        connection.check_complete = check_complete  # type: ignore[method-assign]

    def knows(self, address: tuple[str, int]) -> bool:
        """Say whether an authenticated check has come from this address."""
        connection: Connection = self._dtls.transport._connection  # noqa: SLF001
        return any(
            (one._network_host, one.port) == address  # noqa: SLF001
            for one in connection._remote_candidates  # noqa: SLF001
        )

    def receive(self, datagram: bytes) -> None:
        """Decrypt a media packet in place and hand it on; what does not decrypt is dropped."""
        session = self._dtls._rx_srtp  # noqa: SLF001
        size = len(datagram)
        if session is None or size > LONGEST or size < 12:  # noqa: PLR2004 (a header)
            self._dropped["early" if session is None else "size"] += 1
            return
        INBOUND[:size] = datagram
        _length[0] = size
        if _RTCP <= datagram[1] < _RTCP_END:
            if lib.srtp_unprotect_rtcp(session._srtp[0], _inbound, _length):  # noqa: SLF001
                self._dropped["rtcp"] += 1
                return
            self._listener.on_rtcp(bytes(INBOUND[: _length[0]]))
        elif lib.srtp_unprotect(session._srtp[0], _inbound, _length):  # noqa: SLF001
            self._dropped["rtp"] += 1
        else:
            self._listener.on_rtp(_length[0])

    def drop(self, why: str) -> None:
        """Count a datagram that goes nowhere."""
        self._dropped[why] += 1

    def send_rtp(self, size: int) -> None:
        """Encrypt the packet in OUTBOUND in place and send it; dropped if nobody is there."""
        session = self._dtls._tx_srtp  # noqa: SLF001
        if session is None or self._remote is None or size > LONGEST - 20:
            self._dropped["unsent"] += 1
            return
        _length[0] = size
        if lib.srtp_protect(session._srtp[0], _outbound, _length):  # noqa: SLF001
            self._dropped["unsent"] += 1
            return
        self._send(OUTBOUND[: _length[0]])

    def send_rtcp(self, compound: bytes) -> None:
        """Encrypt and send an RTCP compound."""
        session = None if self._dtls is None else self._dtls._tx_srtp  # noqa: SLF001
        if session is not None and self._remote is not None:
            self._send(session.protect_rtcp(compound))

    def _send(self, datagram: bytes | memoryview) -> None:
        if self._port is None or self._remote is None:
            return
        try:
            self._port.socket.sendto(datagram, self._remote)
        except OSError:
            # A full buffer or a lost route: the line's loss, and its repair, not ours.
            self._dropped["unsent"] += 1

    async def close(self) -> None:
        """End the connection and free its port."""
        await self._peer.close()
        if self._port is not None:
            self._port.shut()

    def _note_state(self) -> None:
        state = self._peer.connectionState
        self.connected = state == "connected"
        if state in {"connected", "failed", "closed"}:
            self._listener.on_state(state)


class _Port(StunProtocol):
    """One UDP port: media goes to the transport, checks and handshakes to aiortc."""

    def __init__(self, connection: Connection, transport: Transport) -> None:
        super().__init__(connection)
        self._owner = transport
        self.socket: socket.socket

    async def open(self, network: Network) -> None:
        """Bind a free port of the range; PortsError if there is none."""
        self.socket = _bind(network.address, network.ports)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=self.socket)
        host = network.announced or network.address
        self.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=1,
            transport="udp",
            priority=candidate_priority(1, "host"),
            host=host,
            port=self.socket.getsockname()[1],
            type="host",
        )

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Sort a datagram by its first byte (RFC 7983)."""
        datagram = data if isinstance(data, bytes) else data.encode()
        first = datagram[0] if datagram else _STUN_END
        if _MEDIA <= first < _MEDIA_END:
            self._owner.receive(datagram)
        elif first < _STUN_END:
            self._check(datagram, addr)
        elif _DTLS <= first < _DTLS_END and self._owner.knows((addr[0], addr[1])):
            super().datagram_received(datagram, addr)
        else:
            # A handshake from an address that has not proved it knows the password, or nothing.
            self._owner.drop("foreign")

    def _check(self, datagram: bytes, addr: tuple[Any, ...]) -> None:
        try:
            stun.parse_message(datagram)
        except ValueError:
            # aioice would take what is no STUN for data and queue it for the handshake.
            self._owner.drop("stun")
            return
        super().datagram_received(datagram, addr)

    def shut(self) -> None:
        """Free the port, also where ICE never got to own it."""
        if hasattr(self, "transport"):
            self.transport.close()


def _bind(address: str, ports: range) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in ports:
        found = socket.socket(family, socket.SOCK_DGRAM)
        found.setblocking(False)  # noqa: FBT003 (the method has no keyword)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            found.bind((address, port))
        except OSError:
            found.close()
        else:
            return found
    raise PortsError(f"no free UDP port in {ports.start}-{ports.stop - 1} at {address}")


def _without_candidates(offer: str) -> str:
    kept = [
        line
        for line in offer.splitlines()
        if not line.startswith(("a=candidate", "a=end-of-candidates"))
    ]
    return "\r\n".join(kept) + "\r\n"


def _pair_number(said: SessionDescription, media: MediaDescription) -> int:
    """Return which section of its kind this is among those in which the browser receives."""
    alike = [one for one in said.media if one.kind == media.kind and _receives(one)]
    return alike.index(media) if _receives(media) else 0


def _receives(media: MediaDescription) -> bool:
    return media.direction in {"recvonly", "sendrecv"}


def _sends(media: MediaDescription) -> bool:
    return media.direction in {"sendonly", "sendrecv"}


def _take_section(media: MediaDescription, transceiver: RTCRtpTransceiver, pair: int) -> Section:
    """Decide what a section may use, have aiortc answer so, and keep its media path out."""
    sends, receives = _sends(media), _receives(media)
    codecs = find_common_codecs(_FORWARDED[media.kind], media.rtp.codecs)
    if not codecs:
        raise UnfitError("no common codec")
    wanted = _HEARD if sends else PASSED_ON
    offered = [one for one in media.rtp.headerExtensions if one.uri in wanted]
    for codec in codecs:
        if not sends:
            # What we send carries no transport-wide numbers: receivers answer with estimates.
            codec.rtcpFeedback = [one for one in codec.rtcpFeedback if one != _TRANSPORT_CC]
    transceiver.direction = "sendrecv"
    transceiver._codecs, transceiver._headerExtensions = codecs, offered  # noqa: SLF001
    sender = transceiver.sender
    # Sections of one number are one stream, so that a browser keeps voice and lips together.
    sender._stream_id = f"slot{pair}"  # noqa: SLF001
    sender.send = _nothing  # type: ignore[assignment,method-assign]
    transceiver.receiver.receive = _nothing  # type: ignore[assignment,method-assign]
    return Section(
        mid=media.rtp.muxId,
        media=media.kind,
        sends=sends,
        receives=receives,
        stream=(media.msid or "").split(" ")[0],
        ssrcs=tuple(one.ssrc for one in media.ssrc),
        out_ssrcs=(sender._ssrc, sender._rtx_ssrc),  # noqa: SLF001
        codecs={one.payload_type: one for one in map(_codec, codecs)},
        extensions=Extensions({one.uri: one.id for one in offered}),
    )


async def _nothing(*_parameters: object) -> None:
    """Stand where aiortc would begin to decode or encode."""


def _codec(said: RTCRtpCodecParameters) -> Codec:
    repairs = said.parameters.get("apt")
    return Codec(
        payload_type=said.payloadType or 0,
        name=said.name.upper(),
        clock=said.clockRate,
        parameters=tuple(
            (name, str(said.parameters[name]).lower())
            for name in ("packetization-mode", "profile-level-id")
            if name in said.parameters
        ),
        repairs=repairs if isinstance(repairs, int) else None,
    )


def _forwarded(media: str, keep: Callable[[str], bool]) -> list[RTCRtpCodecParameters]:
    found = [copy.deepcopy(one) for one in CODECS[media] if keep(one.mimeType.lower())]
    for codec in found:
        if media == "audio" or not codec.mimeType.lower().endswith("/rtx"):
            extra = [_TRANSPORT_CC] if media == "audio" else [_TRANSPORT_CC, _FIR]
            codec.rtcpFeedback = [*codec.rtcpFeedback, *extra]
    return found


# Everything is passed on as it is: the relay neither decodes nor encodes.
_FORWARDED: Final[dict[str, list[RTCRtpCodecParameters]]] = {
    "audio": _forwarded("audio", lambda kind: kind == "audio/opus"),
    "video": _forwarded("video", lambda _kind: True),
}
