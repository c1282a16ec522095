"""Payloads of QR codes altered in every way we know of, by a seed."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from docs_gen import cose
from docs_gen.qr import Claim, TokenError, encode, read
from docs_gen.qrkeys import qr_key_id

SECOND = 1.0
ORDER = 2**252 + 27742317777372353535851937790883648493
SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OURS, ROTATED_OUT, STRANGER = (
    Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 4)
)
CURVE = ec.derive_private_key(7, ec.SECP256R1())
OUR_ID, OLD_ID, THEIR_ID = (qr_key_id(key.public_key()) for key in (OURS, ROTATED_OUT, STRANGER))
KEYS = {OUR_ID: OURS.public_key()}
TITLES = (
    ("城乡居民养老保险个人账户余额证明", "张*"),
    ("户籍证明", "李**"),
    ("企业无违法违规证明", "某公司"),
)
CLAIMS = [
    Claim(
        f"1.2.156.3005.2.11100000MB0000011U001.11341522MB0000001T.2026000{n:04}.001.G",
        title,
        holder,
        "霍邱县人力资源和社会保障局（演示）",
        date(2026, 11, 20) + timedelta(days=n),
        date(2027, 2, 21) + timedelta(days=n),
    )
    for n, (title, holder) in enumerate(TITLES)
]
TOKENS = [encode(claim, OURS, OUR_ID) for claim in CLAIMS]


def raw_of(token: str) -> bytes:
    """Return a token's bytes."""
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def text_of(raw: bytes) -> str:
    """Return bytes as a token has them."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Parts:
    """What a token is made of."""

    protected: bytes
    bare: dict[Any, Any]
    payload: bytes
    signature: bytes

    @classmethod
    def of(cls, token: str) -> Parts:
        return cls(*cbor2.loads(raw_of(token)))

    def whole(self) -> list[Any]:
        return [self.protected, self.bare, self.payload, self.signature]

    def token(self) -> str:
        return text_of(cbor2.dumps(self.whole()))


Attack = Callable[[Random, str, str], str]


def _flip(chance: Random, token: str, _other: str) -> str:
    raw = bytearray(raw_of(token))
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return text_of(bytes(raw))


def _change_symbol(chance: Random, token: str, _other: str) -> str:
    at = chance.randrange(len(token))
    return token[:at] + chance.choice(SYMBOLS.replace(token[at], "")) + token[at + 1 :]


def _swap_parts(chance: Random, token: str, other: str) -> str:
    """One certificate's payload, header or signature in the other's token."""
    mine, theirs = Parts.of(token), Parts.of(other)
    name = chance.choice(("payload", "signature"))
    return replace(mine, **{name: getattr(theirs, name)}).token()


def _swap_fields(chance: Random, token: str, other: str) -> str:
    """Some of the other certificate's words among this one's, under this one's signature."""
    mine, theirs = Parts.of(token), cbor2.loads(Parts.of(other).payload)
    said = cbor2.loads(mine.payload)
    places = chance.sample(sorted(said), chance.randint(1, 5))
    words = said | {place: theirs[place] for place in places}
    words[1] = chance.choice((said, theirs))[1]
    return replace(mine, payload=cbor2.dumps(words, canonical=True)).token()


def _change_words(chance: Random, token: str, _other: str) -> str:
    mine = Parts.of(token)
    said = cbor2.loads(mine.payload)
    place = chance.choice(sorted(said))
    value = said[place]
    said[place] = value + chance.randint(1, 999) if isinstance(value, int) else value + "x"
    return replace(mine, payload=cbor2.dumps(said, canonical=True)).token()


def _sign_with_another_key(chance: Random, token: str, _other: str) -> str:
    """A stranger's key, under its own name or ours; or one of ours that is listed no more."""
    claim = chance.choice(CLAIMS)
    key, name = chance.choice(
        ((STRANGER, THEIR_ID), (STRANGER, OUR_ID), (ROTATED_OUT, OLD_ID), (ROTATED_OUT, OUR_ID),
         (OURS, OLD_ID), (OURS, chance.randbytes(8)), (OURS, b""))
    )  # fmt: skip
    del token
    changed = replace(claim, valid_until=claim.valid_until + timedelta(chance.randrange(999)))
    return encode(changed, key, name)


def _name_another_algorithm(chance: Random, token: str, _other: str) -> str:
    """Signed by us or not, and said to be something else than EdDSA."""
    mine = Parts.of(token)
    names = (-7, -35, -37, -257, 5, 0, None, "EdDSA", -8.0, 8, [-8])
    header = {1: chance.choice(names), 4: OUR_ID}
    if chance.random() < 0.2:
        del header[1]
    protected = cbor2.dumps(header)
    covered = cose.covered(protected, mine.payload)
    signature = chance.choice(
        (mine.signature, STRANGER.sign(covered), b"", bytes(64), OURS.sign(covered),
         CURVE.sign(covered, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    )  # fmt: skip
    if header.get(1) == -8.0 and signature == OURS.sign(covered):
        signature = b""  # The same number written another way, and really signed: no forgery.
    return Parts(protected, {}, mine.payload, signature).token()


def _sign_as_something_else(chance: Random, token: str, _other: str) -> str:
    """Our own signature over the payload alone, or as a status list, or by other rules of COSE."""
    mine = Parts.of(token)
    kind = "application/kuayu-status-list+cbor"
    signed = (
        lambda: cose.sign(mine.payload, OURS, OUR_ID, kind=kind),
        lambda: cbor2.dumps([*mine.whole()[:3], OURS.sign(mine.payload)]),
        lambda: cbor2.dumps([*mine.whole()[:3], OURS.sign(_context("Signature", mine))]),
        lambda: cbor2.dumps([*mine.whole()[:3], OURS.sign(_context("CounterSignature", mine))]),
    )
    return text_of(chance.choice(signed)())


def _context(name: str, mine: Parts) -> bytes:
    return cbor2.dumps([name, mine.protected, b"", mine.payload])


def _encode_otherwise(chance: Random, token: str, _other: str) -> str:
    """The same parts, written another way: tags, other lengths, endless ones, other containers."""
    mine = Parts.of(token)
    protected, bare, payload, signature = mine.whole()
    raw = raw_of(token)
    others = (
        lambda: b"\xd2" + raw,
        lambda: b"\xd8\x12" + raw,
        lambda: b"\xd9\xd9\xf7" + raw,
        lambda: b"\x9f" + raw[1:] + b"\xff",
        lambda: b"\x98\x04" + raw[1:],
        lambda: b"\x99\x00\x04" + raw[1:],
        lambda: cbor2.dumps([protected, {"x": 1}, payload, signature]),
        lambda: cbor2.dumps([protected, {4: OUR_ID}, payload, signature]),
        lambda: cbor2.dumps([protected, None, payload, signature]),
        lambda: cbor2.dumps([protected, [], payload, signature]),
        lambda: cbor2.dumps([protected, bare, payload, signature, chance.randrange(9)]),
        lambda: cbor2.dumps([protected, bare, payload]),
        lambda: cbor2.dumps({0: protected, 1: bare, 2: payload, 3: signature}),
        lambda: cbor2.dumps([cbor2.loads(protected), bare, payload, signature]),
        lambda: cbor2.dumps([protected, bare, cbor2.loads(payload), signature]),
        lambda: cbor2.dumps([signature, bare, payload, protected]),
        lambda: raw[:1] + b"\x58" + bytes([len(protected)]) + raw[2:],
        lambda: cbor2.dumps([protected, bare, payload, list(signature)]),
        lambda: cbor2.dumps([protected, bare, payload, signature.hex()]),
        lambda: cbor2.dumps(raw),
    )
    return text_of(chance.choice(others)())


def _reorder_words(chance: Random, token: str, _other: str) -> str:
    """The same words in another order, or said twice."""
    mine = Parts.of(token)
    said = list(cbor2.loads(mine.payload).items())
    order = said[::-1] if chance.random() < 0.5 else [*said[1:], said[0]]
    return replace(mine, payload=cbor2.dumps(dict(order))).token()


def _change_signature(chance: Random, token: str, _other: str) -> str:
    """What is known of Ed25519: the same number beyond its order, points of small order, zeros."""
    mine = Parts.of(token)
    point, number = mine.signature[:32], int.from_bytes(mine.signature[32:], "little")
    low = chance.choice((bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"))
    changed = chance.choice(
        (
            point + (number + ORDER).to_bytes(32, "little"),
            point + ((ORDER - number) % ORDER).to_bytes(32, "little"),
            low + bytes(32), low + mine.signature[32:], bytes(64), mine.signature[::-1],
            mine.signature + b"\0", mine.signature[:-1], b"", mine.signature * 2,
        )
    )  # fmt: skip
    return replace(mine, signature=changed).token()


def _spell_otherwise(chance: Random, token: str, _other: str) -> str:
    """The same bytes, in other letters: padding, blanks, the other alphabet, unused bits."""
    return chance.choice(
        (
            token + "=" * chance.randint(1, 4), token + "\n", " " + token, token + " ",
            token[:9] + "\n" + token[9:], token[:9] + "=" + token[9:], token + "\0",
            _another_alphabet(token), token.swapcase(), token[:-1] + _with_unused_bits(token),
            token + "A", token + "AA", token + "AAAA", token + "#", token[:5] + "é" + token[6:],
        )
    )  # fmt: skip


def _another_alphabet(token: str) -> str:
    changed = token.replace("-", "+").replace("_", "/")
    return changed if changed != token else token + "+"


def _with_unused_bits(token: str) -> str:
    """The last symbol with bits set that stand for nothing; where all stand for something, none."""
    unused = {2: 4, 3: 2}.get(len(token) % 4, 0)
    last = SYMBOLS.index(token[-1])
    return SYMBOLS[last | 1] if unused and not last & 1 else ""


def _cut(chance: Random, token: str, _other: str) -> str:
    return token[: chance.randrange(len(token))]


def _lengthen(chance: Random, token: str, other: str) -> str:
    more = (other, token, "A" * chance.randint(1, 2_000), text_of(chance.randbytes(60)))
    return token + chance.choice(more)


def _splice(chance: Random, token: str, other: str) -> str:
    return token[: chance.randrange(len(token))] + other[chance.randrange(len(other)) :]


def _noise(chance: Random, _token: str, _other: str) -> str:
    return text_of(chance.randbytes(chance.randrange(300)))


ATTACKS: Mapping[str, Attack] = {
    "flipped bit": _flip,
    "changed symbol": _change_symbol,
    "swapped parts": _swap_parts,
    "swapped fields": _swap_fields,
    "changed words": _change_words,
    "another key": _sign_with_another_key,
    "another algorithm": _name_another_algorithm,
    "signed as something else": _sign_as_something_else,
    "encoded otherwise": _encode_otherwise,
    "words reordered": _reorder_words,
    "changed signature": _change_signature,
    "spelled otherwise": _spell_otherwise,
    "cut short": _cut,
    "lengthened": _lengthen,
    "spliced": _splice,
    "noise": _noise,
}
NAMES: Sequence[str] = sorted(ATTACKS)


def every_flip(token: str) -> list[str]:
    """Return a token with each of its bits flipped, one at a time."""
    raw = raw_of(token)
    return [
        text_of(raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :])
        for at in range(len(raw))
        for bit in range(8)
    ]


def alter(seed: int) -> tuple[str, str]:
    """Return an altered token, and by what attack; never one as it was made."""
    chance = Random(seed)
    token, other = chance.sample(TOKENS, 2)
    name = NAMES[seed % len(NAMES)]
    altered = ATTACKS[name](chance, token, other)
    while altered in TOKENS:
        altered = _flip(chance, token, other)
    return name, altered


def judge_altered(seeds: Iterable[int]) -> Counter[str]:
    """Read altered tokens; count the attacks.

    AssertionError names attack and seed where one is read, or takes longer than a second. Another
    exception than TokenError is a defect too, and goes through.
    """
    found = Counter[str]()
    for seed in seeds:
        name, token = alter(seed)
        began = time.process_time()
        assert refused(token), f"{name}, seed {seed}, is read: {token}"
        assert time.process_time() - began < SECOND, f"{name}, seed {seed}, took long"
        found[name] += 1
    return found


def refused(token: str) -> bool:
    """Say whether a token is refused as one that none of our keys signed."""
    try:
        read(token, KEYS)
    except TokenError:
        return True
    return False
