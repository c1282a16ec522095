from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from server.db.engine import Database, is_busy
from server.db.unit import Units
from tests.support.site import Logins, Site, serving
from tests.support.trial import Trial


@asynccontextmanager
async def held(database: Database, file: Path) -> AsyncIterator[None]:
    """Keep the kept replies locked, as another process may."""
    if database.writer.dialect.name == "sqlite":
        async with database.writer.connect() as connection:
            await connection.exec_driver_sql("PRAGMA busy_timeout=50")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
    else:
        async with database.writer.begin() as connection:
            await connection.execute(text("LOCK TABLE kept_reply"))
            yield


async def once(site: Site) -> tuple[int, object]:
    status, said = await site.ask("POST", "/api/once", "clerk", json={"word": "x"}, key="key-00001")
    return status, said["data"] or said["error"]["code"]


async def test_a_database_that_others_hold_is_busy_and_not_broken(
    hasty_units: Units, logins: Logins, trial: Trial, tmp_path: Path
) -> None:
    async with serving(hasty_units, routes=trial.routes(), find=logins.find) as site:
        with capture_logs() as logs:
            async with held(hasty_units.database, tmp_path / "kuayu.db"):
                assert await once(site) == (503, "server.busy")
        assert trial.effects == []
        assert await once(site) == (200, {"time": 1})
    assert [line["log_level"] for line in logs if line["event"] == "busy"] == ["warning"]
    assert "crash" not in {line["event"] for line in logs}


async def test_who_is_told_to_wait_is_told_how_long(
    units: Units, logins: Logins, trial: Trial, tmp_path: Path
) -> None:
    async with (
        serving(units, routes=trial.routes(), find=logins.find) as site,
        held(units.database, tmp_path / "kuayu.db"),
        site.browser.post(
            site.url("/api/once"),
            json={"word": "x"},
            headers=site.headers("clerk", key="key-00001"),
        ) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("statement", ["SELECT nothing", "INSERT INTO kept_reply VALUES (1)"])
async def test_other_faults_of_a_statement_are_not_busy(units: Units, statement: str) -> None:
    async def run() -> None:
        async with units.open() as unit:
            await unit.session.execute(text(statement))

    with pytest.raises(Exception) as failed:  # noqa: PT011 (which one is the driver's affair)
        await run()
    assert not is_busy(failed.value)
    assert not is_busy(ValueError())
