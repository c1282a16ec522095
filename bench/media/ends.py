"""Cheap ends: aiortc shakes hands, then a tight loop sends SRTP and counts what comes back."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiortc.rtcdtlstransport
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)

from bench.media.stream import SECONDS, steps

# What browsers negotiate with aiortc and Janus alike.
aiortc.rtcdtlstransport.SRTP_PROFILES[:] = [aiortc.rtcdtlstransport.SRTP_AES128_CM_SHA1_80]

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
MARK = struct.Struct("!d")
EPOCH_1900 = 2_208_988_800
LAPSE = 0.004


class Silent(MediaStreamTrack):
    """A track that never has anything: the loop sends."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    async def recv(self) -> Any:
        await asyncio.Event().wait()


class End:
    """One end; `slots`: it receives in sections of their own, else in those it sends in."""

    def __init__(self, *, slots: bool) -> None:
        self.slots = slots
        self.sent = self.received = 0
        self.delays: list[float] = []
        self.measures = False
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )

    async def offer(self) -> str:
        for kind in ("audio", "video"):
            way = "sendonly" if self.slots else "sendrecv"
            self.connection.addTransceiver(Silent(kind), way)
        if self.slots:
            for kind in ("audio", "video"):
                self.connection.addTransceiver(kind, "recvonly")
        return await self._describe()

    async def answer(self, offer: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for transceiver in self.connection.getTransceivers():
            transceiver.sender.replaceTrack(Silent(transceiver.kind))
            transceiver.direction = "sendrecv"
        return await self._describe()

    async def _describe(self) -> str:
        await self.connection.setLocalDescription()
        return str(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def connected(self) -> None:
        up = asyncio.Event()

        def look() -> None:
            if self.connection.connectionState == "connected":
                up.set()

        self.connection.on("connectionstatechange", look)
        look()
        async with asyncio.timeout(30):
            await up.wait()
        self._take_over()

    def _take_over(self) -> None:
        """Send and receive by ourselves from now on."""
        ours = self.connection.getTransceivers()[:2]
        dtls = ours[0].sender.transport
        pair = dtls.transport._connection._nominated[1]
        self._protect, self._unprotect = dtls._tx_srtp.protect, dtls._rx_srtp.unprotect
        self._protect_rtcp = dtls._tx_srtp.protect_rtcp
        self._socket, self._far = pair.protocol.transport, pair.remote_addr
        self._ssrcs = [one.sender._ssrc for one in ours]
        self._types = [one._codecs[0].payloadType for one in ours]
        self._numbers = [random.getrandbits(15) for _ in ours]
        self._sound = self._types[0]
        self._heads = [self._extension(one) for one in ours]
        self._begun = time.time()
        for port in dtls.transport._connection._protocols:
            port.datagram_received = self._receiver(port.datagram_received)

    @staticmethod
    def _extension(transceiver: Any) -> bytes:
        ids = {one.uri: one.id for one in transceiver._headerExtensions}
        if MID not in ids:
            return b""
        mid = transceiver.mid.encode()
        block = bytes([ids[MID] << 4 | len(mid) - 1]) + mid
        block += bytes(-len(block) % 4)
        return struct.pack("!HH", 0xBEDE, len(block) // 4) + block

    def _receiver(self, otherwise: Callable[..., None]) -> Callable[..., None]:
        def receive(data: bytes, address: Any) -> None:
            if not 127 < data[0] < 192:
                otherwise(data, address)
            elif not 192 <= data[1] < 224:
                self.received += 1
                if self.measures and data[1] & 0x80:
                    self._measure(data)

        return receive

    def _measure(self, data: bytes) -> None:
        """Take the delay of a picture's last packet, which bears the time at its end."""
        delay = time.time() - MARK.unpack(self._unprotect(data)[-MARK.size :])[0]
        if 0 <= delay < 5:
            self.delays.append(delay)

    def send(self, track: int, stamp: int, payloads: tuple[bytes, ...]) -> None:
        head, kind, ssrc = self._heads[track], self._types[track], self._ssrcs[track]
        first = 0x90 if head else 0x80
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1 and track == 1
            body = payload + MARK.pack(time.time()) if last else payload
            packet = struct.pack(
                "!BBHLL", first, kind | (0x80 if last else 0), self._numbers[track],
                stamp & 0xFFFFFFFF, ssrc,
            ) + head + body  # fmt: skip
            self._numbers[track] = self._numbers[track] + 1 & 0xFFFF
            self._socket.sendto(self._protect(packet), self._far)
        self.sent += len(payloads)

    def report(self) -> None:
        """Send sender reports, as browsers do each second."""
        now = time.time()
        ntp = int((now + EPOCH_1900) * 2**32)
        for ssrc, rate in zip(self._ssrcs, (48_000, 90_000), strict=True):
            stamp = int((now - self._begun) * rate) & 0xFFFFFFFF
            packet = struct.pack("!BBHLQLLL", 0x80, 200, 6, ssrc, ntp, stamp, 1, 1)
            self._socket.sendto(self._protect_rtcp(packet), self._far)


Connect = Callable[[End, End], Awaitable[None]]


async def pump(ends: list[End], stop: asyncio.Event) -> None:
    """Send the stream from every end over and over, each a little after the one before."""
    plan = steps()
    began = time.time() + 0.1
    places = [[began + 0.033 * n / len(ends), 0, 0, 0.0] for n in range(len(ends))]
    while not stop.is_set():
        now = time.time()
        for end, place in zip(ends, places, strict=True):
            while True:
                step = plan[int(place[1])]
                if place[0] + step.at + place[2] * SECONDS > now:
                    break
                rate = 90_000 if step.track else 48_000
                end.send(step.track, step.stamp + int(place[2]) * SECONDS * rate, step.payloads)
                place[1] += 1
                if place[1] == len(plan):
                    place[1], place[2] = 0, place[2] + 1
            if now > place[3]:
                place[3] = now + 1
                end.report()
        await asyncio.sleep(LAPSE)
