"""What keeps the service from running is named by its setting, before anybody is served."""

from __future__ import annotations

import asyncio
import socket
import sys
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import aiohttp
import aiosqlite
import pytest

from server.app import build_house
from server.db.engine import DatabaseError, open_database
from server.db.schema import is_current, require_newest, upgrade
from server.errors import ToldError
from server.running import running
from server.web.across import why_redis_is_silent
from tests.support.child import kuayu
from tests.support.service import demo_settings, free_port, set_up

_AT_MOST = aiohttp.ClientTimeout(total=5)


async def refused(settings_in: Path, **given: str) -> str:
    """Run the service with settings that keep it from running, and return its words."""
    with pytest.raises(ToldError) as refusal:
        async with running(demo_settings(settings_in, free_port(), **given)):
            raise AssertionError("it runs")
    return str(refusal.value)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    await set_up(demo_settings(tmp_path, free_port()))
    return tmp_path


async def test_redis_that_is_away_stops_the_start(data: Path) -> None:
    said = await refused(data, KUAYU_REDIS_URL=f"redis://:secret@127.0.0.1:{free_port()}/0")
    assert said.startswith("KUAYU_REDIS_URL: ")
    assert "secret" not in said


async def test_a_redis_that_says_nothing_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert await why_redis_is_silent(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
async def test_an_address_that_is_not_ours_is_named(data: Path, host: str) -> None:
    said = await refused(data, KUAYU_HOST=host)
    assert said.startswith("KUAYU_HOST, KUAYU_PORT: ")
    assert host in said


async def test_files_that_are_no_certificate_and_key_are_named(tmp_path: Path) -> None:
    file = tmp_path / "no.pem"
    file.write_text("nothing")
    said = await refused(tmp_path, KUAYU_TLS_CERT=str(file), KUAYU_TLS_KEY=str(file))
    assert said.startswith("KUAYU_TLS_CERT, KUAYU_TLS_KEY: ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://kuayu:secret@127.0.0.1:1/kuayu",
        "postgresql+asyncpg://kuayu:secret@nowhere.invalid/kuayu",
        "postgresql+asyncpg://kuayu:secret@127.0.0.1/kuayu?unknown=1",
        "postgresql+asyncpg://kuayu:secret@127.0.0.1:port/kuayu",
    ],
)
async def test_a_database_that_does_not_answer_is_named_without_its_password(url: str) -> None:
    for work in (is_current, upgrade):
        with pytest.raises(DatabaseError, match=r"^KUAYU_DATABASE_URL: ") as refusal:
            await work(open_database(url).writer)
        assert "secret" not in str(refusal.value)


async def test_a_file_that_cannot_be_opened_leaves_no_thread_that_still_has_an_answer_to_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such an answer finds no loop where the command has ended, and prints a traceback."""
    opened = Mock()
    monkeypatch.setattr(aiosqlite, "connect", opened)
    for file in ("/nowhere/kuayu.db", __file__):
        engine = open_database(f"sqlite+aiosqlite:///{file}").writer
        for work in (partial(require_newest, data=Path()), upgrade):
            with pytest.raises(DatabaseError):
                await work(engine)
    opened.assert_not_called()


@pytest.mark.parametrize("file", ["/nowhere/kuayu.db", __file__])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, file: str) -> None:
    demo_settings(tmp_path, free_port())
    url = {"KUAYU_DATABASE_URL": f"sqlite+aiosqlite:///{file}"}
    said = kuayu("verify-store", "--data", str(tmp_path), given=url)
    assert said.returncode == 1
    assert said.stderr.startswith("kuayu: KUAYU_DATABASE_URL: ")
    assert "Traceback" not in said.stderr


async def test_a_driver_that_is_not_installed_is_named_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    url = {"KUAYU_DATABASE_URL": "postgresql+asyncpg://kuayu@127.0.0.1/kuayu"}
    with pytest.raises(DatabaseError, match=r"asyncpg is not installed: .*\[postgresql\]"):
        build_house(demo_settings(tmp_path, free_port(), **url))
    assert "[redis]" in str(await why_redis_is_silent("redis://127.0.0.1/0"))


async def test_a_database_that_says_nothing_is_not_waited_for_by_who_asks_whether_we_are_ready(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_engine: object) -> bool:
        await asyncio.Event().wait()
        return True

    settings = demo_settings(data, free_port())
    async with running(settings), aiohttp.ClientSession() as client:
        monkeypatch.setattr("server.app.is_current", silent)
        monkeypatch.setattr("server.app.READY_WITHIN", 0.01)
        async with client.get(f"{settings.public_url}/readyz", timeout=_AT_MOST) as answer:
            assert answer.status == 503
            assert (await answer.json())["database"] is False
