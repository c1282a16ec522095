"""Certificates whose time is proved, at their issue or later, by a real authority on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from docs_gen.timestamps import StampError
from server.certificates.drawing import Drawing, TrustFile
from server.certificates.forms import Forms
from server.certificates.models import Certificate
from server.certificates.rules import VerdictKind
from server.certificates.seals import Seals, _issue, _Keys, _Press
from server.certificates.stamping import Stamping, keep_stamping
from server.db.unit import Units
from server.files import LocalFiles
from server.pool import Refused
from tests.support.database import SetClock
from tests.support.desk import PASSPHRASE, Desk, load_catalogue, order_of, running_seals
from tests.support.tsa import Tsa, run_tsa

# The authority's clock is this machine's, so everything here is of today.
NOW = datetime.now(UTC).replace(microsecond=0)
NOBODY = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    with run_tsa(tmp_path_factory.mktemp("tsa") / "authority", NOW) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tsa: Tsa, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key folder that knows the authority."""
    made = tmp_path_factory.mktemp("keys")
    (made / "clocks").mkdir()
    clocks = tsa.clocks(NOW)
    (made / "clocks" / "tsa.cer").write_bytes(clocks.certificates[0])
    (made / "clocks" / "tsa.crl").write_bytes(clocks.crls[0])
    return made


@pytest.fixture(scope="module")
def punctual(folder: Path, tsa: Tsa) -> Iterator[Seals]:
    """Seals that ask nobody first, and then the authority."""
    with running_seals(folder, NOW, (NOBODY, tsa.url)) as running:
        yield running


@pytest.fixture(scope="module")
def alone(folder: Path) -> Iterator[Seals]:
    """Seals whose authority never answers."""
    with running_seals(folder, NOW, (NOBODY,)) as running:
        yield running


@pytest.fixture(scope="module")
def room(folder: Path, punctual: Seals) -> Iterator[Drawing]:
    """The drawing room that trusts these keys and clocks."""
    made = Drawing(Forms(), folder)
    yield made
    asyncio.run(made.close())


@pytest.fixture
def today(units: Units, clock: SetClock, room: Drawing, punctual: Seals, tmp_path: Path) -> Desk:
    clock.now = NOW
    return Desk(units, LocalFiles(tmp_path / "files"), room, punctual, *load_catalogue())


async def issued_of(desk: Desk, row: Certificate) -> dict[str, object]:
    """Return what the case's log says of the certificate's issue."""
    [said] = await desk.events(row.case_id, "certificate.issued")
    return said


async def test_a_certificate_is_stamped_when_it_is_issued_and_says_so(today: Desk) -> None:
    _, row = await today.certified_case()
    verdict = await today.verifying.by_file(await today.papers.content(row))
    assert verdict.verdict is VerdictKind.GENUINE
    assert verdict.stamped_at is not None
    assert NOW <= verdict.stamped_at <= datetime.now(UTC)
    by_code = await today.verifying.by_code(row.number, row.check_code)
    assert by_code.stamped_at == verdict.stamped_at
    assert (await issued_of(today, row))["stamped_at"] == verdict.stamped_at.isoformat()


async def test_a_stamp_lets_a_seal_sign_what_counts_longer_than_its_chain(
    today: Desk, folder: Path, tsa: Tsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, row = await today.certified_case()
    for urls, is_signed in (((tsa.url,), True), ((), False)):
        keys = _Keys(folder, PASSPHRASE, None, urls)
        monkeypatch.setattr(keys.seals[row.authority_id], "ends", NOW + timedelta(days=1))
        monkeypatch.setattr(_Press, "keys", keys)
        found = await asyncio.to_thread(_issue, order_of(row), NOW)
        assert isinstance(found, Refused) is not is_signed, urls


async def test_where_no_authority_answers_it_is_issued_without_and_stamped_later(
    today: Desk, alone: Seals, tsa: Tsa, folder: Path
) -> None:
    late = dataclasses.replace(today, seals=alone)
    _, row = await late.certified_case()
    content = await late.papers.content(row)
    before = await late.verifying.by_file(content)
    assert (before.verdict, before.stamped_at) == (VerdictKind.GENUINE, None)
    assert (await issued_of(late, row))["stamped_at"] is None

    stamping = Stamping(late.units, (tsa.url,), TrustFile(folder))
    assert await stamping.stamp_some() == 1
    assert await stamping.stamp_some() == 0
    assert await late.papers.content(row) == content
    after = await late.verifying.by_file(content)
    assert after.verdict is VerdictKind.GENUINE
    assert after.stamped_at is not None
    # The file alone shows it to nobody; with the register's token it does.
    assert (await late.drawing.examine(content, NOW)).stamped_at is None
    of_file = await late.verifying.of_row(row)
    assert of_file.stamped_at == after.stamped_at


async def test_what_is_stamped_at_its_issue_is_not_stamped_again(
    today: Desk, tsa: Tsa, folder: Path
) -> None:
    await today.certified_case()
    assert await Stamping(today.units, (tsa.url,), TrustFile(folder)).stamp_some() == 0


async def test_without_an_authority_nothing_is_stamped_later(
    today: Desk, alone: Seals, folder: Path
) -> None:
    late = dataclasses.replace(today, seals=alone)
    await late.certified_case()
    with pytest.raises(StampError, match=NOBODY):
        await Stamping(late.units, (NOBODY,), TrustFile(folder)).stamp_some()


class Unsteady(Stamping):
    """Fails in two ways before it succeeds."""

    done: ClassVar = asyncio.Event()
    faults: ClassVar[list[Exception]] = [StampError("no clock"), RuntimeError("a bug")]

    async def stamp_some(self) -> int:
        if self.faults:
            raise self.faults.pop()
        self.done.set()
        return 1


async def test_later_stamps_are_tried_again_after_whatever_went_wrong(
    units: Units, tmp_path: Path
) -> None:
    unsteady = Unsteady(units, (), TrustFile(tmp_path))
    worker = asyncio.create_task(keep_stamping(unsteady, every=0.01))
    async with asyncio.timeout(60):
        await unsteady.done.wait()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
