from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from server.certificates.remote import ANSWERS, RemoteSigner
from server.certificates.rules import CertificateState
from server.errors import ServiceError
from server.signing import peers
from server.signing.peers import SocketTakenError, only_socket
from tests.support import sign_and_stop
from tests.support.desk import Desk
from tests.support.killing import kill_signer
from tests.support.signer_socket import answering, ask_at

NOBODY = 65534


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "signer" / "signer.sock"


@pytest.fixture
async def remote(desk: Desk, socket: Path) -> AsyncIterator[RemoteSigner]:
    """The desk's signer behind its socket."""
    async with answering(desk.signer.signing, socket):
        yield ask_at(desk, socket)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def refused(desk: Desk, case_id: str) -> str:
    with pytest.raises(ServiceError) as refusal:
        await desk.issue(case_id)
    return refusal.value.code


async def test_a_certificate_is_signed_on_the_other_side_of_the_socket(
    desk: Desk, remote: RemoteSigner
) -> None:
    _, row = await desk.certified_case()
    assert row.state is CertificateState.VALID
    assert (await desk.verifying.of_row(row)).verdict == "genuine"
    assert remote.is_demo(row.authority_id)
    assert await remote.answers()


async def test_a_refusal_comes_across_with_its_details(desk: Desk, remote: RemoteSigner) -> None:
    _, row = await desk.certified_case()
    with pytest.raises(ServiceError, match=r"certificate\.exists"):
        await remote.sign(row.id, row.attempt)
    with pytest.raises(ServiceError, match=r"certificate\.unknown"):
        await remote.sign("0" * 32, 1)


async def test_a_status_list_is_signed_on_the_other_side_of_the_socket(
    desk: Desk, remote: RemoteSigner
) -> None:
    _, row = await desk.certified_case()
    signed = await remote.list_statuses(row.issuer_code, row.year)
    here = await desk.signer.signing.list_statuses(row.issuer_code, row.year)
    assert signed == here
    with pytest.raises(ServiceError, match=r"status_list\.unknown"):
        await remote.list_statuses("0" * 18, row.year)


async def test_without_a_signer_nothing_is_reserved_and_its_return_is_enough(
    desk: Desk, socket: Path
) -> None:
    remote, case_id = ask_at(desk, socket), await desk.ready_case()
    assert await refused(desk, case_id) == "signer.unavailable"
    assert not await remote.answers()
    assert ANSWERS.collect()[0].samples[0].value == 0
    assert remote.looks_demo("huoqiu-hrss")
    async with answering(desk.signer.signing, socket):
        row = await desk.issue(case_id)
        assert ANSWERS.collect()[0].samples[0].value == 1
    assert (row.serial, row.attempt) == (1, 1)
    # What is released needs no signer any more.
    assert (await desk.issue(case_id)).sha256 == row.sha256


async def test_a_demonstrations_signer_is_none_for_production(desk: Desk, socket: Path) -> None:
    async with answering(desk.signer.signing, socket):
        remote = RemoteSigner(socket, demo=False)
        assert not await remote.answers()
        with pytest.raises(ServiceError, match=r"signer\.unavailable"):
            remote.is_demo("huoqiu-hrss")


async def test_what_answers_nonsense_is_no_signer(socket: Path) -> None:
    async def chatter(_request: web.Request) -> web.Response:
        return web.Response(text='{"code": "no.such_code"}', status=418)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", chatter)
    async with only_socket(socket) as listening:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        remote = RemoteSigner(socket, demo=False)
        assert not await remote.answers()
        with pytest.raises(ServiceError, match=r"signer\.unavailable"):
            await remote.sign("0" * 32, 1)
        await runner.cleanup()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/signatures", b"", 422),
        ("POST", "/signatures", b"[]", 422),
        ("POST", "/signatures", b'{"certificate_id": "../../etc/passwd", "attempt": 1}', 422),
        ("POST", "/signatures", b'{"certificate_id": "%s", "attempt": true}' % (b"0" * 32), 422),
        ("POST", "/signatures", b'{"certificate_id": "%s", "attempt": 0}' % (b"0" * 32), 422),
        (
            "POST", "/signatures",
            b'{"certificate_id": "%s", "attempt": 1, "pdf": ""}' % (b"0" * 32), 422,
        ),
        ("POST", "/signatures", b" " * 8192, 413),
        ("GET", "/signatures", b"", 405),
        ("GET", "/keys", b"", 404),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("remote")
async def test_what_is_malformed_is_refused(
    socket: Path, method: str, path: str, body: bytes, status: int
) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
        session.request(method, f"http://signer{path}", data=body) as answer,
    ):
        assert answer.status == status
        assert set(await answer.json()) == {"code", "details"}


@pytest.mark.usefixtures("remote")
async def test_the_socket_is_for_its_owner_and_group(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "TRIES", 2)
    assert (mode_of(socket), mode_of(socket.parent)) == (0o660, 0o750)
    with pytest.raises(SocketTakenError, match="another signer answers"):
        await AsyncExitStack().enter_async_context(only_socket(socket))
    # The first one's socket is still there.
    assert await RemoteSigner(socket, demo=True).answers()


@pytest.fixture
def file(socket: Path) -> Path:
    """A file where the socket would be."""
    socket.parent.mkdir()
    socket.write_text("something else")
    return socket


async def test_a_file_in_the_sockets_place_is_left_alone(file: Path) -> None:
    with pytest.raises(SocketTakenError, match="is no socket"):
        await AsyncExitStack().enter_async_context(only_socket(file))
    assert mode_of(file) == 0o644


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: this user's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


ASK = """
import os, socket, sys
os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
asked.sendall(b"GET /seals HTTP/1.1\\r\\nHost: signer\\r\\nConnection: close\\r\\n\\r\\n")
print(asked.makefile().read())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_a_stolen_socket_under_another_user_is_refused(desk: Desk, open_folder: Path) -> None:
    socket = open_folder / "signer" / "signer.sock"

    async def ask_as(user: int) -> str:
        found = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", ASK, str(socket), str(user)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return found.stdout + found.stderr

    async with answering(desk.signer.signing, socket):
        assert "PermissionError" in await ask_as(NOBODY)
        # As if both modes were wrong, or the open socket had been passed on.
        socket.parent.chmod(0o755)
        socket.chmod(0o666)
        assert "403" in (said := await ask_as(NOBODY))
        assert "action.forbidden" in said
        assert "huoqiu" not in said
        assert "huoqiu-hrss" in await ask_as(0)
    async with answering(desk.signer.signing, socket, frozenset({NOBODY})):
        socket.parent.chmod(0o755)
        socket.chmod(0o666)
        assert "huoqiu-hrss" in await ask_as(NOBODY)
        assert "action.forbidden" in await ask_as(0)


@pytest.mark.parametrize("step", sign_and_stop.STEPS)
async def test_with_the_signer_killed_at_any_step_the_retry_gives_the_one_certificate(
    desk: Desk, socket: Path, sqlite_url: str, step: str
) -> None:
    ask_at(desk, socket)
    case_id = await desk.ready_case()
    asking = desk.issue(case_id, f"key-{case_id}")
    assert await kill_signer(desk, sqlite_url, socket, step, asking) == "signer.unavailable"
    async with answering(desk.signer.signing, socket):
        row = await desk.issue(case_id, f"key-{case_id}")
        again = await desk.issue(case_id, f"key-{case_id}")
    assert (again.number, again.sha256) == (row.number, row.sha256)
    assert (row.serial, row.attempt, row.state) == (1, 1, CertificateState.VALID)
    assert (await desk.log(case_id)).count("certificate.issued") == 1
    assert len(await desk.files.names("certificates")) == 1
    assert (await desk.verifying.of_row(row)).verdict == "genuine"
