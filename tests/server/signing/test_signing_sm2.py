"""What the signer signs with SM2 beside a released file, and what it does not."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from server.certificates import seals as seals_module
from server.certificates.drawing import Drawing, Sm2Finding, Sm2Reason, Verdict
from server.certificates.models import Certificate
from server.certificates.remote import RemoteSigner
from server.certificates.seals import KeyFolderError, Seals, _Survey
from server.errors import ServiceError
from server.pool import Refused
from server.signing.service import Signing
from tests.server.signing.test_signing import forge, reserve
from tests.support import gmssl
from tests.support.database import SetClock
from tests.support.desk import PASSPHRASE, Desk, order_of
from tests.support.signer_socket import answering, ask_at


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "signer" / "signer.sock"


@pytest.fixture
async def remote(desk: Desk, socket: Path) -> AsyncIterator[RemoteSigner]:
    """The desk's signer behind its socket."""
    async with answering(desk.signer.signing, socket):
        yield ask_at(desk, socket)


async def released(desk: Desk) -> tuple[Certificate, bytes]:
    """A certificate with its file."""
    _, row = await desk.certified_case()
    return row, await desk.papers.content(row)


async def refusal(desk: Desk, certificate_id: str, pdf: bytes) -> str:
    """Why the signer does not sign."""
    with pytest.raises(ServiceError) as refused:
        await desk.signer.sign_sm2(certificate_id, pdf)
    return refused.value.code


async def test_what_is_released_is_signed_and_a_second_implementation_agrees(desk: Desk) -> None:
    row, pdf = await released(desk)
    made = await desk.signer.sign_sm2(row.id, pdf)
    now = desk.units.clock()
    found = await desk.drawing.examine_sm2(pdf, made.content, now, row.number)
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.GENUINE, Sm2Reason.HOLDS)
    assert (found.signed_at, found.demo) == (made.signed_at, True)
    assert gmssl.finds_good(pdf, made.content)
    assert not gmssl.finds_good(pdf + b"\n", made.content)
    assert await desk.papers.content(row) == pdf


async def test_a_signature_is_another_each_time(desk: Desk) -> None:
    row, pdf = await released(desk)
    first, second = [await desk.signer.sign_sm2(row.id, pdf) for _ in range(2)]
    assert first.content != second.content


async def test_what_is_unknown_not_released_or_counts_no_more_is_refused(desk: Desk) -> None:
    row, pdf = await released(desk)
    assert await refusal(desk, "0" * 32, pdf) == "certificate.unknown"
    reserved = await reserve(desk)
    assert await refusal(desk, reserved.id, pdf) == "certificate.not_released"
    await desk.revoke(row.id)
    assert await refusal(desk, row.id, pdf) == "certificate.revoked"


async def test_other_bytes_than_the_registers_are_refused(desk: Desk) -> None:
    row, pdf = await released(desk)
    _, another = await released(desk)
    # A page of this very number that the same seal has made, and that was never released.
    twin = (await desk.seals.issue(order_of(row), desk.units.clock())).pdf
    for wrong in (b"", pdf[:-1], pdf + b"\n", b"%PDF-1.7\n", another, twin):
        assert await refusal(desk, row.id, wrong) == "certificate.altered"


async def test_a_register_that_lies_of_the_bytes_gets_no_signature_over_them(desk: Desk) -> None:
    """Whoever can write the register still needs a page that the seal has made."""
    row, pdf = await released(desk)
    other, another = await released(desk)
    await forge(desk, other, sha256=None)
    altered = pdf.replace(b"/Type /Page\n", b"/Type /Pagf\n", 1)
    for wrong in (pdf + b"\n% more\n", pdf[:-9], b"%PDF-1.7\n", altered, another):
        await forge(desk, row, sha256=hashlib.sha256(wrong).hexdigest())
        assert await refusal(desk, row.id, wrong) == "certificate.altered"


@pytest.mark.parametrize(
    "forged", [{"authority_id": "wujiang-hrss"}, {"authority_id": "nobody"}, {"number": "1.2.156"}]
)
async def test_another_authoritys_key_signs_nothing_of_this_ones(
    desk: Desk, forged: dict[str, object]
) -> None:
    row, pdf = await released(desk)
    await forge(desk, row, **forged)
    assert await refusal(desk, row.id, pdf) == "certificate.not_released"


async def test_a_seal_that_cannot_be_judged_any_more_is_no_ground(
    desk: Desk, clock: SetClock
) -> None:
    row, pdf = await released(desk)
    clock.advance(days=8)
    assert await refusal(desk, row.id, pdf) == "signer.unavailable"


@dataclass
class Doubting:
    """A drawing room that finds every seal genuine and of SM2 signatures what it is told."""

    drawing: Drawing
    says: Sm2Finding | None

    async def examine_strange(
        self, content: bytes, now: datetime, token: bytes | None = None
    ) -> object:
        return await self.drawing.examine_strange(content, now, token)

    async def examine_sm2(self, *_given: object) -> Sm2Finding | None:
        return self.says


@pytest.mark.parametrize("says", [None, Sm2Finding(Verdict.REVOKED, Sm2Reason.REVOKED)])
async def test_what_the_own_verifier_does_not_find_genuine_is_given_to_nobody(
    desk: Desk, says: Sm2Finding | None
) -> None:
    row, pdf = await released(desk)
    doubting: object = Doubting(desk.drawing, says)
    signing = dataclasses.replace(desk.signer.signing, drawing=doubting)  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match=r"signer\.unavailable"):
        await signing.sign_sm2(row.id, pdf)


def test_an_authority_without_an_sm2_key_signs_nothing(
    clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for keys in (None, SimpleNamespace(sm2={})):
        monkeypatch.setattr(seals_module._Press, "keys", keys)
        made = seals_module._sign_sm2("huoqiu-hrss", b"", clock())
        assert made == Refused("signer.unavailable")


async def test_who_has_too_much_signed_is_told_to_wait(desk: Desk) -> None:
    row, pdf = await released(desk)
    counted: list[tuple[str, str]] = []

    def admit(rate: str, about: str) -> None:
        counted.append((rate, about))

    signing: Signing = dataclasses.replace(desk.signer.signing, admit=admit)
    await signing.sign_sm2(row.id, pdf)
    assert counted == [("sign_sm2", "huoqiu-hrss")]


async def test_it_is_signed_on_the_other_side_of_the_socket(
    desk: Desk, remote: RemoteSigner
) -> None:
    row, pdf = await released(desk)
    assert remote.sm2["huoqiu-hrss"]
    made = await remote.sign_sm2(row.id, pdf)
    assert gmssl.finds_good(pdf, made.content)
    assert made.signed_at == desk.units.clock().replace(microsecond=0)
    with pytest.raises(ServiceError, match=r"certificate\.altered"):
        await remote.sign_sm2(row.id, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "0" * 32, bytes(5 * 1024 * 1024 + 1), 413),
        ("POST", "0" * 32, b"%PDF", 404),
        ("POST", "0" * 31, b"%PDF", 404),
        ("POST", "../seals", b"%PDF", 405),
        ("GET", "0" * 32, b"", 405),
    ],
)
@pytest.mark.usefixtures("remote")
async def test_what_is_malformed_is_refused(
    socket: Path, method: str, path: str, body: bytes, status: int
) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
        session.request(
            method, f"http://signer/sm2-signatures/{path}", data=io.BytesIO(body)
        ) as answer,
    ):  # fmt: skip
        assert answer.status == status
        assert set(await answer.json()) == {"code", "details"}


async def test_demo_sm2_keys_are_none_for_production_beside_whatever_seals(
    desk: Desk, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "huoqiu-hrss"
    monkeypatch.setattr(desk.seals, "_demo", {name: False})
    async with answering(desk.signer.signing, socket):
        assert not await RemoteSigner(socket, demo=False).answers()
        monkeypatch.setattr(desk.seals, "_sm2", {name: False})
        assert await RemoteSigner(socket, demo=False).answers()

    async def found(*_given: object) -> object:
        return _Survey({name: False}, {name: True}, {})

    production = Seals(desk.seals.folder, PASSPHRASE)
    monkeypatch.setattr(production._pool, "run", found)
    with pytest.raises(KeyFolderError, match=f"demo keys are not for production: {name}"):
        await production.start(demo=False)
