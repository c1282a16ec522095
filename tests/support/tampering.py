"""Certificates altered in every way we know of, by a seed: the same one each time for a number."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pypdf import PdfReader, PdfWriter

from docs_gen.ca import make_ca, make_seal
from docs_gen.press import draw, preview
from docs_gen.sealkeys import SealKey
from docs_gen.signing import sign
from docs_gen.verifying import Verdict, verify
from tests.support.office import ISSUERS, NOW, TEMPLATES, VALUES, Office, open_office
from tests.support.seals import image_seal
from tests.support.shadows import CHANGES, updated
from tests.support.signatures import FORGERIES

SECOND = 1.0
DIGITS = b"0123456789"


@dataclass(frozen=True)
class Wares:
    """What a forger has at hand: certificates of ours, and files that he made to look like them."""

    office: Office
    ours: Sequence[bytes]
    false: Sequence[bytes]


def make_wares(folder: Path) -> Wares:
    """Open an office, issue every kind of certificate, and forge them with other keys."""
    office, stranger = open_office(folder / "office"), open_office(folder / "stranger")
    ours = [*(office.issue(kind) for kind in VALUES), office.issue(seal=image_seal())]
    false = [stranger.issue(kind) for kind in VALUES]
    for kind in ("pension-balance", "pension-contributions"):
        facts, template = office.facts(kind), TEMPLATES[kind]
        seals = (_seal_that_brings_our_names(kind), _seal_that_signs_itself(kind))
        false += [sign(draw(facts, template), facts, seal) for seal in seals]
        false += [draw(facts, template).unsigned(), preview(facts, template)]
    false += [_signed_again(one, stranger.simple_signer()) for one in ours[:2]]
    false += [_written_anew(one) for one in ours]
    return Wares(office, ours, false)


def _seal_that_brings_our_names(kind: str) -> SealKey:
    root = make_ca("跨域演示根证书", None, NOW)
    ca = make_ca(f"跨域演示签发机构 {ISSUERS[kind].region}", root, NOW)
    seal = make_seal(f"{ISSUERS[kind].seal_text}（演示）", ISSUERS[kind].code, ca, NOW)
    return SealKey(seal.certificate, seal.key, [ca.certificate, root.certificate])


def _seal_that_signs_itself(kind: str) -> SealKey:
    alone = make_ca(f"{ISSUERS[kind].seal_text}（演示）", None, NOW)
    return SealKey(alone.certificate, alone.key, [])


def _signed_again(content: bytes, signer: signers.Signer) -> bytes:
    """A second signature, by a stranger, over our first."""
    metadata = signers.PdfSignatureMetadata(field_name="Second", md_algorithm="sha256")
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    writer.root["/Perms"] = writer.root["/Perms"]
    del writer.root["/Perms"]["/DocMDP"]
    signed: io.BytesIO = signers.sign_pdf(writer, metadata, signer=signer)
    return signed.getvalue()


def _written_anew(content: bytes) -> bytes:
    """The pages as somebody's program writes them again."""
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(content)))
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


Attack = Callable[[Random, bytes, bytes], bytes]


def _flip(chance: Random, content: bytes, _other: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 16))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _flip_words(chance: Random, content: bytes, _other: bytes) -> bytes:
    """Of the words between a file's objects and not of its streams, which are most of it."""
    places = [found.start() for found in re.finditer(rb"[ -~\n]{16,}", content[:-1])]
    at = chance.choice(places) + chance.randrange(16)
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(7)]) + content[at + 1 :]


def _cut(chance: Random, content: bytes, _other: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _remove(chance: Random, content: bytes, _other: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.randint(1, 64) :]


def _repeat(chance: Random, content: bytes, _other: bytes) -> bytes:
    at, size = chance.randrange(len(content)), chance.randint(1, 64)
    return content[:at] + content[at : at + size] * 2 + content[at + size :]


def _exchange(chance: Random, content: bytes, _other: bytes) -> bytes:
    one, two = sorted(chance.sample(range(len(content) - 64), 2))
    size = min(chance.randint(1, 64), two - one)
    first, second = content[one : one + size], content[two : two + size]
    return content[:one] + second + content[one + size : two] + first + content[two + size :]


def _splice(chance: Random, content: bytes, other: bytes) -> bytes:
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


def _take_object(chance: Random, content: bytes, other: bytes) -> bytes:
    """An object's bytes from another certificate, in its place."""
    pattern = rb"\n\d+ 0 obj\b.*?endobj"
    spans = [one.span() for one in re.finditer(pattern, content, re.DOTALL)]
    start, end = chance.choice(spans)
    return content[:start] + chance.choice(re.findall(pattern, other, re.DOTALL)) + content[end:]


def _trail(chance: Random, content: bytes, other: bytes) -> bytes:
    more = (b"\n", b" ", b"\0" * chance.randint(1, 99), b"\n%%EOF\n", chance.randbytes(9), other,
            b"\n% nothing\n", content[content.rindex(b"startxref") :], content)  # fmt: skip
    return content + chance.choice(more)


def _lead(chance: Random, content: bytes, other: bytes) -> bytes:
    more = (b"\n", b"%PDF-1.7\n", b"%PDF-2.0\n" + b" " * chance.randint(1, 999), other)
    return chance.choice(more) + content


def _change_digit(chance: Random, content: bytes, _other: bytes) -> bytes:
    """A digit between the file's objects: an offset, a length, a reference, a date, the number."""
    names = (b"/Subject (", b"/M (D:", b"/Length ", b"/Kids [", b"/Root ", b"/Info ", b"/Size ",
             b"startxref\n", b"/ByteRange [", b"/DocMDP ", b"/V ", b"/Fields [", b" 00000 n",
             b"/Contents ", b"/Rect [", b"/P ", b"/Annots [", b"/ID [")  # fmt: skip
    found = [
        one for name in [chance.choice(names)] for one in re.finditer(re.escape(name), content)
    ]
    begin = chance.choice(found).start() - 10 if found else chance.randrange(len(content) // 2)
    near = range(max(begin, 9), min(begin + 40, len(content)))
    places = [at for at in near if content[at] in DIGITS] or [near[0]]
    at = chance.choice(places)
    other = chance.choice([digit for digit in DIGITS if digit != content[at]])
    return content[:at] + bytes([other]) + content[at + 1 :]


ALTERATIONS: Mapping[str, Attack] = {
    "flipped": _flip,
    "flipped words": _flip_words,
    "cut short": _cut,
    "bytes removed": _remove,
    "bytes repeated": _repeat,
    "bytes exchanged": _exchange,
    "spliced": _splice,
    "other's object": _take_object,
    "trailing bytes": _trail,
    "leading bytes": _lead,
    "changed digit": _change_digit,
}


# Every way by its name; flips and false files come more often.
ATTACKS: Mapping[str, Attack] = {
    **ALTERATIONS,
    **{f"signature: {name}": forge for name, forge in FORGERIES.items()},
    **{f"update: {name}": partial(updated, change) for name, change in CHANGES.items()},
}
FALSE = "false file"
OFTEN = ("flipped", "flipped words", "changed digit", FALSE, FALSE)
NAMES = (*sorted(ATTACKS), *OFTEN)


def alter(wares: Wares, seed: int) -> tuple[str, bytes]:
    """Return an altered certificate, and by what attack; never one that is as it was issued."""
    chance = Random(seed)
    content, other = chance.sample(wares.ours, 2)
    name = NAMES[seed % len(NAMES)]
    if name == FALSE:
        altered = chance.choice(wares.false)
        return name, altered if chance.random() < 0.5 else _flip(chance, altered, other)
    altered = ATTACKS[name](chance, content, other)
    while altered in wares.ours:
        altered = _flip(chance, content, other)
    return name, altered


def judge_altered(wares: Wares, seeds: Iterable[int]) -> Counter[str]:
    """Judge altered certificates; count the verdicts of each attack.

    AssertionError names attack and seed where one is genuine, or takes longer than a second. An
    exception is a defect too, and goes through.
    """
    found = Counter[str]()
    trust = wares.office.trust
    for seed in seeds:
        name, content = alter(wares, seed)
        began = time.process_time()
        verdict = asyncio.run(verify(content, trust, NOW)).verdict
        took = time.process_time() - began
        assert verdict is not Verdict.GENUINE, f"{name}, seed {seed}, is genuine"
        assert took < SECOND, f"{name}, seed {seed}, took {took:.2f} s"
        found[f"{name}: {verdict}"] += 1
    return found
