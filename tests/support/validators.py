"""Programs that know nothing of us and judge our certificates: each says whether it finds nothing.

pdfsig (poppler, NSS) judges the signature and what it covers, OpenSSL the signature with its chain
and CRLs, qpdf the file. pyHanko is what our own verifier asks; its own command takes a second and
more, and is asked apart.
"""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from docs_gen.trust import TrustList

_RANGE = re.compile(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]")


def say(folder: Path, content: bytes, trust: TrustList, now: datetime) -> dict[str, bool]:
    """Return what each of them says of a file, by name."""
    (folder / "judged.pdf").write_bytes(content)
    return {
        "pdfsig": _pdfsig(folder),
        "qpdf": "No syntax or stream encoding errors"
        in _run(folder, "qpdf", "--check", "judged.pdf"),
        "openssl": _openssl(folder, content, trust, now),
    }


def pyhanko_says(folder: Path, content: bytes, trust: TrustList, now: datetime) -> bool:
    """Return what pyHanko's own command says of a file's signature; it asks for no CRLs here."""
    (folder / "judged.pdf").write_bytes(content)
    (folder / "root.cer").write_bytes(trust.roots[0])
    said = _run(
        folder, str(Path(sys.executable).with_name("pyhanko")), "sign", "validate", "--trust",
        "root.cer", "--trust-replace", "--no-revocation-check", "--validation-time",
        now.isoformat(), "--executive-summary", "judged.pdf",
    )  # fmt: skip
    return said.rstrip().endswith(":VALID")


def _pdfsig(folder: Path) -> bool:
    said = _run(folder, "pdfsig", "-nocert", "judged.pdf")
    return "Signature is Valid" in said and "Total document signed" in said


def _openssl(folder: Path, content: bytes, trust: TrustList, now: datetime) -> bool:
    found = _RANGE.search(content)
    if found is None:
        return False
    start, first, second, left = map(int, found.groups())
    (folder / "covered").write_bytes(content[start:first] + content[second : second + left])
    try:
        (folder / "signature").write_bytes(bytes.fromhex(content[first + 1 : second - 1].decode()))
    except ValueError:
        return False
    certificates = map(ssl.DER_cert_to_PEM_cert, trust.roots)
    crls = (ssl.DER_cert_to_PEM_cert(crl).replace("CERTIFICATE", "X509 CRL") for crl in trust.crls)
    (folder / "trusted").write_text("".join((*certificates, *crls)))
    said = _run(
        folder, "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER",
        "-in", "signature", "-content", "covered", "-CAfile", "trusted", "-crl_check_all",
        "-attime", str(int(now.timestamp())), "-out", "/dev/null",
    )  # fmt: skip
    return "Verification successful" in said


def _run(folder: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr
