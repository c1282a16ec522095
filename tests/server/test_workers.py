"""`kuayu media` as a process, against a whole service."""

from __future__ import annotations

import asyncio
import base64
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from server.cli import app
from server.demo import has_worker
from server.media.network import own_address
from server.relays import service as relaying
from server.relays.models import MediaWorker
from server.running import running
from tests.support.child import kuayu
from tests.support.media_worker import GIVEN, until, worker_process, workers
from tests.support.service import Service, demo_settings, demonstration, free_port, set_up


async def test_a_worker_is_known_while_it_serves_and_ends_when_told_to(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as service:
        async with worker_process(service.url, "--name", "hall", "--capacity", "7") as process:
            await until(lambda: has_worker(service.house))
            assert list((await workers(service)).values()) == ["hall"]
            process.send_signal(signal.SIGTERM)
            _, said = await process.communicate()
            assert process.returncode == 0, said
            assert b'"name": "hall"' in said
        await until(lambda: _none(service))


async def _none(service: Service) -> bool:
    return not await workers(service)


async def test_a_killed_worker_is_missed_before_its_lease_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "WORKER_LEASE", timedelta(hours=1))
    async with demonstration(tmp_path) as service, worker_process(service.url) as process:
        await until(lambda: has_worker(service.house))
        async with service.house.database.reading() as session:
            lease_until = (await session.scalars(select(MediaWorker.lease_until))).one()
        assert lease_until > datetime.now(UTC) + timedelta(minutes=30)
        process.kill()
        await process.wait()
        await until(lambda: _none(service))


async def test_several_are_one_process_each_and_end_with_the_first(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as service:
        more = ("--workers", "2", "--name", "hall")
        async with worker_process(service.url, *more) as process:

            async def both() -> bool:
                return sorted((await workers(service)).values()) == ["hall-1", "hall-2"]

            await until(both)
            process.send_signal(signal.SIGINT)
            _, said = await process.communicate()
            assert process.returncode == 0, said
        await until(lambda: _none(service))


async def test_workers_go_when_their_parent_is_killed(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as service:
        async with worker_process(service.url, "--workers", "2"):
            await until(lambda: has_worker(service.house))
        await until(lambda: _none(service))


async def test_a_worker_outlives_a_restart_of_the_service(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path, free_port())
    await set_up(settings)
    async with worker_process(settings.public_url):
        async with running(settings) as house:
            service = Service(settings.public_url, house, settings)
            await until(lambda: has_worker(house))
            before = await workers(service)
        async with running(settings) as house:
            service = Service(settings.public_url, house, settings)
            async with house.database.reading() as session:
                sid = (await session.scalars(select(MediaWorker.sid))).one()

            async def back() -> bool:
                async with house.database.reading() as session:
                    return (await session.scalars(select(MediaWorker.sid))).one() != sid

            await until(back)
            assert await workers(service) == before


async def test_a_refused_secret_is_said_plainly_and_not_shown(tmp_path: Path) -> None:
    wrong = base64.b64encode(b"w" * 32).decode()
    (tmp_path / "secret").write_text(wrong)
    async with demonstration(tmp_path / "data") as service:
        said = await asyncio.to_thread(
            kuayu, "media", "--url", service.url, "--secret-file", str(tmp_path / "secret"),
            given=GIVEN,
        )  # fmt: skip
    assert said.returncode == 1
    assert "KUAYU_MEDIA_SECRET must be the same there" in said.stderr
    assert wrong not in said.stderr


def test_a_worker_without_a_free_port_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((own_address(), 0))
        port = taken.getsockname()[1]
        ports = f"{port}-{port}"
        said = kuayu("media", "--url", "http://127.0.0.1:1", "--ports", ports, given=GIVEN)
    assert said.returncode == 1
    assert "no UDP port of --ports is free" in said.stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--ports", "40000"), "two ports such as 40000-40063"),
        (("--ports", "2-1"), "two ports such as 40000-40063"),
        (("--secret-file", "/nowhere"), "KUAYU_MEDIA_SECRET_FILE: expected"),
        (("--url", "kuayu.example"), "--url: expected"),
        (("--url", "ftp://kuayu.example"), "--url: expected"),
        (("--address", "eth0"), "--address: expected"),
        (("--announced", "kuayu.example"), "--announced: expected"),
        (("--ca", "/nowhere"), "--ca: expected"),
        (("--ca", __file__), "--ca: expected"),
    ],
)
def test_wrong_orders_are_named(
    monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], words: str
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(app, ["media", "--url", "http://127.0.0.1:1", *more])
    assert said.exit_code == 1
    assert words in said.stderr


def test_without_a_secret_no_worker_starts() -> None:
    said = kuayu("media", "--url", "http://127.0.0.1:1")
    assert (said.returncode, "KUAYU_MEDIA_SECRET: expected" in said.stderr) == (1, True)
