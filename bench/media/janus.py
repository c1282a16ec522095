"""Janus's video call plugin, spoken to over its WebSocket."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench.media.ends import End

PLUGIN = "janus.plugin.videocall"


class Janus:
    """One session with a running Janus."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, record: Path | None) -> None:
        self._socket, self._record = socket, record
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._session: int | None = None

    async def listen(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said["janus"] in {"success", "error"}:
                waiting = self._answers.pop(said.get("transaction", ""), None)
                if waiting is not None:
                    waiting.set_result(said)
            elif said["janus"] == "event":
                self._events.setdefault(said["sender"], asyncio.Queue()).put_nowait(said)

    async def begin(self) -> None:
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]

    async def keep_alive(self) -> None:
        while True:
            await asyncio.sleep(20)
            await self._socket.send_json(
                {"janus": "keepalive", "session_id": self._session, "transaction": "k"}
            )

    async def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        key = secrets.token_hex(6)
        session = {} if self._session is None else {"session_id": self._session}
        waiting = self._answers[key] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({**what, **session, "transaction": key})
        async with asyncio.timeout(15):
            answer: dict[str, Any] = await waiting
        if answer["janus"] == "error":
            raise RuntimeError(answer)
        return answer

    async def _say(self, handle: int, body: dict[str, Any], sdp: dict[str, str] | None) -> None:
        message = {
            "janus": "message", "session_id": self._session, "handle_id": handle, "body": body,
            "transaction": secrets.token_hex(6), **({"jsep": sdp} if sdp else {}),
        }  # fmt: skip
        await self._socket.send_json(message)

    async def _event(self, handle: int, name: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                said = await self._events.setdefault(handle, asyncio.Queue()).get()
                data = said["plugindata"]["data"]
                if "error" in data:
                    raise RuntimeError(data)
                if data.get("result", {}).get("event") == name:
                    return said

    async def connect(self, one: End, other: End) -> None:
        """Have one end call the other."""
        handles, names = [], []
        for _ in range(2):
            answer = await self._ask({"janus": "attach", "plugin": PLUGIN})
            handle, name = answer["data"]["id"], secrets.token_hex(6)
            await self._say(handle, {"request": "register", "username": name}, None)
            await self._event(handle, "registered")
            handles.append(handle)
            names.append(name)
        offer = {"type": "offer", "sdp": await one.offer()}
        await self._say(handles[0], {"request": "call", "username": names[1]}, offer)
        rings = await self._event(handles[1], "incomingcall")
        answer_sdp = await other.answer(rings["jsep"]["sdp"])
        await self._say(handles[1], {"request": "accept"}, {"type": "answer", "sdp": answer_sdp})
        accepted = await self._event(handles[0], "accepted")
        await one.accept(accepted["jsep"]["sdp"])
        await asyncio.gather(one.connected(), other.connected())
        if self._record is not None:
            for handle, name in zip(handles, names, strict=True):
                order = {"request": "set", "record": True, "filename": str(self._record / name)}
                await self._say(handle, order, None)


@asynccontextmanager
async def running_janus(
    folder: Path, port: int, *, record: bool
) -> AsyncIterator[tuple[Janus, int]]:
    """Start Janus on loopback with configuration of our own; yield a session and its process id."""
    _configure(folder, port)
    log = (folder / "janus.log").open("w")
    process = subprocess.Popen(
        ["janus", "--configs-folder", str(folder), "--disable-colors"],
        stdout=log, stderr=log,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as http:
            socket = await _reach(http, port)
            session = Janus(socket, folder if record else None)
            work = [asyncio.create_task(session.listen())]
            await session.begin()
            work.append(asyncio.create_task(session.keep_alive()))
            yield session, process.pid
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await socket.close()
    finally:
        process.terminate()
        process.wait()
        log.close()


def _configure(folder: Path, port: int) -> None:
    """Write the least that Janus needs: one plugin, one transport, no servers elsewhere."""
    (folder / "janus.jcfg").write_text(
        "general: { debug_level = 2 }\n"
        'media: { rtp_port_range = "20000-29000" }\n'
        'plugins: { disable = "libjanus_audiobridge.so,libjanus_echotest.so,libjanus_lua.so,'
        "libjanus_duktape.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,"
        'libjanus_streaming.so,libjanus_textroom.so,libjanus_videoroom.so,libjanus_voicemail.so"}\n'
        'transports: { disable = "libjanus_http.so,libjanus_pfunix.so,libjanus_rabbitmq.so,'
        'libjanus_mqtt.so,libjanus_nanomsg.so" }\n'
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1" }}\n'
    )


async def _reach(http: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    async with asyncio.timeout(15):
        while True:
            try:
                return await http.ws_connect(
                    f"http://127.0.0.1:{port}", protocols=("janus-protocol",)
                )
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
