"""The only module that knows aiortc, aioice and pylibsrtp from the inside.

aiortc negotiates (SDP, ICE, DTLS); packets never enter its receivers and senders: they are
decrypted in place, given to a Listener, and encrypted in place again. Skipping aiortc's media path
is what makes a relay of a hundred times its own (measured). A test per private name fails when
aiortc changes one; its version is pinned.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable
from functools import cache
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

from server.media.cells import OUTBOX, Address, Cell, Destination
from server.media.offers import (
    UnfitError,
    check_shape,
    fit,
    in_order,
    pair_number,
    receives,
    sends,
    without_candidates,
)
from server.media.ports import MOST_ADDRESSES, Line, Port
from server.media.rtp import AUDIO_LEVEL, MID, PASSED_ON, SEND_TIME, TRANSPORT_CC, Extensions
from server.media.sections import Codec, Section

# An honest packet fits one Ethernet frame; what is longer is dropped before it is copied.
LONGEST: Final = 1500
_RTCP, _RTCP_END = 192, 224
# Error responses to checks that did not prove they know the password (RFC 8489, 9.1.3).
_UNPROVED: Final = frozenset({400, 401})

_length = ffi.new("int *")
_unprotect, _protect = lib.srtp_unprotect, lib.srtp_protect

_HEARD: Final = frozenset({MID, AUDIO_LEVEL, SEND_TIME, TRANSPORT_CC})
_FIR = RTCRtcpFeedback(type="ccm", parameter="fir")
_TRANSPORT_CC = RTCRtcpFeedback(type="transport-cc")


class Listener(Protocol):
    """Who takes what comes over a connection."""

    def on_rtp(self, cell: Cell, size: int) -> None:
        """Take the packet that lies decrypted in a cell, which may be changed."""

    def on_rtcp(self, compound: bytes) -> None:
        """Take a decrypted RTCP compound."""

    def on_state(self, state: str) -> None:
        """Hear that the connection is connected, failed or closed."""


class Transport:
    """One browser's connection with this worker."""

    def __init__(self, port: Port, listener: Listener, dropped: Counter[str]) -> None:
        """Prepare to answer; `dropped` counts what was thrown away, by reason."""
        self._port, self._listener, self._dropped = port, listener, dropped
        _teach_vp9()
        self._peer = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._peer.on("connectionstatechange", self._note_state)
        self._line: Line | None = None
        self._checks: _Checks | None = None
        self._dtls: Any = None
        self._destination: Destination | None = None
        self._remote: Address | None = None
        self._mids: list[str] = []
        self._sessions: tuple[Any, Any] | None = None
        self._in: Any = None
        self._out: Any = None
        self._take = listener.on_rtp
        self.connected = False
        # What all who watch take: it is answered first.
        self.taken: frozenset[str] = frozenset()

    async def answer(self, offer: str) -> tuple[str, list[Section]]:
        """Answer a browser's offer; UnfitError if it cannot be.

        Candidates in it are not even read: the worker reaches no address but those from which
        authenticated checks arrive.
        """
        try:
            return await self._answer(without_candidates(offer))
        except (UnfitError, asyncio.CancelledError):
            raise
        except Exception as error:
            # Fuzzing aiortc's parser raised seven kinds of exceptions (measured).
            raise UnfitError(type(error).__name__) from error

    async def _answer(self, offer: str) -> tuple[str, list[Section]]:
        said = SessionDescription.parse(offer)
        mids = check_shape(said, self._mids)
        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        transceivers = {one.mid: one for one in self._peer.getTransceivers()}
        sections = [
            _take_section(
                media, transceivers[media.rtp.muxId], pair_number(said, media), self.taken
            )
            for media in said.media
        ]
        self._listen(_username(said))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        self._mids = mids
        return self._peer.localDescription.sdp, sections

    def _listen(self, theirs: str) -> None:
        """Have ICE use our UDP port, and packets come to us; `theirs` is how they sign checks."""
        if self._dtls is not None:
            return
        self._dtls = self._peer.getTransceivers()[0].receiver.transport
        connection: Connection = self._dtls.transport._connection  # noqa: SLF001
        checks = self._checks = _Checks(connection)

        async def gather_candidates() -> None:
            if self._line is None:
                username = f"{connection.local_username}:{theirs}"
                self._line = checks.open(self._port.join(username, self))
                connection._protocols.append(checks)  # noqa: SLF001
                connection._local_candidates.append(checks.local_candidate)  # noqa: SLF001
                connection._local_candidates_end = True  # noqa: SLF001

        def check_complete(pair: CandidatePair) -> None:
            Connection.check_complete(connection, pair)
            nominated = connection._nominated.get(1)  # noqa: SLF001
            self._send_to(None if nominated is None else nominated.remote_addr)

        def respond_error(
            request: stun.Message,
            addr: Address,
            protocol: StunProtocol,
            error_code: tuple[int, str],
        ) -> None:
            if error_code[0] in _UNPROVED:
                # An answer would be sent to whomever the sender claims to be.
                self.drop("unproved")
            else:
                Connection.respond_error(connection, request, addr, protocol, error_code)

        connection.gather_candidates = gather_candidates  # type: ignore[method-assign]
        connection.check_complete = check_complete  # type: ignore[method-assign]
        connection.respond_error = respond_error  # type: ignore[method-assign]

    def _send_to(self, remote: Address | None) -> None:
        """Have what we send go to this address from now on."""
        if remote != self._remote:
            self._remote = remote
            self._destination = None if remote is None else Destination(self._port, remote)

    # What arrives at our port

    def knows(self, address: Address) -> bool:
        """Say whether an authenticated check has come from this address."""
        return any(
            (one._network_host, one.port) == address  # noqa: SLF001
            for one in self._remote_candidates()
        )

    def _remote_candidates(self) -> list[Candidate]:
        connection: Connection = self._dtls.transport._connection  # noqa: SLF001
        return connection._remote_candidates  # noqa: SLF001

    def take_media(self, cell: Cell, size: int) -> None:
        """Decrypt the packet in a cell in place and hand it on, or drop it."""
        keys = self._in
        if keys is None and self._find_keys():
            keys = self._in
        if keys is None or size > LONGEST or size < 12:  # noqa: PLR2004 (a header)
            self.drop("early" if keys is None else "size")
            return
        _length[0] = size
        if _RTCP <= cell.view[1] < _RTCP_END:
            if lib.srtp_unprotect_rtcp(keys, cell.pointer, _length):
                self.drop("rtcp")
                return
            self._listener.on_rtcp(bytes(cell.view[: _length[0]]))
        elif _unprotect(keys, cell.pointer, _length):
            self.drop("rtp")
        else:
            self._take(cell, _length[0])

    def _find_keys(self) -> bool:
        """Say whether there are keys to decrypt and encrypt with, which the handshake makes."""
        received, sent = self._dtls._rx_srtp, self._dtls._tx_srtp  # noqa: SLF001
        if received is not None and sent is not None:
            # The keys live as long as their sessions.
            self._sessions = received, sent
            self._in, self._out = received._srtp[0], sent._srtp[0]  # noqa: SLF001
        return self._in is not None

    def take_check(self, datagram: bytes, address: Address) -> None:
        """Have aioice answer a check, or hear the answer to one of ours."""
        checks = self._checks
        full = len(self._remote_candidates()) >= MOST_ADDRESSES
        if checks is None or (full and not self.knows(address)):
            self.drop("addresses")
            return
        try:
            # aioice takes what is no STUN for data, and would queue it for the handshake.
            stun.parse_message(datagram)
            checks.datagram_received(datagram, address)
        except Exception:  # noqa: BLE001 (its parser raises whatever it meets)
            self.drop("stun")

    def take_handshake(self, datagram: bytes) -> None:
        """Have aiortc go on with the handshake."""
        connection: Connection = self._dtls.transport._connection  # noqa: SLF001
        connection.data_received(datagram, 1)

    def drop(self, why: str) -> None:
        """Count a datagram that goes nowhere."""
        self._dropped[why] += 1

    # What we send

    def send_rtp(self, cell: Cell, size: int) -> None:
        """Encrypt the packet in a cell in place and send it; dropped if nobody is there."""
        keys, destination = self._out, self._destination
        if keys is None and self._dtls is not None and self._find_keys():
            keys = self._out
        if keys is None or destination is None or size > LONGEST - 20:
            self.drop("unsent")
            return
        _length[0] = size
        if _protect(keys, cell.pointer, _length):
            self.drop("unsent")
        else:
            OUTBOX.add(destination, cell, _length[0])

    def send_rtcp(self, compound: bytes) -> None:
        """Encrypt and send an RTCP compound."""
        session = None if self._dtls is None else self._dtls._tx_srtp  # noqa: SLF001
        if session is not None and self._remote is not None:
            self._port.sendto(session.protect_rtcp(compound), self._remote)

    async def close(self) -> None:
        """End the connection; nothing comes to it any more."""
        await self._peer.close()
        # ICE may never have got to own it.
        if self._line is not None:
            self._line.close()

    def _note_state(self) -> None:
        state = self._peer.connectionState
        self.connected = state == "connected"
        if state in {"connected", "failed", "closed"}:
            self._listener.on_state(state)


class _Checks(StunProtocol):
    """What aioice knows of our port: it sends checks by it, and hears of those that arrive."""

    transport: Any

    def open(self, line: Line) -> Line:
        """Send and hear by a line."""
        self.transport = line
        port = line.port
        host = port.network.announced or port.network.address
        self.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=1,
            transport="udp",
            priority=candidate_priority(1, "host"),
            host=host,
            port=port.number,
            type="host",
        )
        return line

    async def close(self) -> None:
        """Let the line go; aioice would wait for asyncio to say that it is free."""
        self.transport.close()
        self.connection_lost(None)


def _username(said: SessionDescription) -> str:
    """Return the browser's half of what its checks bear: its bundle has one for all sections."""
    ice = said.media[0].ice
    return (ice and ice.usernameFragment) or ""


def _take_section(
    media: MediaDescription, transceiver: RTCRtpTransceiver, pair: int, taken: frozenset[str]
) -> Section:
    """Decide what a section may use, have aiortc answer so, and keep its media path out."""
    codecs = in_order(find_common_codecs(_FORWARDED[media.kind], fit(media.rtp.codecs)), taken)
    if not codecs:
        raise UnfitError("no common codec")
    wanted = _HEARD if sends(media) else PASSED_ON
    offered = [one for one in media.rtp.headerExtensions if one.uri in wanted]
    for codec in codecs:
        if not sends(media):
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
        sends=sends(media),
        receives=receives(media),
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


# aiortc refuses an offer that has nothing of its own, and it knows no VP9.
_VP9: Final = [
    RTCRtpCodecParameters(
        "video/VP9",
        90_000,
        payloadType=109,
        rtcpFeedback=copy.deepcopy(CODECS["video"][0].rtcpFeedback),
        parameters={"profile-id": "0"},
    ),
    RTCRtpCodecParameters("video/rtx", 90_000, payloadType=110, parameters={"apt": 109}),
]


@cache
def _teach_vp9() -> None:
    """Have aiortc take VP9 in this process.

    Not by the import alone: whoever decodes with aiortc here would offer what it cannot.
    """
    CODECS["video"] += _VP9


def _forwarded(media: str, keep: Callable[[str], bool]) -> list[RTCRtpCodecParameters]:
    known = [*CODECS[media], *(_VP9 if media == "video" else ())]
    found = [copy.deepcopy(one) for one in known if keep(one.mimeType.lower())]
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
