from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from docs_gen.chain import Chain
from docs_gen.keyfiles import KeyFolderError
from docs_gen.keylist import State, list_keys
from docs_gen.sealkeys import SealKey, load_seals
from docs_gen.signing import issue
from docs_gen.trust import import_seal, revoke_seal
from docs_gen.verifying import Verdict
from tests.support.office import ISSUERS, NOW, PASSPHRASE, TEMPLATES, Office

KIND = "pension-balance"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
LABEL, PIN = "kuayu-test", "271828"


@dataclass(frozen=True)
class Hsm:
    """A SoftHSM token with two keys, and the request of the first one."""

    request: bytes
    pin_file: Path

    def describe(self, folder: Path, **changed: str | None) -> Path:
        """Write an authority's TOML file beside its certificates."""
        said = {
            "module": MODULE, "token": LABEL, "key_label": "seal", "pin_file": str(self.pin_file),
            "certificates": f"{KIND}.pem", **changed,
        }  # fmt: skip
        path = folder / f"{KIND}.toml"
        lines = [f'{name} = "{value}"' for name, value in said.items() if value is not None]
        path.write_text("\n".join(lines))
        path.chmod(0o600)
        return path


def soft(folder: Path, *command: str) -> None:
    given = {"SOFTHSM2_CONF": str(folder / "conf"), "PATH": "/usr/bin"}
    subprocess.run(["softhsm2-util", *command], env=given, capture_output=True, check=True)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Hsm:
    """SoftHSM reads its settings once in a process: one token serves the whole module."""
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    soft(folder, "--init-token", "--free", "--label", LABEL, "--so-pin", "3141", "--pin", PIN)
    for number, label in ((b"\x01", "seal"), (b"\x02", "twice"), (b"\x03", "twice")):
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        soft(
            folder, "--import", str(folder / "key.pem"), "--token", LABEL, "--label", label,
            "--id", number.hex(), "--pin", PIN,
        )  # fmt: skip
        if label == "seal":
            asked = request_of(key)
    pin_file = folder / "pin"
    pin_file.write_text(f"{PIN}\n")
    pin_file.chmod(0o600)
    return Hsm(asked, pin_file)


@pytest.fixture(autouse=True)
def conf(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.pin_file.parent / "conf"))


def request_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the CA names it anew")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def mine(office: Office, hsm: Hsm, tmp_path: Path) -> Office:
    """An office one of whose seals is in a token."""
    copy = office.copy(tmp_path / "mine")
    seals = copy.folder / "seals"
    (seals / f"{KIND}.p12").unlink()
    pem = Chain(copy.folder, PASSPHRASE).certify(KIND, ISSUERS[KIND], hsm.request, NOW)
    (seals / f"{KIND}.pem").write_bytes(pem)
    hsm.describe(seals)
    return copy


def signed(office: Office) -> bytes:
    key = load_seals(office.folder, PASSPHRASE)[KIND]
    return asyncio.run(issue(office.facts(), TEMPLATES[KIND], key)).pdf


def test_a_key_in_a_token_signs_what_is_genuine_and_each_time_other_bytes(mine: Office) -> None:
    first, second = signed(mine), signed(mine)
    assert first != second
    for content in (first, second):
        found = mine.judge(content)
        assert found.verdict is Verdict.GENUINE
        assert found.signer == f"{ISSUERS[KIND].seal_text}（演示）"
    assert load_seals(mine.folder, PASSPHRASE)[KIND].demo


def test_a_key_is_found_by_its_id_and_the_pin_in_the_environment(
    mine: Office, hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_PIN", PIN)
    by_id = {"key_label": None, "key_id": "01", "pin_file": None, "pin_variable": "TOKEN_PIN"}
    hsm.describe(mine.folder / "seals", **by_id)
    assert mine.judge(signed(mine)).verdict is Verdict.GENUINE


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"module": None}, "module is missing"),
        ({"module": "/nowhere.so"}, "module: there is no /nowhere.so"),
        ({"module": "/etc/hostname"}, "/etc/hostname"),
        ({"token": "another"}, "token 'another'"),
        ({"key_label": "no such key"}, "key_label: .* 0 such"),
        ({"key_label": "twice"}, "key_label: .* 2 such"),
        ({"key_label": None, "key_id": "02"}, "certificates: the first is not that"),
        ({"key_label": None, "key_id": "zz"}, "key_id"),
        ({"key_label": None}, "key_label or key_id"),
        ({"key_id": "01"}, "key_label or key_id"),
        ({"certificates": "none.pem"}, r"none\.pem"),
        ({"certificates": "no-violations.p12"}, r"no-violations\.p12"),
        ({"pin_file": "none"}, "none"),
        ({"pin_file": None, "pin_variable": "NO_SUCH_PIN"}, "pin_variable: NO_SUCH_PIN is not set"),
        ({"pin_file": None}, "pin_file or pin_variable"),
        ({"slot": "0"}, "slot"),
        ({"token": ""}, "token"),
    ],
)
def test_what_is_wrong_with_a_token_is_named_with_its_place(
    changed: dict[str, str | None], words: str, mine: Office, hsm: Hsm
) -> None:
    path = hsm.describe(mine.folder / "seals", **changed)
    with pytest.raises(KeyFolderError, match=words) as refusal:
        SealKey.load(path, PASSPHRASE)
    assert PIN not in str(refusal.value)


def test_a_wrong_pin_and_a_broken_file_are_named(mine: Office, hsm: Hsm, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("141421")
    (tmp_path / "pin").chmod(0o600)
    path = hsm.describe(mine.folder / "seals", pin_file=str(tmp_path / "pin"))
    pkcs11.lib(MODULE).reinitialize()
    with pytest.raises(KeyFolderError, match=f"token '{LABEL}'.*PinIncorrect"):
        SealKey.load(path, PASSPHRASE)
    (tmp_path / "pin").chmod(0o644)
    with pytest.raises(KeyFolderError, match="open to others"):
        SealKey.load(path, PASSPHRASE)
    path.write_text("module =")
    with pytest.raises(KeyFolderError, match=rf"{KIND}\.toml"):
        SealKey.load(path, PASSPHRASE)


def test_without_the_extra_it_is_named(mine: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(KeyFolderError, match=r"kuayu\[hsm\]"):
        load_seals(mine.folder, PASSPHRASE)


def test_a_session_that_was_lost_is_opened_again(mine: Office) -> None:
    key = load_seals(mine.folder, PASSPHRASE)[KIND]
    pkcs11.lib(MODULE).reinitialize()
    made = asyncio.run(issue(mine.facts(), TEMPLATES[KIND], key)).pdf
    assert mine.judge(made).verdict is Verdict.GENUINE


def test_an_authority_has_one_key(mine: Office, office: Office) -> None:
    shutil.copy(office.folder / "seals" / f"{KIND}.p12", mine.folder / "seals")
    with pytest.raises(KeyFolderError, match="keep one"):
        load_seals(mine.folder, PASSPHRASE)


def test_a_tokens_seal_is_listed_and_revoked_and_neither_rotated_nor_made_again(
    mine: Office,
) -> None:
    content, chain = signed(mine), Chain(mine.folder, PASSPHRASE)
    for command in (chain.issue, chain.rotate_seal):
        with pytest.raises(KeyFolderError, match=r"already|in a token"):
            command(KIND, ISSUERS[KIND], NOW)
    p12 = (mine.folder / "seals" / "no-violations.p12").read_bytes()
    with pytest.raises(KeyFolderError, match="in a token"):
        import_seal(mine.folder, KIND, p12, PASSPHRASE, PASSPHRASE)
    rows = {row.authority: row for row in list_keys(mine.folder, PASSPHRASE, NOW)}
    assert rows[KIND].state is State.CURRENT
    assert not rows[KIND].elsewhere
    revoke_seal(mine.folder, KIND, NOW, PASSPHRASE)
    assert mine.judge(content, NOW + timedelta(seconds=1)).verdict is Verdict.REVOKED
    assert KIND not in load_seals(mine.folder, PASSPHRASE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: b"no request", "request"),
        (lambda: request_of(rsa.generate_private_key(65537, 2048)), "P-256"),
        (lambda: request_of(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    ],
)
def test_only_a_sound_request_of_a_p256_key_is_certified(
    content: Callable[[], bytes], words: str, mine: Office
) -> None:
    with pytest.raises(KeyFolderError, match=words):
        Chain(mine.folder, PASSPHRASE).certify(KIND, ISSUERS[KIND], content(), NOW)


def test_a_request_that_another_key_signed_is_not_certified(mine: Office, hsm: Hsm) -> None:
    der = x509.load_pem_x509_csr(hsm.request).public_bytes(serialization.Encoding.DER)
    broken = der[:-8] + bytes(8)
    forged = x509.load_der_x509_csr(broken).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(KeyFolderError, match="own key"):
        Chain(mine.folder, PASSPHRASE).certify(KIND, ISSUERS[KIND], forged, NOW)
