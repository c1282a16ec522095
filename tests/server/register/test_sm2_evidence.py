"""The detached SM2 signature in exported evidence, as a stranger verifies it with GmSSL."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import subprocess
import sys
from datetime import timedelta

import pytest

from docs_gen import sm2
from docs_gen.ca import Revoked
from docs_gen.keyfiles import DER
from docs_gen.sm2certs import make_crl, make_root, make_seal
from docs_gen.sm2keys import load_seals, own_root
from docs_gen.sm2signing import Sm2Seal
from docs_gen.trust import load_trust
from tests.server.register.test_evidence import (
    SCRIPT_MODULE,
    Files,
    Stranger,
    export,
    renamed,
    rewritten,
    setting,
)
from tests.support.database import SetClock
from tests.support.desk import PASSPHRASE, Desk
from tests.support.sm2 import signed_certificate

LINE = "sm2 国密签名: "


@pytest.fixture
def stranger(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    (root,) = load_trust(desk.seals.folder).roots
    return Stranger(tmp_path_factory.mktemp("stranger"), hashlib.sha256(root).hexdigest())


@pytest.fixture
async def files(desk: Desk) -> Files:
    """An export with an SM2 signature in it."""
    row, signature = await signed_certificate(desk)
    found = await export(desk, row.id)
    assert found["certificate.p7s"] == signature
    return found


def sm2_root(desk: Desk) -> str:
    (root,) = load_trust(desk.seals.folder).sm2.roots
    return hashlib.sha256(root).hexdigest()


async def verify(stranger: Stranger, files: Files, *more: str) -> tuple[int, str]:
    """The script's status, and what it says of the SM2 signature."""
    asked = dataclasses.replace(stranger, more=more)
    status, report = await asyncio.to_thread(asked.verify, files)
    [line] = [one for one in report.splitlines() if one.startswith(LINE)]
    return status, line.removeprefix(LINE)


async def test_a_stranger_finds_it_to_hold_and_says_what_it_rests_on(
    desk: Desk, stranger: Stranger, files: Files
) -> None:
    root = sm2_root(desk)
    status, said = await verify(stranger, files)
    assert (status, said.startswith("holds"), root in said) == (0, True, True)
    status, said = await verify(stranger, files, "--sm2-root", root.upper())
    assert (status, said.startswith("holds"), root in said) == (0, True, False)
    status, said = await verify(stranger, files, "--sm2-root", "0" * 64)
    assert (status, "another SM2 root" in said) == (1, True)
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-I", *stranger.command(files)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr, f"{LINE}holds" in ran.stdout) == (0, "", True)


async def test_without_gmssl_it_is_said_not_to_be_checked(
    stranger: Stranger, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SCRIPT_MODULE, "gmssl_pyx", None)
    status, said = await verify(stranger, files)
    assert (status, said) == (0, "NOT CHECKED 未核对: pip install gmssl-pyx")


async def test_evidence_of_what_was_not_signed_says_nothing_of_it(
    desk: Desk, stranger: Stranger
) -> None:
    _, row = await desk.certified_case()
    found = await export(desk, row.id)
    assert "certificate.p7s" not in found
    status, report = await asyncio.to_thread(stranger.verify, found)
    assert (status, LINE in report) == (0, False)


async def test_whoever_puts_another_signature_there_is_found(
    desk: Desk, stranger: Stranger, files: Files, clock: SetClock
) -> None:
    pdf, now = files["certificate.pdf"], clock.now
    _, other = await signed_certificate(desk)
    mine = files["certificate.p7s"]
    unknown = make_root("演示国密根证书", now)
    code = json.loads(files["register.json"])["issuer_code"]
    made = make_seal("霍邱县人力资源和社会保障局（演示）", code, unknown, now)
    theirs = load_seals(desk.seals.folder, PASSPHRASE)
    digest = sm2.sm3(pdf)
    strangers = Sm2Seal(made.key, made.certificate)
    cases = {
        "of another file": (other, "over another PDF"),
        "altered": (mine[:-1] + bytes([mine[-1] ^ 1]), "altered"),
        "not one at all": (pdf, ""),
        "lengthened": (mine + b"\0", ""),
        "of a stranger": (strangers.sign(digest, now), "does not lead to an SM2 root"),
        "of another authority": (
            theirs["wujiang-hrss"].sign(digest, now), "of another authority",
        ),
        "of tomorrow": (
            theirs["huoqiu-hrss"].sign(digest, now + timedelta(days=1)), "signed later",
        ),
    }  # fmt: skip
    for name, (signature, reason) in cases.items():
        status, said = await verify(stranger, renamed({**files, "certificate.p7s": signature}))
        assert (status, said.startswith("DOES NOT HOLD"), reason in said) == (1, True, True), (
            name, said,
        )  # fmt: skip


async def test_a_chain_that_does_not_count_is_found(
    desk: Desk, stranger: Stranger, files: Files, clock: SetClock
) -> None:
    root = own_root(desk.seals.folder, PASSPHRASE)
    assert root is not None
    seal = load_seals(desk.seals.folder, PASSPHRASE)["huoqiu-hrss"]
    name = root.certificate.subject.rfc4514_string()
    gone = make_crl(root, [Revoked(name, seal.certificate.serial_number, clock.now)], clock.now)
    old = make_crl(root, [], clock.now - timedelta(days=9))
    another = make_root("演示国密根证书", clock.now).certificate.public_bytes(DER)

    def changed_sm2(change: dict[str, object]) -> Files:
        return rewritten(
            files, "trust.json", lambda said: {**said, "sm2": {**said["sm2"], **change}}
        )

    def with_sm2(**lists: list[bytes]) -> Files:
        return changed_sm2(
            {part: [base64.b64encode(one).decode() for one in lists[part]] for part in lists}
        )

    def closed(*seals: str) -> Files:
        return changed_sm2({"closed": {"cas": [sm2_root(desk)], "seals": list(seals)}})

    mine = hashlib.sha256(seal.certificate.public_bytes(DER)).hexdigest()
    assert (await verify(stranger, closed(mine)))[0] == 0

    for changed, reason in (
        (with_sm2(crls=[gone]), "was revoked"),
        (with_sm2(crls=[old]), "no revocation list"),
        (with_sm2(crls=[]), "no revocation list"),
        (with_sm2(roots=[another]), "does not lead"),
        (with_sm2(roots=[]), "does not lead"),
        (closed("0" * 64), "its CA does not count for it"),
        (rewritten(files, "trust.json", setting(sm2={})), ""),
    ):
        status, said = await verify(stranger, changed)
        assert (status, said.startswith("DOES NOT HOLD"), reason in said) == (1, True, True), said
