"""Asking time-stamping authorities (RFC 3161) for a token, one after the other until one counts."""

from __future__ import annotations

import asyncio
import http.client
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from asn1crypto import tsp

from docs_gen.ca import CLOCK_SLACK
from docs_gen.clocks import Clocks, bare, judge
from docs_gen.trustlist import TrustList

LARGEST_TOKEN = 12 * 1024
LARGEST_ANSWER = LARGEST_TOKEN + 1024
NONCE_BITS = 63
GRANTED = ("granted", "granted_with_mods")
OK = 200
REST_SECONDS = 60.0
KINDS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
# A certificate is drawn again within the hour after a crash, and stamped then.
LATEST = timedelta(days=1)


class StampError(Exception):
    """No authority gave a token that counts; says of each why not."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where tokens are asked for: http(s) addresses in order, and seconds for each to answer.

    `resting` is kept from one to the next: who failed is let alone for a minute, or every
    certificate would wait for it.
    """

    urls: tuple[str, ...]
    trust: TrustList
    seconds: float = 3.0
    resting: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that counts, as DER, and the time that it proves."""

    content: bytes
    at: datetime


def require_awake(source: Source) -> None:
    """Raise StampError, as `stamp` would, if every authority failed within the last minute."""
    now = time.monotonic()
    if all(now < source.resting.get(url, 0.0) for url in source.urls):
        faults = (f"{url}: failed within the last minute" for url in source.urls)
        raise StampError("; ".join(faults) or "no time-stamping authority is named")


async def stamp(sha256: bytes, about: datetime, source: Source) -> Token:
    """Return a token over a SHA-256 from the first authority that gives one that counts.

    It is to be one of our clocks, and to show `about` the time that we have. StampError if there
    is none.
    """
    faults = []
    for url in source.urls:
        if time.monotonic() < source.resting.get(url, 0.0):
            faults.append(f"{url}: failed within the last minute")
            continue
        try:
            content = await asyncio.to_thread(_ask, url, sha256, source.seconds)
            return await _checked(content, sha256, about, source.trust.clocks)
        except Exception as error:  # noqa: BLE001 (a broken answer raises whatever it leads to)
            source.resting[url] = time.monotonic() + REST_SECONDS
            faults.append(f"{url}: {error or type(error).__name__}")
    raise StampError("; ".join(faults) or "no time-stamping authority is named")


async def _checked(content: bytes, sha256: bytes, about: datetime, clocks: Clocks) -> Token:
    token = bare(content)
    found = await judge(token, sha256, clocks, None)
    if found is None:
        raise StampError("the token is not sound")
    if not found.trusted:
        raise StampError("the token is of none of our clocks, or there is no CRL for it")
    if not about - CLOCK_SLACK <= found.at <= about + LATEST:
        raise StampError(f"the clock shows {found.at.isoformat()}")
    return Token(token, found.at)


def _ask(url: str, sha256: bytes, seconds: float) -> bytes:
    """Return the token that an authority answers with; StampError if it refuses."""
    nonce = secrets.randbits(NONCE_BITS)
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256}
    request = tsp.TimeStampReq(
        {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    )
    answer = tsp.TimeStampResp.load(_post(url, request.dump(), seconds), strict=True)
    status = answer["status"]["status"].native
    if status not in GRANTED:
        raise StampError(f"refused: {status}")
    token = answer["time_stamp_token"]
    if token["content"]["encap_content_info"]["content"].parsed["nonce"].native != nonce:
        raise StampError("the token answers another request")
    content: bytes = token.dump()
    if len(content) > LARGEST_TOKEN:
        raise StampError(f"a token of {len(content)} bytes")
    return content


def _post(url: str, body: bytes, seconds: float) -> bytes:
    """Return an answer to a query, if all of it comes in time; redirects are not followed."""
    ends = time.monotonic() + seconds
    parts = urlsplit(url)
    if parts.scheme not in KINDS:
        raise StampError("expected an address of http or https")
    connection = KINDS[parts.scheme](parts.hostname or "", parts.port, timeout=seconds)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        headers = {
            "Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply",
        }  # fmt: skip
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        if answer.status != OK:
            raise StampError(f"HTTP {answer.status}")
        content = b""
        while part := answer.read1(LARGEST_ANSWER):
            content += part
            if len(content) > LARGEST_ANSWER:
                raise StampError("the answer is too long")
            if time.monotonic() > ends:
                raise TimeoutError("the answer came too late")
        return content
    finally:
        connection.close()
