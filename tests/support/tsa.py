"""A time-stamping authority on loopback: OpenSSL's, behind a small web server, and its CA."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from docs_gen.ca import Pair, Revoked, make_ca, make_crl
from docs_gen.clocks import Clocks

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
LIVES = timedelta(days=3650)
CONFIG = """
[tsa]
default_tsa = clock
[clock]
serial = serial
signer_cert = clock.pem
signer_key = key.pem
certs = ca.pem
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""


@dataclass
class Tsa:
    """An authority; `mode` says how it behaves."""

    folder: Path
    ca: Pair
    clock: x509.Certificate
    url: str = ""
    mode: str = "sound"
    asked: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def clocks(self, now: datetime, *, revoked: datetime | None = None) -> Clocks:
        """Return how to trust it, with a CRL as of now."""
        name = self.clock.issuer.rfc4514_string()
        entries = [Revoked(name, self.clock.serial_number, revoked)] if revoked else []
        crl = make_crl(self.ca, entries, now).public_bytes(DER)
        return Clocks((self.ca.certificate.public_bytes(DER),), (crl,))

    def answer(self, query: bytes) -> bytes:
        """Return what it says to a query, in its mode."""
        self.asked.append(query)
        if self.mode == "repeating":
            query = self.asked[0]
        (self.folder / "query").write_bytes(query)
        command = ("openssl", "ts", "-reply", "-config", "config", "-queryfile", "query")
        subprocess.run(
            [*command, "-out", "answer"], cwd=self.folder, check=True, capture_output=True
        )
        answer = (self.folder / "answer").read_bytes()
        return {"broken": answer[:-40], "long": answer + bytes(99_999)}.get(self.mode, answer)


@contextmanager
def run_tsa(folder: Path, now: datetime) -> Iterator[Tsa]:
    """Make an authority with a CA of its own and serve it as long as the block lasts."""
    folder.mkdir()
    ca = make_ca("跨域演示时间戳根证书", None, now)
    key = ec.generate_private_key(ec.SECP256R1())
    clock = _certificate(ca, key, now)
    (folder / "clock.pem").write_bytes(clock.public_bytes(PEM))
    (folder / "ca.pem").write_bytes(ca.certificate.public_bytes(PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(CONFIG)
    tsa = Tsa(folder, ca, clock)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(tsa))
    tsa.url = f"http://127.0.0.1:{server.server_port}/tsa"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield tsa
    finally:
        tsa.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(ca: Pair, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "跨域演示时间戳")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + LIVES)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
        .sign(ca.key, hashes.SHA256())
    )


def _handler(tsa: Tsa) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = tsa.answer(query)
            self.send_response(500 if tsa.mode == "failing" else 200)
            self.end_headers()
            if tsa.mode == "dripping":
                with suppress(ConnectionError):  # Who asked does not wait for the end.
                    for i in range(20):
                        self.wfile.write(answer[i : i + 1])
                        tsa.closing.wait(0.05)
                return
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
