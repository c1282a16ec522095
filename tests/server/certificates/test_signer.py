from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from docs_gen.chain import Chain
from docs_gen.data import Issuer
from server.certificates.seals import KeyFolderError, Seals, _issue, _Keys, _Press
from server.certificates.worker import keep_trust_fresh
from server.errors import ServiceError
from server.pool import Refused, WorkerPool
from tests.support.database import SetClock
from tests.support.desk import (
    PASSPHRASE,
    Desk,
    load_catalogue,
    order_of,
)
from tests.support.office import text_of


def prepare_nothing() -> None:
    pass


def prepare_badly() -> None:
    raise RuntimeError("no keys here")


def take_all_memory() -> int:
    return len(bytearray(8 * 1024**3))


def spin() -> None:
    while True:
        pass


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
async def pool() -> WorkerPool:
    return WorkerPool("test", 1, prepare_nothing, (), refusal="signer.unavailable")


async def test_a_killed_worker_is_answered_and_replaced(pool: WorkerPool) -> None:
    first = await pool.run(os.getpid)
    with pytest.raises(ServiceError) as refusal:
        await pool.run(kill_self)
    assert refusal.value.code == "signer.unavailable"
    assert await pool.run(os.getpid) != first
    await pool.close()


async def test_a_job_cannot_take_all_memory(pool: WorkerPool) -> None:
    with pytest.raises(MemoryError):
        await pool.run(take_all_memory)
    await pool.close()


async def test_a_job_that_spins_is_ended() -> None:
    pool = WorkerPool("test", 1, prepare_nothing, (), refusal="signer.unavailable", cpu_seconds=1)
    with pytest.raises(ServiceError) as refusal:
        await pool.run(spin)
    assert refusal.value.code == "signer.unavailable"
    await pool.close()


async def test_workers_that_cannot_be_set_up_are_answered() -> None:
    pool = WorkerPool("test", 1, prepare_badly, (), refusal="signer.unavailable")
    with pytest.raises(ServiceError) as refusal:
        await pool.run(os.getpid)
    assert refusal.value.code == "signer.unavailable"
    await pool.close()


async def test_issuing_while_the_worker_is_killed_is_refused_and_the_retry_issues(
    desk: Desk,
) -> None:
    case_id = await desk.ready_case()
    seals = desk.seals._pool
    pid = await seals.run(os.getpid)
    # Stopped, so that the job is certainly in the middle when its process dies.
    check = desk.seals.issue

    async def kill_in_the_middle(*given: object) -> object:
        os.kill(pid, signal.SIGSTOP)
        job = asyncio.ensure_future(check(*given))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        return await job

    object.__setattr__(desk.seals, "issue", kill_in_the_middle)
    try:
        with pytest.raises(ServiceError) as refusal:
            await desk.issue(case_id)
    finally:
        del desk.seals.issue
    assert refusal.value.code == "signer.unavailable"
    row = await desk.issue(case_id)
    assert row.serial == 1
    assert (await desk.verifying.of_row(row)).verdict == "genuine"


async def test_the_process_that_looks_at_strangers_files_holds_no_keys(desk: Desk) -> None:
    assert await desk.drawing._desk.run(_holds_keys) is False
    assert await desk.drawing._door.run(_holds_keys) is False
    assert await desk.seals._pool.run(_holds_keys) is True


def _holds_keys() -> bool:
    return _Press.keys is not None


async def test_a_wrong_passphrase_stops_the_start(desk: Desk) -> None:
    wrong = Seals(desk.seals.folder, "something else")
    with pytest.raises(KeyFolderError):
        await wrong.start(demo=True)
    await wrong.close()


async def test_a_folder_without_keys_stops_the_start(tmp_path: Path) -> None:
    empty = Seals(tmp_path, PASSPHRASE)
    with pytest.raises(KeyFolderError):
        await empty.start(demo=True)
    assert await empty.renew(SetClock().now) is False
    await empty.close()


async def test_production_refuses_demo_keys(desk: Desk) -> None:
    production = Seals(desk.seals.folder, PASSPHRASE)
    with pytest.raises(KeyFolderError, match="huoqiu-hrss"):
        await production.start(demo=False)
    await production.close()


async def test_production_takes_an_operators_own_chain_whose_pages_say_nothing_of_a_demo(
    desk: Desk, tmp_path: Path
) -> None:
    _, row = await desk.certified_case()
    order, now = replace(order_of(row), demo=False), desk.units.clock()
    name = "霍邱县人力资源和社会保障局"
    chain = Chain(tmp_path / "keys", PASSPHRASE)
    chain.create("皖南省跨域业务中心", ["341522"], now)
    chain.issue("huoqiu-hrss", Issuer(name, order.authority.code, name, "341522"), now)
    production = Seals(chain.folder, PASSPHRASE)
    try:
        await production.start(demo=False)
        assert not production.is_demo("huoqiu-hrss")
        signed = await production.issue(order, now)
    finally:
        await production.close()
    assert "样本" not in text_of(tmp_path, signed.pdf)
    assert "样本" in text_of(tmp_path, await desk.papers.content(row))


async def test_there_is_a_demo_key_for_every_authority(desk: Desk) -> None:
    catalogue, _ = load_catalogue()
    for _, authority in catalogue.authorities:
        assert desk.seals.is_demo(authority.id)
    with pytest.raises(ServiceError):
        desk.seals.is_demo("nobody")


async def test_a_page_is_drawn_as_png_and_a_page_too_far_is_unknown(desk: Desk) -> None:
    _, row = await desk.certified_case()
    assert (await desk.papers.picture(row, 1)).startswith(b"\x89PNG")
    with pytest.raises(ServiceError) as refusal:
        await desk.papers.picture(row, 2)
    assert refusal.value.code == "material.unknown"


async def test_the_trust_list_is_renewed_at_once_and_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, done = [], asyncio.Event()

    async def renew(now: object) -> bool:
        renewed.append(now)
        if len(renewed) == 2:
            raise OSError("disk full")
        if len(renewed) == 3:
            done.set()
        return True

    monkeypatch.setattr(desk.seals, "renew", renew)
    task = asyncio.create_task(keep_trust_fresh(desk.seals, SetClock(), every=0))
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_same_order_gives_the_same_bytes_whenever_it_is_drawn(desk: Desk) -> None:
    _, row = await desk.certified_case()
    order, drawn = order_of(row), set[str]()
    began = int(time.time())
    while int(time.time()) < began + 2:
        drawn.add((await desk.seals.issue(order, desk.units.clock())).sha256)
    assert len(drawn) == 1


async def test_nothing_is_signed_that_counts_longer_than_its_seals_certificate(desk: Desk) -> None:
    _, row = await desk.certified_case()
    now = desk.units.clock()
    orders = [
        replace(order_of(row), signing_time=row.signing_at + timedelta(days=days))
        for days in (1700, 1800)
    ]
    assert await desk.seals.issue(orders[0], now)
    with pytest.raises(ServiceError) as refusal:
        await desk.seals.issue(orders[1], now)
    assert refusal.value.code == "signer.unavailable"


async def test_a_token_that_does_not_answer_is_no_signature(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, row = await desk.certified_case()

    def lost(data: bytes) -> bytes:
        raise KeyFolderError("huoqiu-hrss.toml: DeviceRemoved")

    keys = _Keys(desk.seals.folder, PASSPHRASE, None, ())
    monkeypatch.setattr(keys.seals["huoqiu-hrss"], "sign", lost)
    monkeypatch.setattr(_Press, "keys", keys)
    found = await asyncio.to_thread(_issue, order_of(row), desk.units.clock())
    assert isinstance(found, Refused)
    assert found.code == "signer.unavailable"
    assert "DeviceRemoved" in found.why
    assert not found.details, "where a token is concerns nobody who asks"
