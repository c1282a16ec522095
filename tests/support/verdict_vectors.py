"""What Python says of QR codes and lists, honest and altered: the browser is to say the same."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from docs_gen import cose, qr, statuslist
from docs_gen.ca import Pair, Revoked, make_ca, make_crl, make_list_signer, make_seal
from docs_gen.keyfiles import DER
from docs_gen.numbers import identifier
from docs_gen.signedlist import (
    KIND,
    SIGN1,
    TrustListError,
    fingerprint,
    open_list,
    seal_list,
)
from docs_gen.standing import judge_code
from docs_gen.statuslist import Status
from docs_gen.trustlist import TrustList
from tests.support.codes import (
    ATTACKS,
    OUR_ID,
    OURS,
    STRANGER,
    THEIR_ID,
    TOKENS,
    alter,
)

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ISSUER, OTHER = "11341522MB0000001T", "11320509MB0000001C"
PUBLIC = OURS.public_key().public_bytes_raw()
CODES, TRUSTS, STATUSES = 256, 160, 160


@dataclass
class Vectors:
    """Questions with Python's answers; lists are kept once, and named by their place."""

    root: str
    lists: list[str] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    _places: dict[bytes, int] = field(default_factory=dict)

    def ask(
        self, name: str, code: str, trust: bytes, status: bytes | None, now: datetime = LATER,
        *, at_least: int = 0, root: str | None = None,
    ) -> None:  # fmt: skip
        """Put down a question, and what Python answers; `root` is another one that is believed."""
        believed = root or self.root
        self.cases.append({
            "name": name, "code": code, "root": believed, "trust": self._keep(trust),
            "status": None if status is None else self._keep(status),
            "now": round(now.timestamp() * 1000), "atLeast": at_least,
            "says": self._answer(
                code, trust, status, now, root=believed, at_least=at_least
            ),
        })  # fmt: skip

    def _answer(
        self, code: str, trust: bytes, status: bytes | None, now: datetime,
        *, root: str, at_least: int,
    ) -> dict[str, Any]:  # fmt: skip
        try:
            opened = open_list(trust, root)
        except TrustListError:
            return {"refused": True}
        found = judge_code(code, opened, status, now, at_least=at_least)
        claim = found.claim
        return {
            "verdict": found.verdict, "reason": found.reason,
            "claim": claim and {
                "number": claim.number, "title": claim.title, "holder": claim.holder,
                "issuer": claim.issuer, "issued_on": str(claim.issued_on),
                "valid_until": str(claim.valid_until),
            },
        }  # fmt: skip

    def _keep(self, content: bytes) -> int:
        if content not in self._places:
            self._places[content] = len(self.lists)
            self.lists.append(base64.b64encode(content).decode())
        return self._places[content]


@dataclass(frozen=True)
class Province:
    """A root with what it lets sign lists, and one certificate's code."""

    root: Pair
    signer: Pair

    @property
    def list(self) -> TrustList:
        crl = make_crl(self.root, [], NOW).public_bytes(DER)
        der = self.root.certificate.public_bytes(DER)
        return TrustList((der,), (), (crl,), ((OUR_ID, PUBLIC),), 7)

    def trust(self, now: datetime = NOW, **changed: Any) -> bytes:  # noqa: ANN401
        listed = replace(self.list, **changed)
        return seal_list(listed, self.signer, self.root.certificate, now)


def open_province() -> Province:
    """Make a province whose keys are new."""
    root = make_ca("跨域演示根证书", None, NOW)
    return Province(root, make_list_signer("跨域演示信任列表", root, NOW))


def number_of(serial: int, issuer: str = ISSUER, year: int = 2026) -> str:
    return identifier("11100000MB0000011U001", issuer, f"{year}{serial:07}")


def code_of(serial: int, **changed: Any) -> str:  # noqa: ANN401
    """The address in the QR code of a certificate of ours."""
    claim = qr.Claim(
        number_of(serial), "城乡居民养老保险个人账户余额证明", "张*",
        "霍邱县人力资源和社会保障局（演示）",
        date(2026, 11, 20), date(2027, 2, 18),
    )  # fmt: skip
    claim = replace(claim, **changed)
    return f"https://kuayu.example/v/{claim.number}#{qr.encode(claim, OURS, OUR_ID)}"


def status_list(
    at: datetime = NOW, version: int = 5, *, issuer: str = ISSUER, year: int = 2026,
    key: Ed25519PrivateKey = OURS,
    places: tuple[tuple[int, Status], ...] = (
        (1, Status.VALID), (2, Status.REVOKED), (3, Status.SUPERSEDED), (900, Status.VALID),
    ),
) -> bytes:  # fmt: skip
    one = statuslist.make(issuer, year, version, at, places)
    return statuslist.encode(one, key, OUR_ID)


def make_vectors() -> Vectors:
    """Return every verdict, and some hundreds of seeded alterations of codes and lists."""
    mine = open_province()
    vectors = Vectors(fingerprint(mine.root.certificate))
    _ask_plainly(vectors, mine)
    _ask_of_signers(vectors, mine)
    trust, status = mine.trust(), status_list()
    for seed in range(CODES):
        name, token = alter(seed)
        if token.strip() in TOKENS:
            continue  # Blanks around a code are nobody's forgery: both strip them.
        vectors.ask(f"code {name} {seed}", token, trust, status)
    for seed, altered in zip(
        range(TRUSTS), _altered(trust, mine.trust(NOW + timedelta(1))), strict=False
    ):
        vectors.ask(f"trust {seed}", code_of(1), altered, status)
    for seed, altered in zip(range(STATUSES), _altered(status, status_list(NOW, 6)), strict=False):
        vectors.ask(f"status {seed}", code_of(2), trust, altered)
    assert {
        name.split(maxsplit=1)[1].rsplit(maxsplit=1)[0] for name in _names(vectors, "code")
    } == set(ATTACKS)
    return vectors


def _names(vectors: Vectors, kind: str) -> list[str]:
    return [case["name"] for case in vectors.cases if case["name"].startswith(f"{kind} ")]


def _ask_plainly(vectors: Vectors, mine: Province) -> None:
    """Ask what an honest reader meets."""
    trust, status = mine.trust(), status_list()
    for serial in (1, 2, 3, 4, 899, 900, 901, 5000):
        vectors.ask(f"serial {serial}", code_of(serial), trust, status)
    token = code_of(1).partition("#")[2]
    for name, code in {
        "token alone": token, "blanks around": f"\x1c {code_of(1)} \x85",
        "other blanks": f"\ufeff{token}",
        "another number": code_of(1).replace(".001.", ".002."), "no address": "hello",
        "nothing": "", "a web page": "https://kuayu.example/verify#x", "two hashes": f"x#y#{token}",
    }.items():  # fmt: skip
        vectors.ask(name, code, trust, status)
    for name, lists in {
        "no status list": None, "other issuer": status_list(issuer=OTHER),
        "other year": status_list(year=2025), "a stranger's": status_list(key=STRANGER),
        "another's bytes": trust, "empty": b"",
    }.items():  # fmt: skip
        vectors.ask(name, code_of(1), trust, lists)
    vectors.ask("seen a newer one", code_of(1), trust, status, at_least=6)
    vectors.ask("seen this one", code_of(1), trust, status, at_least=5)
    _ask_of_time(vectors, mine)


def _ask_of_time(vectors: Vectors, mine: Province) -> None:
    trust, status, week = mine.trust(), status_list(), timedelta(days=7)
    tick = timedelta(milliseconds=1)
    for days in (-1, 0, 6, 7, 8):
        for name, shift in (("before", -tick), ("at", timedelta()), ("after", tick)):
            now = NOW + timedelta(days=days) + shift
            vectors.ask(f"{name} day {days}", code_of(1), trust, status, now)
            vectors.ask(f"{name} day {days}, new status", code_of(1), trust, status_list(now), now)
            vectors.ask(f"{name} day {days}, new trust", code_of(1), mine.trust(now), status, now)
    for minutes in (4, 5, 6, 9, 10, 11):
        early = NOW - timedelta(minutes=minutes)
        vectors.ask(f"{minutes} minutes early", code_of(1), mine.trust(early), status, early)
        vectors.ask(f"{minutes} minutes early, trust", code_of(1), trust, status_list(early), early)
    # The day ends in China at 16:00 UTC.
    for hour in (15, 16):
        now = datetime(2026, 11, 25, hour, 59, tzinfo=UTC)
        day = date(2026, 11, 25)
        vectors.ask(f"last day {hour}", code_of(1, valid_until=day), trust, status, now)
        vectors.ask(f"revoked, last day {hour}", code_of(2, valid_until=day), trust, status, now)
        made = status_list(datetime(2026, 11, 23, hour, 30, tzinfo=UTC))
        for issued in (23, 24):
            code = code_of(7, issued_on=date(2026, 11, issued))
            vectors.ask(f"issued on {issued}, list of {hour}", code, trust, made, now)
    vectors.ask("too old, strange code", "x", trust, status, NOW + week)


def _ask_of_signers(vectors: Vectors, mine: Province) -> None:
    """Ask by trust lists of others, or of a signer that may not sign them."""
    code, status = code_of(1), status_list()
    theirs, twin = open_province(), make_ca("跨域演示根证书", None, NOW)
    revoked = Revoked(
        mine.root.certificate.subject.rfc4514_string(), mine.signer.certificate.serial_number, NOW
    )
    root = mine.root.certificate
    crls = {
        "revoked": make_crl(mine.root, [revoked], NOW),
        "revoked by a namesake": make_crl(twin, [revoked], NOW),
        "another revoked": make_crl(mine.root, [replace(revoked, serial=7)], NOW),
    }
    lists = {
        "another root": theirs.trust(),
        "another's signer": seal_list(mine.list, theirs.signer, root, NOW),
        "a namesake's signer": seal_list(mine.list, make_list_signer("x", twin, NOW), root, NOW),
        "the root itself": seal_list(mine.list, mine.root, root, NOW),
        "a seal": seal_list(mine.list, make_seal("x", ISSUER, mine.root, NOW), root, NOW),
        "ended signer": mine.trust(NOW + timedelta(days=400, hours=1)),
        "keys of others": mine.trust(qr_keys=((THEIR_ID, PUBLIC),)),
        "a key of others": mine.trust(
            qr_keys=((OUR_ID, STRANGER.public_key().public_bytes_raw()),)
        ),
        "two keys": mine.trust(qr_keys=((THEIR_ID, b"k" * 32), (OUR_ID, PUBLIC))),
        "no keys": mine.trust(qr_keys=()),
        "unknown words": _sealed(mine, {"later": [1, {"x": b"y"}], "latest": b"z"}),
        "no version": _sealed(mine, {"version": "7"}),
        "another kind": _sealed(mine, {}, kind="application/other"),
        "a status list": status,
        **{name: mine.trust(crls=(crl.public_bytes(DER),)) for name, crl in crls.items()},
    }
    for name, trust in lists.items():
        vectors.ask(f"list of {name}", code, trust, status)
    below = make_ca("无根", mine.root, NOW)
    rootless = seal_list(mine.list, make_list_signer("x", below, NOW), below.certificate, NOW)
    vectors.ask(
        "list of a CA that is believed and no root", code, rootless, status,
        root=fingerprint(below.certificate),
    )  # fmt: skip
    vectors.ask("list of an ended signer, then", code, lists["ended signer"], status_list(
        NOW + timedelta(days=400, hours=1)), NOW + timedelta(days=400, hours=1))  # fmt: skip


def _sealed(mine: Province, said: dict[str, Any], kind: str = KIND) -> bytes:
    """Seal a list whose payload says more than ours does, or is said to be something else."""
    tagged = cbor2.loads(mine.trust())
    payload = cbor2.dumps(cbor2.loads(tagged.value[2]) | said, canonical=True)
    header = cbor2.loads(tagged.value[0]) | {16: kind}
    key, name = mine.signer.key, cbor2.dumps(header, canonical=True)
    r, s = utils.decode_dss_signature(
        key.sign(cose.covered(name, payload), ec.ECDSA(hashes.SHA256()))
    )
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return cbor2.dumps(cbor2.CBORTag(SIGN1, [name, {}, payload, signature]), canonical=True)


Attack = Callable[[Random, bytes, bytes], bytes]


def _altered(content: bytes, other: bytes) -> Iterator[bytes]:
    """Yield signed bytes altered in every way we know of, by their seeds; never as they were."""
    seed = 0
    while True:
        chance = Random(seed)
        made = ATTACKS_ON_LISTS[seed % len(ATTACKS_ON_LISTS)](chance, content, other)
        if made not in (content, other):
            yield made
        seed += 1


def _flip(chance: Random, content: bytes, _other: bytes) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(raw)


def _cut(chance: Random, content: bytes, _other: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _lengthen(chance: Random, content: bytes, other: bytes) -> bytes:
    return content + chance.choice((b"\0", other, content, chance.randbytes(9)))


def _splice(chance: Random, content: bytes, other: bytes) -> bytes:
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


def _swap_parts(chance: Random, content: bytes, other: bytes) -> bytes:
    """The other list's header, payload or signature in this one."""
    mine, theirs = cbor2.loads(content), cbor2.loads(other)
    tagged = isinstance(mine, cbor2.CBORTag)
    parts, others = (list(one.value if tagged else one) for one in (mine, theirs))
    at = chance.choice((2, 3, 3))
    parts[at] = others[at]
    return cbor2.dumps(cbor2.CBORTag(SIGN1, parts) if tagged else parts, canonical=True)


def _encode_otherwise(chance: Random, content: bytes, _other: bytes) -> bytes:
    """The same parts written another way: tags, longer heads, endless arrays, further items."""
    mine = cbor2.loads(content)
    tagged = isinstance(mine, cbor2.CBORTag)
    head, parts = (content[:1], list(mine.value)) if tagged else (b"", list(mine))
    body = content[len(head) :]
    protected, _, payload, signature = parts
    return chance.choice((
        head + b"\x98\x04" + body[1:],
        head + b"\x9f" + body[1:] + b"\xff",
        b"\xd9\xd9\xf7" + content,
        b"\xd8\x12" + body,
        body if tagged else b"\xd2" + body,
        head + cbor2.dumps([protected, {}, payload, signature, b""]),
        head + cbor2.dumps([protected, {}, payload]),
        head + cbor2.dumps([protected, {}, signature, payload]),
        head + cbor2.dumps([protected, {}, payload, signature.hex()]),
        head + cbor2.dumps([protected, {}, payload, bytes(64)]),
        head + cbor2.dumps([protected, {}, payload, signature + b"\0"]),
        cbor2.dumps(content),
    ))  # fmt: skip


def _noise(chance: Random, _content: bytes, _other: bytes) -> bytes:
    return chance.randbytes(chance.randrange(300))


ATTACKS_ON_LISTS: tuple[Attack, ...] = (
    _flip, _cut, _encode_otherwise, _flip, _lengthen, _splice, _swap_parts, _flip,
    _encode_otherwise, _noise,
)  # fmt: skip
