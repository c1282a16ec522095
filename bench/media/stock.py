"""aiortc's own way, in a process like ours: MediaRelay and MediaRecorder decode and encode.

python -m bench.media.stock SOCKET [--record]

With --record no end hears another: each is recorded beside the socket.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaRecorder, MediaRelay

RELAY = MediaRelay()


class Bench:
    """Answers a pair of offers together: each end's tracks go to the other, or into a file."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.waiting: list[tuple[RTCPeerConnection, asyncio.Future[str]]] = []
        self.kept: list[RTCPeerConnection] = []
        self.recorders: list[MediaRecorder] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            answer = await self._answer(json.loads(line)["sdp"])
            writer.write(json.dumps({"sdp": answer}).encode() + b"\n")
            await writer.drain()

    async def _answer(self, offer: str) -> str:
        connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if self.folder is not None:
            return await self._record(connection, self.folder / f"{len(self.kept)}.webm")
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.waiting.append((connection, answered))
        if len(self.waiting) == 2:
            pair, self.waiting = self.waiting, []
            for (one, future), (other, _) in (pair, pair[::-1]):
                for transceiver in other.getTransceivers():
                    one.addTrack(RELAY.subscribe(transceiver.receiver.track))
                await one.setLocalDescription(await one.createAnswer())
                future.set_result(one.localDescription.sdp)
                self.kept.append(one)
        return await answered

    async def _record(self, connection: RTCPeerConnection, path: Path) -> str:
        recorder = MediaRecorder(str(path))
        for transceiver in connection.getTransceivers():
            recorder.addTrack(transceiver.receiver.track)
        await connection.setLocalDescription(await connection.createAnswer())
        await recorder.start()
        self.kept.append(connection)
        self.recorders.append(recorder)
        return str(connection.localDescription.sdp)


async def main(path: Path, *, record: bool) -> None:
    bench = Bench(path.parent if record else None)
    server: Any = await asyncio.start_unix_server(bench.serve, path, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), record="--record" in sys.argv))
