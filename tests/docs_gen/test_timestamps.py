from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import itertools
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization

from docs_gen import timestamps
from docs_gen.clocks import Clocks, judge
from docs_gen.timestamps import Source, StampError, stamp
from docs_gen.trust import TrustList
from tests.support.tsa import Tsa, run_tsa

DIGEST = hashlib.sha256(b"something").digest()
NOBODY = TrustList((), (), (), ())
# The authority's clock is this machine's, so what it stamps is of today.
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    with run_tsa(tmp_path_factory.mktemp("tsa") / "authority", NOW) as running:
        yield running


@pytest.fixture
def tsa(authority: Tsa) -> Iterator[Tsa]:
    yield authority
    authority.mode = "sound"
    authority.asked.clear()


def source(*urls: str, clocks: Clocks) -> Source:
    # OpenSSL has to start for each answer, which takes a busy machine its time.
    return Source(urls, dataclasses.replace(NOBODY, clocks=clocks), seconds=60)


async def test_a_token_proves_the_time_at_which_the_clock_gave_it(tsa: Tsa) -> None:
    token = await stamp(DIGEST, NOW, source(tsa.url, clocks=tsa.clocks(NOW)))
    assert NOW - timedelta(seconds=1) <= token.at <= datetime.now(UTC)
    found = await judge(token.content, DIGEST, tsa.clocks(NOW), datetime.now(UTC))
    assert found is not None
    assert found.trusted
    assert found.at == token.at


def test_openssl_finds_a_token_sound_too(tsa: Tsa, tmp_path: Path) -> None:
    token = asyncio.run(stamp(DIGEST, NOW, source(tsa.url, clocks=tsa.clocks(NOW))))
    (tmp_path / "token").write_bytes(token.content)
    ca = tsa.ca.certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(ca)
    ran = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-digest", DIGEST.hex(),
         "-CAfile", "ca.pem"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in ran.stdout


async def test_a_token_over_something_else_or_changed_proves_nothing(tsa: Tsa) -> None:
    clocks = tsa.clocks(NOW)
    token = (await stamp(DIGEST, NOW, source(tsa.url, clocks=clocks))).content
    assert await judge(token, hashlib.sha256(b"else").digest(), clocks, None) is None
    at = token.index(DIGEST)
    assert await judge(token[:at] + bytes(32) + token[at + 32 :], bytes(32), clocks, None) is None
    assert await judge(token + b"\0", DIGEST, clocks, None) is None
    assert await judge(b"", DIGEST, clocks, None) is None


@pytest.mark.parametrize("lost", ["nobody", "stale", "revoked", "without CRL"])
async def test_a_clock_that_does_not_count_proves_nothing(lost: str, tsa: Tsa) -> None:
    known = tsa.clocks(NOW)
    token = (await stamp(DIGEST, NOW, source(tsa.url, clocks=known))).content
    clocks = {
        "nobody": Clocks(),
        "stale": tsa.clocks(NOW - timedelta(days=30)),
        "revoked": tsa.clocks(NOW, revoked=NOW - timedelta(days=1)),
        "without CRL": dataclasses.replace(known, crls=()),
    }[lost]
    found = await judge(token, DIGEST, clocks, datetime.now(UTC))
    assert found is not None
    assert not found.trusted
    with pytest.raises(StampError, match="none of our clocks"):
        await stamp(DIGEST, NOW, source(tsa.url, clocks=clocks))


async def test_the_next_authority_is_asked_where_one_does_not_answer(tsa: Tsa) -> None:
    urls = ("http://127.0.0.1:9/", "http://nowhere.invalid/", tsa.url)
    token = await stamp(DIGEST, NOW, source(*urls, clocks=tsa.clocks(NOW)))
    assert token.at
    assert len(tsa.asked) == 1


async def test_an_authority_that_failed_is_let_alone_for_a_minute(
    tsa: Tsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = source(tsa.url, clocks=tsa.clocks(NOW))
    tsa.mode = "failing"
    with pytest.raises(StampError, match="HTTP 500"):
        await stamp(DIGEST, NOW, asked)
    tsa.mode = "sound"
    with pytest.raises(StampError, match="within the last minute"):
        await stamp(DIGEST, NOW, asked)
    assert len(tsa.asked) == 1
    monkeypatch.setitem(asked.resting, tsa.url, 0.0)
    assert (await stamp(DIGEST, NOW, asked)).at


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("failing", "HTTP 500"),
        ("broken", "Insufficient data"),
        ("long", "too long"),
        ("repeating", "another request"),
    ],
)
async def test_a_bad_answer_is_refused_and_named(mode: str, said: str, tsa: Tsa) -> None:
    asked = source(tsa.url, clocks=tsa.clocks(NOW))
    await stamp(DIGEST, NOW, asked)
    tsa.mode = mode
    with pytest.raises(StampError, match=f"{tsa.url}.*{said}"):
        await stamp(DIGEST, NOW, asked)


async def test_an_answer_that_drips_is_refused_when_its_time_is_over(
    tsa: Tsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, looks = source(tsa.url, clocks=tsa.clocks(NOW)), itertools.count()
    # A clock that goes on by a quarter of what an authority is given with each look at it.
    ticking = SimpleNamespace(monotonic=lambda: next(looks) * asked.seconds / 4)
    monkeypatch.setattr(timestamps, "time", ticking)
    tsa.mode = "dripping"
    with pytest.raises(StampError, match=f"{tsa.url}.*too late"):
        await stamp(DIGEST, NOW, asked)


async def test_an_authority_whose_clock_is_off_is_refused(tsa: Tsa) -> None:
    asked, now = source(tsa.url, clocks=tsa.clocks(NOW)), datetime.now(UTC)
    for about in (now + timedelta(hours=1), now - timedelta(days=2)):
        asked.resting.clear()
        with pytest.raises(StampError, match="the clock shows"):
            await stamp(DIGEST, about, asked)


async def test_what_is_no_web_address_is_refused(tsa: Tsa) -> None:
    for url in ("file:///etc/passwd", "ftp://127.0.0.1/", "nonsense"):
        with pytest.raises(StampError, match="of http or https"):
            await stamp(DIGEST, NOW, source(url, clocks=tsa.clocks(NOW)))


def test_without_authorities_there_is_no_token() -> None:
    with pytest.raises(StampError, match="no time-stamping authority"):
        asyncio.run(stamp(DIGEST, NOW, source(clocks=Clocks())))
