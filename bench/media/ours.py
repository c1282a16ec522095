"""The relay's own process for the benchmark: its legs and rooms, driven over a Unix socket.

python -m bench.media.ours SOCKET [--record]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from server.media.legs import Leg
from server.media.network import Network, own_address
from server.media.recorder import Recorder
from server.media.rooms import Place, Room

PORTS = range(30_000, 39_000)


class Bench:
    """Answers offers; each two legs that come after one another are a call."""

    def __init__(self, *, record: bool) -> None:
        self.network = Network(own_address(), PORTS)
        self.record = record
        self.legs: list[Leg] = []
        self.rooms: list[Room] = []
        self.recorders: list[Recorder] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            leg = Leg(str(len(self.legs)), self.network, lambda *_: None, time.monotonic)
            self.legs.append(leg)
            answer = await leg.answer(json.loads(line)["sdp"])
            writer.write(json.dumps({"sdp": answer}).encode() + b"\n")
            await writer.drain()
            if self.record:
                leg.tap = Recorder(leg, lambda _: None, lambda _: None, time.time)
                self.recorders.append(leg.tap)
            if len(self.legs) % 2 == 0:
                self._join(*self.legs[-2:])

    def _join(self, one: Leg, other: Leg) -> None:
        room = Room(one.id, lambda *_: None, lambda *_: None)
        room.seat({
            "a": Place("a", one, frozenset("b")), "b": Place("b", other, frozenset("a")),
        })  # fmt: skip
        self.rooms.append(room)

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            now = time.monotonic()
            for recorder in self.recorders:
                recorder.tick(now)


async def main(path: Path, *, record: bool) -> None:
    bench = Bench(record=record)
    server = await asyncio.start_unix_server(bench.serve, path, limit=1 << 20)
    async with server, asyncio.TaskGroup() as work:
        work.create_task(bench.tick())
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), record="--record" in sys.argv))
