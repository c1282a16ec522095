"""GmSSL's word on a detached SM2 signature: another's arithmetic on what the standards say."""

from __future__ import annotations

import gmssl_pyx
from asn1crypto import cms

SIGNED_DATA, SM3 = "1.2.156.10197.6.1.4.2.2", "1.2.156.10197.1.401"


def finds_good(content: bytes, signature: bytes) -> bool:
    """Say whether GmSSL finds a signature one of the key that it brings over this very file."""
    whole = cms.ContentInfo.load(signature, strict=True)
    assert whole["content_type"].dotted == SIGNED_DATA
    data = whole["content"].parse(cms.SignedData)
    [told] = data["signer_infos"]
    assert told["digest_algorithm"]["algorithm"].dotted == SM3
    [signer] = [
        one.chosen for one in data["certificates"]
        if one.chosen.serial_number == told["sid"].chosen["serial_number"].native
    ]  # fmt: skip
    said = {one["type"].native: one["values"][0].native for one in told["signed_attrs"]}
    if said["message_digest"] != gmssl_pyx.sm3_hash(content):
        return False
    point = signer.public_key["public_key"].native[1:]
    covered = told["signed_attrs"].untag().dump()
    return bool(gmssl_pyx.sm2_verify(point, covered, told["signature"].native))
