"""How released certificates come to their SM2 signatures, whatever happens in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.certificates import sm2_signing
from server.certificates.forms import Sm2Signed
from server.certificates.papers import file_name
from server.certificates.sm2_signing import Sm2Signing, keep_signing_sm2
from server.errors import ServiceError
from tests.support import gmssl, sign_and_stop
from tests.support.database import News
from tests.support.desk import Desk, SignerHere
from tests.support.killing import kill_signer
from tests.support.signer_socket import answering, ask_at
from tests.support.sm2 import kept


def signing_at(desk: Desk, signer: object = None) -> Sm2Signing:
    """The service's worker; it is told of what the desk releases."""
    made = Sm2Signing(desk.units, signer or desk.signer, desk.papers)  # type: ignore[arg-type]
    object.__setattr__(desk.issuing, "tell_released", made.tell)
    return made


async def test_what_is_released_is_signed_at_once_and_its_case_told(
    either_desk: Desk, news: News
) -> None:
    signing = signing_at(either_desk)
    _, row = await either_desk.certified_case()
    assert await signing.sign_told() == 1
    found = await kept(either_desk, row)
    assert found is not None
    assert found.signed_at == either_desk.units.clock()
    assert gmssl.finds_good(await either_desk.papers.content(row), found.content)
    told = (f"case:{row.case_id}", "certificate.signed")
    assert news.events().count(told) == 1
    assert await signing._sign([row]) == 0
    assert await signing.sign_some() == 0
    assert news.events().count(told) == 1


async def test_what_was_missed_is_signed_later_and_the_first_signature_counts(
    either_desk: Desk,
) -> None:
    _, row = await either_desk.certified_case()
    _, second = await either_desk.certified_case()
    pdf = await either_desk.papers.content(row)
    assert await signing_at(either_desk).sign_some() == 2
    first = await kept(either_desk, row)
    assert first is not None
    assert await kept(either_desk, second) is not None
    assert await signing_at(either_desk)._sign([row]) == 0
    again = await kept(either_desk, row)
    assert again is not None
    assert again.content == first.content
    assert await either_desk.papers.content(row) == pdf


async def test_two_that_sign_at_once_keep_one_signature(either_desk: Desk) -> None:
    _, row = await either_desk.certified_case()
    both = await asyncio.gather(*[signing_at(either_desk)._sign([row]) for _ in range(2)])
    assert sorted(both) == [0, 1]


async def test_an_authority_without_a_key_has_nothing_signed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing = signing_at(desk)
    await desk.certified_case()
    for keys in ({}, {"wujiang-hrss": True}):
        monkeypatch.setattr(desk.seals, "_sm2", keys)
        signing.tell(signing.told.get_nowait() if signing.told.qsize() else "0" * 32)
        assert await signing.sign_told() == 0
        assert await signing.sign_some() == 0


@dataclass
class Choosy:
    """A signer that signs some and refuses the others."""

    signer: SignerHere
    refused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.signer, name)

    async def sign_sm2(self, certificate_id: str, pdf: bytes) -> Sm2Signed:
        self.asked.append(certificate_id)
        if certificate_id in self.refused:
            raise ServiceError("signer.unavailable")
        return await self.signer.sign_sm2(certificate_id, pdf)


async def test_what_counts_no_more_is_not_signed(desk: Desk) -> None:
    signer = Choosy(desk.signer)
    signing = signing_at(desk, signer)
    _, row = await desk.certified_case()
    await desk.revoke(row.id)
    assert await signing.sign_told() == 0
    assert signer.asked == [row.id]
    assert await signing.sign_some() == 0
    assert signer.asked == [row.id]
    assert await kept(desk, row) is None


async def test_what_is_refused_keeps_nobody_behind_it_waiting_and_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sm2_signing, "MOST", 2)
    rows = [(await desk.certified_case())[1] for _ in range(5)]
    rows.sort(key=lambda row: (row.issued_at, row.id))
    ids = [row.id for row in rows]
    signer = Choosy(desk.signer, set(ids[:3]))
    signing = signing_at(desk, signer)
    # The first two are refused; the next time goes on behind them, and so to the end.
    assert [await signing.sign_some() for _ in range(2)] == [0, 2]
    assert signer.asked == ids
    signer.refused.clear()
    signer.asked.clear()
    assert await signing.sign_some() == 3
    assert sorted(signer.asked) == sorted(ids[:3])


async def test_a_file_that_is_lost_is_told_and_the_others_are_signed(desk: Desk) -> None:
    _, lost = await desk.certified_case()
    _, row = await desk.certified_case()
    await desk.files.remove(file_name(lost.id, lost.sha256 or ""))
    assert await signing_at(desk).sign_some() == 1
    assert await kept(desk, row) is not None
    assert await kept(desk, lost) is None


async def test_more_news_than_is_remembered_is_left_to_the_next_minute(desk: Desk) -> None:
    signing = signing_at(desk)
    signing.told = asyncio.Queue(1)
    _, first = await desk.certified_case()
    _, second = await desk.certified_case()
    assert await signing.sign_told() == 1
    assert signing.told.empty()
    assert await signing.sign_some() == 1
    assert await kept(desk, first) is not None
    assert await kept(desk, second) is not None


class Unsteady(Sm2Signing):
    """Fails in two ways before it succeeds, told or not."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.units, desk.signer, desk.papers)
        self.faults = {name: [ServiceError("signer.unavailable"), RuntimeError("a bug")]
                       for name in ("told", "some")}  # fmt: skip
        self.done = {name: asyncio.Event() for name in self.faults}

    async def _work(self, name: str) -> int:
        await asyncio.sleep(0)
        if self.faults[name]:
            raise self.faults[name].pop()
        self.done[name].set()
        await asyncio.Event().wait()
        return 0

    async def sign_told(self) -> int:
        return await self._work("told")

    async def sign_some(self) -> int:
        return await self._work("some")


async def test_it_is_tried_again_after_whatever_went_wrong(desk: Desk) -> None:
    unsteady = Unsteady(desk)
    worker = asyncio.create_task(keep_signing_sm2(unsteady, every=0.01))
    async with asyncio.timeout(60):
        for done in unsteady.done.values():
            await done.wait()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert worker.cancelled()


async def test_with_the_signer_killed_before_it_has_answered_the_next_minute_signs(
    desk: Desk, tmp_path: Path, sqlite_url: str
) -> None:
    step = sign_and_stop.SM2_STEP
    socket = tmp_path / "signer" / "signer.sock"
    _, row = await desk.certified_case()
    signing = signing_at(desk, ask_at(desk, socket))
    pdf = await desk.papers.content(row)
    asking = signing.signer.sign_sm2(row.id, pdf)
    assert await kill_signer(desk, sqlite_url, socket, step, asking) == "signer.unavailable"
    assert await signing.sign_some() == 0
    assert await kept(desk, row) is None
    async with answering(desk.signer.signing, socket):
        assert await signing.sign_some() == 1
    found = await kept(desk, row)
    assert found is not None
    assert gmssl.finds_good(pdf, found.content)
