"""Signatures taken apart: their place, their range, and the CMS that stands in it.

"1 Trillion Dollar Refund" (Mladenov and others, CCS 2019) calls the first two classes of it USF
(universal signature forgery: what is needed to verify is not there) and SWA (signature wrapping:
what is signed is moved to where the range then points).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from asn1crypto import algos, cms, core

from tests.support.updates import Update

RANGES = (
    b"null", b"[]", b"[0 0 0 0]", b"[0 1]", b"[0 %d]", b"[0 %d %d 0]", b"[0 %d 0 %d]",
    b"[0 -1 %d %d]", b"[0 %d %d 9999999]", b"[0.0 %d %d 1]", b"[1 %d %d 1]", b"(0 1 2 3)",
    b"[0 %d %d 1 2 3]", b"[0 %d %d [1]]",
)  # fmt: skip
VALUES = (b"null", b"()", b"<>", b"<00>", b"<30>", b"<3080>", b"0", b"<0>", b"[]", b"/None")

Forge = Callable[[Random, bytes, bytes], bytes]


def place_of(content: bytes) -> tuple[int, int]:
    """Return where the signature's place begins and ends, its brackets with it."""
    start = content.index(b"/Contents <") + len(b"/Contents ")
    return start, content.index(b">", start) + 1


def cms_of(content: bytes) -> cms.ContentInfo:
    """Return the signature in a file."""
    start, end = place_of(content)
    return cms.ContentInfo.load(bytes.fromhex(content[start + 1 : end - 1].decode()))


def with_signature(content: bytes, der: bytes) -> bytes:
    """Return a file with another signature in its place, which grows if it must."""
    start, end = place_of(content)
    text = b"<" + der.hex().upper().encode().ljust(end - start - 2, b"0") + b">"
    return content[:start] + text + content[end:]


def range_of(content: bytes) -> tuple[int, int]:
    """Return where the signature's range begins and ends in a file."""
    found = re.search(rb"/ByteRange +(\[[^\]]*\] *)", content)
    assert found is not None
    return found.span(1)


def _without_what_verifies(chance: Random, content: bytes, _other: bytes) -> bytes:
    """USF: no signature, or nothing that is one, where the file has as many bytes as before."""
    start, end = place_of(content)
    value = chance.choice(VALUES)
    return content[:start] + value.ljust(end - start) + content[end:]


def _with_a_bad_range(chance: Random, content: bytes, _other: bytes) -> bytes:
    """USF: no range, or one that cannot be."""
    start, end = range_of(content)
    said = chance.choice(RANGES)
    text = said % tuple(chance.randrange(len(content)) for _ in range(said.count(b"%")))
    return content[:start] + text.ljust(end - start) + content[end:]


def _with_a_renamed_entry(chance: Random, content: bytes, _other: bytes) -> bytes:
    name = chance.choice(
        (b"/Contents <", b"/ByteRange", b"/SubFilter", b"/ETSI.CAdES.detached", b"/DocMDP",
         b"/Perms", b"/Type /Sig ", b"/FT /Sig", b"/AcroForm", b"/Reference", b"/TransformParams"),
    )  # fmt: skip
    at = chance.choice([found.start() for found in re.finditer(re.escape(name), content)] or [1])
    letter = chance.randrange(1, len(name) - 1)
    other = bytes([chance.choice(b"XYZabc#09")])
    return content[: at + letter] + other + content[at + letter + 1 :]


def _wrapped(chance: Random, content: bytes, _other: bytes) -> bytes:
    """SWA: behind the signature another range, objects, and a table where the file's end says."""
    start, end = place_of(content)
    table_at = int(content[content.rindex(b"startxref") :].split()[1])
    later = table_at + 4_000 + chance.randrange(2_000)
    said = b" /ByteRange [0 %d %d %d]>>" % (start, later, len(content) - end)
    head = (chance.choice((said, said, b">>")) + b"\nendobj\n").ljust(table_at - end)
    old = content[table_at:].partition(b"startxref")[0]
    page = Update(content).page.idnum
    lie = b"\n%d 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>>\nendobj\n" % page
    more = b"xref\n%d 1\n%010d 00000 n \n"
    at = table_at + len(more % (page, 0)) - len(b"xref\n") + len(old) + 1
    moved = head + old.replace(b"xref\n", more % (page, at), 1) + lie
    return content[:end] + moved.ljust(later - end) + content[end:]


def _prefixed(chance: Random, content: bytes, other: bytes) -> bytes:
    """SWA: the signed file stands behind another, whose range begins where it does."""
    content, other = sorted((content, other), key=len, reverse=True)
    start, end = place_of(content)
    table_at = int(content[content.rindex(b"startxref") :].split()[1])
    shift = table_at + 4_000 + chance.randrange(2_000)
    said = b"[%d %d %d %d]" % (shift, start, shift + end, len(content) - end)
    at, to = range_of(other)
    lie = other[:at] + said.ljust(to - at) + other[to:]
    begun = lie[: lie.rindex(b"startxref")]
    table = begun[begun.rindex(b"xref\n0 ") :]
    return begun.ljust(table_at)[:table_at] + table.ljust(shift - table_at) + content


def _moved(chance: Random, content: bytes, other: bytes) -> bytes:
    """The other certificate's signature, in this one's place."""
    del chance
    return with_signature(content, cms_of(other).dump())


Part = cms.SignedData


def _swap_numbers(_chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    pair = algos.DSASignature.load(told["signature"].native)
    told["signature"] = algos.DSASignature({"r": pair["s"].native, "s": pair["r"].native}).dump()


def _change_numbers(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    r, s = (chance.choice((0, 1, -1, 2**256 - 1, chance.getrandbits(256))) for _ in range(2))
    told["signature"] = algos.DSASignature({"r": r, "s": s}).dump()


def _lengthen_numbers(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    told["signature"] = told["signature"].native + chance.randbytes(chance.randint(1, 8))


def _change_digest(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    name = chance.choice(("sha1", "md5", "sha512", "sha3_256"))
    told["digest_algorithm"] = {"algorithm": name}
    if chance.random() < 0.5:
        signed["digest_algorithms"] = [{"algorithm": name}]


def _change_algorithm(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    names = ("sha1_ecdsa", "sha512_ecdsa", "sha256_rsa", "rsassa_pkcs1v15", "ed25519", "sha256_dsa")
    told["signature_algorithm"] = {"algorithm": chance.choice(names)}


def _leave_attributes_out(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    kept = list(told["signed_attrs"])
    kept.pop(chance.randrange(len(kept)))
    told["signed_attrs"] = kept if chance.random() < 0.7 else []


def _add_attributes(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    one = cms.CMSAttribute({"type": "content_type", "values": ["data"]})
    where = chance.choice(("signed_attrs", "unsigned_attrs"))
    told[where] = [*told[where], one] if where == "signed_attrs" else [one]


def _change_certificates(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del told
    found = list(signed["certificates"])
    chance.choice(
        (
            lambda: found.pop(chance.randrange(len(found))),
            lambda: found.append(found[0]),
            found.clear,
        )
    )()
    signed["certificates"] = found


def _enclose(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del told
    content = core.OctetString(chance.randbytes(16))
    signed["encap_content_info"] = {"content_type": "data", "content": content}


def _count_signers(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    signed["signer_infos"] = [told, told] if chance.random() < 0.5 else []


def _change_version(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    where = chance.choice((signed, told))
    where["version"] = chance.choice(("v0", "v3", "v4"))


def _change_names(chance: Random, signed: Part, told: cms.SignerInfo) -> None:
    del signed
    name = told["sid"].chosen
    name["serial_number"] = chance.choice((0, 1, name["serial_number"].native + 1))


PARTS: Sequence[Callable[[Random, Part, cms.SignerInfo], None]] = (
    _swap_numbers, _change_numbers, _lengthen_numbers, _change_digest, _change_algorithm,
    _leave_attributes_out, _add_attributes, _change_certificates, _enclose, _count_signers,
    _change_version, _change_names,
)  # fmt: skip


def _with_changed_parts(chance: Random, content: bytes, _other: bytes) -> bytes:
    """The signature with a part changed that it covers itself, or that nothing covers."""
    whole = cms_of(content)
    signed = whole["content"]
    chance.choice(PARTS)(chance, signed, signed["signer_infos"][0])
    return with_signature(content, whole.dump(force=True))


def _respelled(chance: Random, content: bytes, _other: bytes) -> bytes:
    """The same signature in other digits, or as other strings, where the range stays as it is."""
    start, end = place_of(content)
    text = content[start:end]
    return content[:start] + chance.choice((
        text.lower(), text[:-2] + b" >", b"< " + text[1:-3] + b"0>", text[:-3] + b">00",
        text[:-3] + b"41>", text[:-4] + b"%\n0>",
    )) + content[end:]  # fmt: skip


FORGERIES: Mapping[str, Forge] = {
    "nothing to verify": _without_what_verifies,
    "bad range": _with_a_bad_range,
    "renamed entry": _with_a_renamed_entry,
    "wrapped": _wrapped,
    "prefixed": _prefixed,
    "moved signature": _moved,
    "changed parts": _with_changed_parts,
    "respelled": _respelled,
}
