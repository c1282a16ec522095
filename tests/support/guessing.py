"""Whoever guesses at the verify page: numbers, check codes and tokens, by a seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from docs_gen.numbers import identifier
from server.certificates.models import Certificate
from server.certificates.routes import routes
from server.certificates.rules import CODE_ALPHABET, CODE_LENGTH, clean_code, clean_number
from server.errors import CODES
from server.web.limits import build_admit
from tests.support.desk import AGENT_VALUES, APPLICANT, LOCAL_VALUES, Desk
from tests.support.site import Site, serving

# What no public answer may hold, whatever was asked.
SECRETS = (*APPLICANT.values(), LOCAL_VALUES["bank_account"], AGENT_VALUES["balance"])
PROXY = "127.0.0.1"
ODD = ("", " ", "0", "0000000000", "null", "' OR 1=1 --", "%", "*", "\x00", "é" * 20, "9" * 300,
       "２３４５６７８９ＡＢ", "__________", "-" * 10, "\ud83d\ude00")  # fmt: skip
ROUND = 10
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Guess:
    """One question: at which address, and what is said."""

    path: str
    said: dict[str, Any]


def guess(known: Sequence[Certificate], chance: Random) -> Guess:
    """Return a question that is never right: near misses of what there is, and far ones."""
    row, other = chance.choice(known), chance.choice(known)
    number = _number(row, chance)
    if chance.random() < 0.3:
        token = _token(row, other, chance)
        if (clean_number(number), token.strip()) in {(one.number, one.qr_token) for one in known}:
            token += "A"  # Of two tokens that begin alike, one part and the rest are one of them.
        return Guess("/api/verify/qr", {"number": number, "token": token})
    code = _code(row, other, chance)
    if _is_right(known, number, code):
        code = "2" * CODE_LENGTH
    said: dict[str, Any] = {"number": number, "check_code": code}
    if chance.random() < 0.03:
        said[chance.choice(("number", "check_code", "id", "token"))] = chance.choice(
            (None, 7, [], {}, True, [number])
        )
    return Guess("/api/verify", said)


def _is_right(known: Sequence[Certificate], number: str, code: str) -> bool:
    pairs = {(row.number, row.check_code) for row in known}
    return (clean_number(number), clean_code(code)) in pairs


def _number(row: Certificate, chance: Random) -> str:
    """The very number, one near it with its right check character, or what is none."""
    parts = row.number.split(".")
    serial = f"{int(parts[7]) + chance.randint(-9, 9):011}"
    near = identifier(parts[5], parts[6], serial, chance.choice(("001", "002")))
    at = chance.randrange(len(row.number))
    changed = row.number[:at] + chance.choice("0123456789AX.") + row.number[at + 1 :]
    odd = chance.choice(ODD)
    weighted = (
        (row.number,) * 4 + (near,) * 3 + (changed, row.number.lower(), row.number + odd, odd)
    )
    return chance.choice(weighted)


def _code(row: Certificate, other: Certificate, chance: Random) -> str:
    right = row.check_code
    at = chance.randrange(CODE_LENGTH)
    near = right[:at] + chance.choice(CODE_ALPHABET.replace(right[at], "")) + right[at + 1 :]
    any_ = "".join(chance.choices(CODE_ALPHABET, k=CODE_LENGTH))
    cut = right[: chance.randrange(1, CODE_LENGTH)]
    theirs = other.check_code if other is not row else near
    odd = chance.choice(ODD)
    return chance.choice((any_, any_, any_, near, cut, right + any_[0], right[::-1], theirs, odd))


def _token(row: Certificate, other: Certificate, chance: Random) -> str:
    right = row.qr_token or ""
    at = chance.randrange(len(right))
    changed = right[:at] + chance.choice("ABCabc019-_".replace(right[at], "")) + right[at + 1 :]
    theirs = other.qr_token or ""
    return chance.choice((changed, changed, right[:at], right + "A", right + "=", theirs[::-1],
                          right[:at] + theirs[at:] if other is not row else right[1:],
                          chance.choice(ODD)))  # fmt: skip


@asynccontextmanager
async def verify_page(desk: Desk, *, limited: bool) -> AsyncIterator[Site]:
    """Serve what anyone may ask of certificates, with the limits of production or with none."""
    admit = build_admit() if limited else lambda _rate, _key: None
    table = routes(
        desk.issuing, desk.certificates, desk.verifying, desk.papers, admit,
        refusals=desk.refusals,
    )  # fmt: skip
    public = [route for route in table if route.path.startswith("/api/verify")]
    async with serving(desk.units, routes=public, admit=admit, proxies=(PROXY,)) as site:
        yield site


async def judge_guesses(
    site: Site, known: Sequence[Certificate], seeds: Iterable[int]
) -> Counter[str]:
    """Ask by many addresses; count the answers.

    AssertionError names the seed of an answer that is no refusal, differs from that to any other
    miss, or holds a value of somebody's.
    """
    found, misses = Counter[str](), set[str]()
    for seed in seeds:
        asked = guess(known, Random(seed))
        address = f"198.51.{seed // ROUND // 256 % 256}.{seed // ROUND % 256}"
        headers = {**site.headers(), **JSON, "X-Forwarded-For": address}
        async with site.browser.post(
            site.url(asked.path),
            headers=headers,
            data=json.dumps(asked.said),
        ) as answer:
            body, status = await answer.json(), answer.status
            text = json.dumps([body, dict(answer.headers)], ensure_ascii=False)
        assert not any(secret in text for secret in SECRETS), f"seed {seed}: {text}"
        if status == 200:
            body["data"].pop("checked_at")
            misses.add(json.dumps(body["data"]))
            assert body["data"]["verdict"] == "unknown", f"seed {seed}: {asked}"
            found["unknown"] += 1
        else:
            code = body["error"]["code"]
            assert CODES[code] == status < 500, f"seed {seed}: {status} {code}"
            found[code] += 1
    assert len(misses) <= 1, misses
    return found
