"""OpenSSL's own command, as another's word on what is signed."""

from __future__ import annotations

import subprocess
from pathlib import Path

# The usual signer's id, which versions before 4 do not take for granted.
NAMED = "distid:1234567812345678"


def openssl(folder: Path, *command: str) -> str:
    """Return all that it says."""
    ran = subprocess.run(
        ["openssl", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


def new_pkcs12(folder: Path, subject: str, passphrase: str) -> tuple[Path, Path]:
    """Make an SM2 CA with one key below it, as another operator would; return PKCS#12 and CRL."""
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ndefault_md=sm3\ncrlnumber=number\n"
        "default_crl_days=7\n[ends]\nbasicConstraints=critical,CA:false\n"
        "keyUsage=critical,digitalSignature,nonRepudiation\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    (folder / "index").write_text("")
    (folder / "number").write_text("01\n")
    named, days = ("-sigopt", NAMED), ("-days", "30")
    for name in ("root", "seal"):
        openssl(folder, "genpkey", "-algorithm", "SM2", "-out", f"{name}.key")
    openssl(folder, "req", "-x509", "-new", "-key", "root.key", "-sm3", *named, *days, "-subj",
            "/C=CN/O=Licensed/CN=Licensed SM2 Root", "-out", "root.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    openssl(folder, "req", "-new", "-key", "seal.key", "-sm3", *named, "-subj", subject,
            "-out", "seal.csr")  # fmt: skip
    openssl(folder, "x509", "-req", "-in", "seal.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-CAcreateserial", "-sm3", *named, *days, "-vfyopt", NAMED, "-extfile", "ca.cnf",
            "-extensions", "ends", "-out", "seal.pem")  # fmt: skip
    openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "root.key", "-cert",
            "root.pem", *named, "-out", "root.crl")  # fmt: skip
    openssl(folder, "pkcs12", "-export", "-inkey", "seal.key", "-in", "seal.pem", "-certfile",
            "root.pem", "-passout", f"pass:{passphrase}", "-out", "seal.p12")  # fmt: skip
    return folder / "seal.p12", folder / "root.crl"
