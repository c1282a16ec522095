"""The relay's own process for benchmark and soak: its legs and rooms, driven over a Unix socket.

python -m bench.media.ours SOCKET [--record] [--alone]

With --alone no leg is in a call: it is recorded and seen by nobody. A line `{"sdp": …}` opens a
leg; any other one ends all of them and is answered with what is left. Recordings are files beside
the socket, `NUMBER.webm` for the leg of that number.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import uvloop

from server.media.legs import Leg
from server.media.network import Network, own_address
from server.media.ports import Port
from server.media.recorder import Chunk, Gap, Recorder
from server.media.rooms import Place, Room

PORTS = range(30_000, 39_000)


class Bench:
    """Answers offers; each two legs that come after one another are a call."""

    def __init__(self, folder: Path, *, record: bool, alone: bool) -> None:
        self.folder, self.lost = folder, 0
        self.port = Port(Network(own_address(), PORTS), Counter())
        self.record, self.alone = record, alone
        self.legs: list[Leg] = []
        self.rooms: list[Room] = []
        self.recorders: list[Recorder] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            said = json.loads(line)
            if "sdp" not in said:
                writer.write(json.dumps(await self._end()).encode() + b"\n")
                await writer.drain()
                continue
            leg = Leg(str(len(self.legs)), self.port, lambda *_: None, time.monotonic)
            self.legs.append(leg)
            answer = await leg.answer(said["sdp"])
            writer.write(json.dumps({"sdp": answer}).encode() + b"\n")
            await writer.drain()
            if self.record:
                leg.tap = self._recorder(leg)
                self.recorders.append(leg.tap)
            if len(self.legs) % 2 == 0 and not self.alone:
                self._join(*self.legs[-2:])

    def _recorder(self, leg: Leg) -> Recorder:
        path = self.folder / f"{leg.id}.webm"

        def keep(chunk: Chunk) -> None:
            with path.open("ab") as file:
                file.write(chunk.content)

        def lose(gap: Gap) -> None:
            self.lost += gap.packets

        return Recorder(leg, keep, lose, time.time)

    async def _end(self) -> dict[str, object]:
        """Close everything, and return what is left and what was lost."""
        for recorder in self.recorders:
            recorder.close(time.monotonic())
        for room in self.rooms:
            room.close()
        await asyncio.gather(*(leg.close() for leg in self.legs))
        await asyncio.sleep(1)  # For what aiortc ends by itself.
        legs, self.legs, self.rooms, self.recorders = len(self.legs), [], [], []
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
        ours = {"run.<locals>.wrapper", "main", "Bench.serve", "Bench.tick"}
        return {
            "legs": legs, "lost": self.lost,
            "tasks": [name for name in names if name not in ours],
        }  # fmt: skip

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


async def main(path: Path, *, record: bool, alone: bool) -> None:
    bench = Bench(path.parent, record=record, alone=alone)
    server = await asyncio.start_unix_server(bench.serve, path, limit=1 << 20)
    async with server, asyncio.TaskGroup() as work:
        work.create_task(bench.tick())
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), record="--record" in sys.argv, alone="--alone" in sys.argv))
