"""Verify the exported evidence of a certificate, on a machine that has nothing of its maker.

    pip install pyhanko cbor2 gmssl-pyx
    python verify_evidence.py EVIDENCE.zip --root FINGERPRINT [--sm2-root FINGERPRINT]

FINGERPRINT is the SHA-256 of the root certificate that you believe in, from another place than the
ZIP. The exit status is 0 only if the files are those of evidence.json and every line holds:

 signature the PDF has one signature, over all of its bytes, by a certificate below that root which
           no CA had revoked when the evidence was made
 log       every event has the hash that its contents give, and names the hash of the one before
 register  the register's row, the PDF, and the event of its issuing in the log say the same, and so
           does the approval of a second clerk, where it was issued on one
 seal      the seal on the page is the very picture that the log names, or drawn if it names none
 checks    checks, consent and materials are those of the log, none left out, and were made before
 history   copies, receipts and recalls are those of the log
 status    the signed status list says of this certificate what the register says
 sm2       where there is one: the detached SM2 signature is over this PDF, by a certificate below
           an SM2 root of the trust list which no CA had revoked; not checked without gmssl-pyx

The SM2 root is yours to believe in too: name it, from another place than the ZIP, or the line says
which one it was. The certificate does not rest on it: the seal in the PDF is the first line's.

What nobody can see from the ZIP: whether the log is the one that the office keeps, for it is not
signed, and somebody could write a whole one anew. Ask the office for the head_hash that the report
ends with. Nor does it show what became of the certificate after the evidence was made.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import io
import json
import logging
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import cbor2
from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

try:
    import gmssl_pyx
except ImportError:
    gmssl_pyx = None

Json = dict[str, Any]
FORMAT, MOST_BYTES = "kuayu-evidence/1", 1 << 30
CLOCKS_DIFFER = timedelta(minutes=5)
FOUND_OUT = ("check.", "consent.", "material.", "person.", "review.")
REVIEWED = ("review.requested", "review.approved")
UNDONE = {"certificate.revoked": "revoked", "certificate.superseded": "superseded"}
# Where a picture is placed in a page's content: its width in points, and its name.
PLACED = re.compile(rb"([\d.]+) 0 0 [\d.]+ [\d.-]+ [\d.-]+ cm\s+(/\S+) Do")
STATUS_KIND = "application/kuayu-status-list+cbor"
SM2_SIGNED_DATA, SM2_CURVE = "1.2.156.10197.6.1.4.2.2", "1.2.156.10197.1.301"
SM2_WITH_SM3, MOST_STEPS = "1.2.156.10197.1.501", 5


def demand(holds: object, says: str) -> None:
    """Raise ValueError with what is wrong unless it holds."""
    if not holds:
        raise ValueError(says)


class Evidence:
    """The opened ZIP, every file of it the named one, and the root that is believed in."""

    def __init__(self, path: str, root: str, sm2_root: str = "") -> None:
        self.root, self.sm2_root = (
            "".join(one.split()).replace(":", "").lower() for one in (root, sm2_root)
        )
        with zipfile.ZipFile(path) as archive:
            names, size = archive.namelist(), sum(one.file_size for one in archive.infolist())
            demand(size < MOST_BYTES, "the files are too large")
            self.content = {name: archive.read(name) for name in names}
        self.manifest = self.json("evidence.json")
        demand(self.manifest["format"] == FORMAT, "not the evidence of a certificate")
        named = self.manifest["files"]
        demand(sorted(names) == sorted([*named, "evidence.json"]), "files are missing or added")
        for name, told in named.items():
            right = hashlib.sha256(self.content[name]).hexdigest() == told["sha256"]
            demand(right and len(self.content[name]) == told["size"], f"{name} is another file")
        self.made_at = datetime.fromisoformat(self.manifest["made_at"])
        self.log: list[Json] = [json.loads(one) for one in self.content["log.jsonl"].splitlines()]
        self.row, self.trust = self.json("register.json"), self.json("trust.json")
        self.sha256 = named["certificate.pdf"]["sha256"]

    def json(self, name: str) -> Json:
        """Return what a file says."""
        return dict(json.loads(self.content[name]))

    def events(self, *kinds: str) -> list[Json]:
        """Return the log's events of these kinds that are about this certificate."""
        mine = (one for one in self.log if one["data"].get("certificate_id") == self.row["id"])
        return [one for one in mine if one["kind"] in kinds]


def _signature(one: Evidence) -> None:
    lists = ("roots", "intermediates", "crls")
    roots, others, crls = ([base64.b64decode(text) for text in one.trust[name]] for name in lists)
    mine = [der for der in roots if hashlib.sha256(der).hexdigest() == one.root]
    demand(mine, "the trust list does not have the root of that fingerprint")
    reader = PdfFileReader(io.BytesIO(one.content["certificate.pdf"]), strict=False)
    signatures = list(reader.embedded_signatures)
    demand(len(signatures) == 1, f"the PDF has {len(signatures)} signatures")
    believed = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der) for der in mine],
        other_certs=[asn1_x509.Certificate.load(der) for der in others],
        crls=[asn1_crl.CertificateList.load(der) for der in crls], allow_fetching=False,
        revocation_mode="require", moment=one.made_at, time_tolerance=CLOCKS_DIFFER,
    )  # fmt: skip
    found = asyncio.run(async_validate_pdf_signature(signatures[0], believed))
    demand(found.intact and found.valid, "the PDF was altered after it was signed")
    demand(found.coverage == SignatureCoverageLevel.ENTIRE_FILE, "it covers a part of the PDF only")
    demand(not found.revoked, "the certificate that signed was revoked")
    demand(found.trusted, "the certificate that signed does not lead to the root")
    demand((found.signer_reported_dt or one.made_at) <= one.made_at + CLOCKS_DIFFER, "signed later")
    path = [x509.load_der_x509_certificate(step.dump()) for step in found.validation_path or ()]
    for ca, below in pairwise(path):
        _not_revoked(one, ca, below, [x509.load_der_x509_crl(der) for der in crls])
    demand(_is_admitted(one.trust, path[-1]), "its CA does not count for the one that signed")
    demand(
        str(reader.trailer["/Info"]["/Subject"]) == one.row["number"], "the PDF's number differs"
    )


def _is_admitted(lists: Json, seal: x509.Certificate) -> bool:
    """Say whether a seal counts: a closed CA counts for the seals alone that its list names."""
    closed = lists.get("closed", {"cas": [], "seals": []})
    ders = (base64.b64decode(text) for text in (*lists["roots"], *lists["intermediates"]))
    cas = [ca for ca in map(x509.load_der_x509_certificate, ders) if ca.subject == seal.issuer]
    named = {ca.fingerprint(hashes.SHA256()).hex() for ca in cas}
    own = seal.fingerprint(hashes.SHA256()).hex()
    return own in closed["seals"] or named.isdisjoint(closed["cas"])


def _not_revoked(one: Evidence, ca: x509.Certificate, below: x509.Certificate, crls: Any) -> None:  # noqa: ANN401
    """Demand that a CA's own lists, current when the evidence was made, do not name `below`."""
    current = [
        crl for crl in crls
        if crl.issuer == ca.subject and crl.is_signature_valid(ca.public_key())
        and crl.last_update_utc <= one.made_at + CLOCKS_DIFFER < crl.next_update_utc
    ]  # fmt: skip
    demand(current, f"no revocation list of {ca.subject.rfc4514_string()} at that time")
    listed = [crl.get_revoked_certificate_by_serial_number(below.serial_number) for crl in current]
    demand(not any(listed), "a certificate of the chain was revoked")


def _log(one: Evidence) -> None:
    before, told = "0" * 64, one.manifest["log"]
    for seq, event in enumerate(one.log, 1):
        covered = {name: value for name, value in event.items() if name != "hash"}
        text = json.dumps(covered, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        demand(event["seq"] == seq, f"event {seq} is missing, added or moved")
        demand(event["prev_hash"] == before, f"event {seq} does not follow the one before")
        before = hashlib.sha256(text.encode()).hexdigest()
        demand(event["hash"] == before, f"event {seq} was changed")
        demand(event["case_id"] == one.row["case_id"], f"event {seq} is of another case")
    demand((told["events"], told["head_hash"]) == (len(one.log), before), "the log was cut")


def _register(one: Evidence) -> None:
    row, seq = one.row, one.row["case_seq"]
    demand(row["sha256"] == one.sha256, "the register knows another PDF")
    mine = {"id": row["id"], "number": row["number"], "sha256": one.sha256}
    demand(one.manifest["certificate"] == mine, "evidence.json names another certificate")
    issued = one.events("certificate.issued")
    demand(len(issued) == 1, "the log does not have its issuing once")
    for name in ("number", "sha256", "kind", "title", "case_hash"):
        demand(issued[0]["data"][name] == row[name], f"log and register differ in {name}")
    told = (issued[0]["actor"]["name"], issued[0]["at"])
    demand(
        told == (row["issued_by_name"], row["issued_at"]), "issued by another, or at another time"
    )
    demand(0 < seq < issued[0]["seq"], "it was not made from what the log said before")
    demand(one.log[seq - 1]["hash"] == row["case_hash"], "it was made from another log")
    _approval(one, row.get("review_id"), issued[0])
    states = [UNDONE[event["kind"]] for event in one.events(*UNDONE)]
    demand((states or ["valid"]) == [row["state"]], "log and register differ in its state")


def _seal(one: Evidence) -> None:
    [issued] = one.events("certificate.issued")
    if "seal_picture" not in issued["data"]:
        return  # Logs of before say nothing of it.
    named = issued["data"]["seal_picture"]
    reader = PdfFileReader(io.BytesIO(one.content["certificate.pdf"]), strict=False)
    pages = [page.get_object() for page in reader.root["/Pages"]["/Kids"]]
    found = [digest for page in pages for digest in _pictures(page)]
    demand(found == ([named] if named else []), "the seal is another picture than the log names")


def _pictures(page: Any) -> list[str]:  # noqa: ANN401
    """Return the digests of the pictures on a page: of pixels each way, mm, coverage, colours."""
    resources, found = page["/Resources"], []
    drawn = {name.decode(): float(wide) for wide, name in PLACED.findall(page["/Contents"].data)}
    for name in resources.get("/XObject", {}):
        image, cover = resources["/XObject"][name], resources["/XObject"][name]["/SMask"]
        demand(name in drawn, "a picture is nowhere on its page")
        size = b"%d %d %.1f " % (cover["/Width"], cover["/Height"], drawn[name] / 72 * 25.4)
        found.append(hashlib.sha256(size + cover.data + image.data).hexdigest())
    return found


def _approval(one: Evidence, review_id: str | None, issued: Json) -> None:
    """Demand that what it was issued on is a second clerk's approval, if it was issued on one."""
    demand(issued["data"].get("review_id") == review_id, "log and register differ in the review")
    reviews = [event for event in one.log if event["data"].get("review_id") == review_id]
    found = {kind: [event for event in reviews if event["kind"] == kind] for kind in REVIEWED}
    if review_id is None:
        return
    demand(all(len(events) == 1 for events in found.values()), "its review is not in the log")
    asked, approved = (found[kind][0] for kind in REVIEWED)
    demand(asked["seq"] < approved["seq"] < issued["seq"], "it was reviewed too late")
    others = {asked["actor"]["id"], issued["actor"]["id"]}
    demand(approved["actor"]["id"] not in others, "nobody else approved it")
    for name in ("kind", "basis_sha256"):
        demand(asked["data"][name] == approved["data"][name], f"approved was another {name}")
    demand(asked["data"]["kind"] == one.row["kind"], "approved was another kind")


def _checks(one: Evidence) -> None:
    found = [_public(event) for event in one.log if event["kind"].startswith(FOUND_OUT)]
    demand(one.json("checks.json")["events"] == found, "checks.json is not what the log says")
    before = [event for event in found if event["seq"] <= one.row["case_seq"]]
    consents = [event["kind"] for event in before if event["kind"].startswith("consent.")]
    demand(consents[-1:] == ["consent.given"], "no consent was given before it was made")
    checks = (event["data"] for event in before if event["kind"] == "check.recorded")
    identity = [data["passed"] for data in checks if data["kind"] == "identity"]
    demand(identity[-1:] == [True], "no identity check had passed before it was made")


def _history(one: Evidence) -> None:
    history, logged = one.json("history.json"), one.events("certificate.copied")
    copies = [(copy["number"], copy["by"]) for copy in history["copies"]]
    found = [(event["data"]["copy"], event["actor"]["name"]) for event in logged]
    demand(copies == found, "the copies are not those of the log")
    for name, kind in (("receipt", "receipt.sent"), ("recall", "recall.made")):
        ids = sorted(event["data"][f"{name}_id"] for event in one.events(kind))
        shown = sorted(line["id"] for line in history[f"{name}s"])
        demand(shown == ids, f"the {name}s are not those of the log")
    told = {line["id"]: line["outcome"] for line in history["recalls"] if line["outcome"]}
    answers = (event["data"] for event in one.events("recall.acknowledged"))
    right = {data["recall_id"]: data["outcome"] for data in answers}
    demand(told == right, "the halls' answers are not those of the log")


def _status(one: Evidence) -> None:
    protected, _, payload, signature = cbor2.loads(one.content["status.cose"])
    header, said = cbor2.loads(protected), cbor2.loads(payload)
    keys = {key["id"]: base64.b64decode(key["key"]) for key in one.trust["qr_keys"]}
    covered = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    demand(header[16] == STATUS_KIND and header[4].hex() in keys, "no status list of these keys")
    Ed25519PublicKey.from_public_bytes(keys[header[4].hex()]).verify(signature, covered)
    demand([said[-1], said[-2]] == [one.row["issuer_code"], one.row["year"]], "another's list")
    begins, ends = (datetime.fromtimestamp(said[name], UTC) for name in (-4, -5))
    demand(begins <= one.made_at + CLOCKS_DIFFER < ends, "the list is of another time")
    byte, slot = divmod(one.row["serial"], 4)
    bits = zlib.decompressobj().decompress(said[-7], MOST_BYTES)[byte] >> (2 * slot) & 3
    demand(["", "valid", "revoked", "superseded"][bits] == one.row["state"], "another state")


def _sm2(one: Evidence) -> str:
    """Return what is to be said of a detached SM2 signature that holds."""
    if gmssl_pyx is None:
        return "NOT CHECKED 未核对: pip install gmssl-pyx"
    whole = cms.ContentInfo.load(one.content["certificate.p7s"], strict=True)
    demand(whole["content_type"].dotted == SM2_SIGNED_DATA, "no signed data of GB/T 35275")
    data = whole["content"].parse(cms.SignedData)
    [told], sid = data["signer_infos"], data["signer_infos"][0]["sid"].chosen
    [signer] = [
        cert.chosen for cert in data["certificates"]
        if (cert.chosen.issuer, cert.chosen.serial_number)
        == (sid["issuer"], sid["serial_number"].native)
    ]  # fmt: skip
    said = {attribute["type"].native: attribute["values"][0] for attribute in told["signed_attrs"]}
    digest = gmssl_pyx.sm3_hash(one.content["certificate.pdf"])
    demand(said["message_digest"].native == digest, "it is over another PDF")
    named = said["signing_certificate_v2"]["certs"][0]["cert_hash"].native
    demand(named == gmssl_pyx.sm3_hash(signer.dump()), "it names another certificate")
    covered, signature = told["signed_attrs"].untag().dump(), told["signature"].native
    demand(_sm2_made(signer.dump(), covered, signature), "it was altered")
    at = said["signing_time"].native
    demand(at <= one.made_at + CLOCKS_DIFFER, "signed later")
    code = signer.subject.native.get("organization_identifier", one.row["issuer_code"])
    demand(code == one.row["issuer_code"], "it is of another authority")
    root = _sm2_root(one, x509.load_der_x509_certificate(signer.dump()))
    believed = "" if one.sm2_root else f", if you believe in the root 若信任根证书 {root}"
    return f"holds 相符, {at.isoformat()}{believed}"


def _sm2_root(one: Evidence, below: x509.Certificate) -> str:
    """Return the fingerprint of the SM2 root that a certificate leads to, each step unrevoked."""
    roots, others = (
        [x509.load_der_x509_certificate(base64.b64decode(der)) for der in one.trust["sm2"][name]]
        for name in ("roots", "intermediates")
    )
    crls = [x509.load_der_x509_crl(base64.b64decode(der)) for der in one.trust["sm2"]["crls"]]
    usage = below.extensions.get_extension_for_class(x509.KeyUsage).value
    demand(usage.content_commitment, "its certificate is not for documents")
    demand(_is_admitted(one.trust["sm2"], below), "its CA does not count for it")
    for _ in range(MOST_STEPS):
        demand(_is_current(one, below), "a certificate of its chain had ended")
        mine = [ca for ca in (*others, *roots) if ca.subject == below.issuer and _is_ca(ca)]
        above = next(
            (ca for ca in mine if _sm2_below(ca, below, below.tbs_certificate_bytes)), None
        )
        if above is None:
            break
        current = [
            crl for crl in crls if crl.issuer == above.subject
            and _sm2_below(above, crl, crl.tbs_certlist_bytes)
            and crl.last_update_utc <= one.made_at + CLOCKS_DIFFER < crl.next_update_utc
        ]  # fmt: skip
        demand(current, f"no revocation list of {above.subject.rfc4514_string()} at that time")
        gone = [
            crl.get_revoked_certificate_by_serial_number(below.serial_number) for crl in current
        ]
        demand(not any(gone), "a certificate of its chain was revoked")
        if above in roots:
            found = above.fingerprint(hashes.SHA256()).hex()
            demand(one.sm2_root in {"", found}, "it leads to another SM2 root")
            return found
        below = above
    raise ValueError("its certificate does not lead to an SM2 root of the trust list")


def _is_current(one: Evidence, certificate: x509.Certificate) -> bool:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return bool(begins <= one.made_at + CLOCKS_DIFFER and one.made_at < ends)


def _is_ca(certificate: x509.Certificate) -> bool:
    found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    return bool(found.value.ca)


def _sm2_below(ca: x509.Certificate, one: Any, covered: bytes) -> bool:  # noqa: ANN401
    """Say whether a CA's SM2 key signed a certificate or a revocation list."""
    named = one.signature_algorithm_oid.dotted_string == SM2_WITH_SM3
    return named and _sm2_made(ca.public_bytes(Encoding.DER), covered, one.signature)


def _sm2_made(certificate: bytes, covered: bytes, signature: bytes) -> bool:
    key = asn1_x509.Certificate.load(certificate).public_key
    demand(key["algorithm"]["parameters"].chosen.dotted == SM2_CURVE, "no SM2 key")
    return bool(gmssl_pyx.sm2_verify(key["public_key"].native[1:], covered, signature))


def _public(event: Json) -> Json:
    """Return an event as checks.json has it: without hashes, ids of people, and ciphertext."""
    who = {name: event["actor"][name] for name in ("kind", "name", "region")}
    data = {name: value for name, value in event["data"].items() if name != "sealed"}
    return {**{name: event[name] for name in ("seq", "at", "kind")}, "actor": who, "data": data}


LINES = {
    "signature 电子签名": _signature, "log 办件记录": _log, "register 登记簿": _register,
    "seal 印章图像": _seal,
    "checks 核验与同意": _checks, "history 使用与副本": _history, "status 状态列表": _status,
}  # fmt: skip


def fault_of(check: Callable[[], object]) -> str:
    """Return what does not hold; whatever wrong contents lead to is such a thing too."""
    try:
        check()
    except Exception as error:  # noqa: BLE001 (files from anywhere raise whatever they like)
        return str(error) or type(error).__name__
    return ""


def main() -> int:
    """Print the report; return the exit status."""
    parser = argparse.ArgumentParser(description="Verify the exported evidence of a certificate.")
    parser.add_argument("evidence", help="the ZIP")
    parser.add_argument("--root", required=True, help="the root certificate's SHA-256, in hex")
    parser.add_argument("--sm2-root", default="", help="the SM2 root certificate's SHA-256")
    asked, opened, say = parser.parse_args(), list[Evidence](), sys.stdout.write
    given = (asked.evidence, asked.root, asked.sm2_root)
    faults = [fault_of(lambda: opened.append(Evidence(*given)))]
    for one in opened:
        for name, check in LINES.items():
            faults.append(fault_of(lambda check=check: check(one)))  # type: ignore[misc]  # noqa: B023
            say(f"{name}: {f'DOES NOT HOLD 不符: {faults[-1]}' if faults[-1] else 'holds 相符'}\n")
        if "certificate.p7s" in one.content:
            told: list[str] = []
            faults.append(fault_of(lambda: told.append(_sm2(one))))  # noqa: B023
            says = f"DOES NOT HOLD 不符: {faults[-1]}" if faults[-1] else told[0]
            say(f"sm2 国密签名: {says}\n")
        say(f"certificate 证明: {one.row.get('number')}, {one.row.get('state')}\n")
        say(f"as of 截至: {one.made_at.isoformat()}\nlog 办件记录: {one.manifest.get('log')}\n")
    found = "; ".join(filter(None, faults))
    say(f"VERDICT 结论: {f'NOT PROVED 不能证明: {found}' if found else 'HOLDS 属实'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(main())
