from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from docs_gen import qr
from docs_gen.ca import is_demo, make_ca
from docs_gen.chain import Chain, RootKey
from docs_gen.data import CHINA, Issuer
from docs_gen.keyfiles import KeyFolderError, open_pkcs12, save_pair
from docs_gen.keylist import State, list_keys
from docs_gen.qrkeys import qr_keys
from docs_gen.sealkeys import SealKey
from docs_gen.trust import (
    create_demo,
    load_qr_key,
    load_trust,
    qr_key_id,
    renew_crls,
    revoke_seal,
)
from docs_gen.verifying import Verdict
from tests.support.office import ISSUERS, NOW, PASSPHRASE, Office

OPERATOR = "皖南省跨域业务中心"
KIND = "pension-balance"
ISSUER = Issuer(
    "霍邱县人力资源和社会保障局", "11341522MB0000001T", "霍邱县人力资源和社会保障局", "341522"
)
OTHER = replace(ISSUER, code=ISSUERS["no-violations"].code)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key folder with a chain and one seal; `chain` is a copy of it."""
    chain = Chain(tmp_path_factory.mktemp("chain") / "keys", PASSPHRASE)
    chain.create(OPERATOR, ["341522"], NOW)
    chain.issue(KIND, ISSUER, NOW)
    return chain.folder


@pytest.fixture
def chain(made: Path, tmp_path: Path) -> Chain:
    return Chain(Path(shutil.copytree(made, tmp_path / "keys")), PASSPHRASE)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def states(chain: Chain, kind: str) -> list[State]:
    return [row.state for row in list_keys(chain.folder, PASSPHRASE, LATER) if row.kind == kind]


def seal(chain: Chain) -> x509.Certificate:
    return open_pkcs12(chain.folder / "seals" / f"{KIND}.p12", PASSPHRASE.encode())[0].certificate


# Making


def test_a_chain_of_ones_own_issues_what_is_genuine_and_says_nothing_of_a_demo(
    chain: Chain,
) -> None:
    office = Office(chain.folder)
    assert office.judge(office.issue()).verdict is Verdict.GENUINE
    assert not office.key().demo
    cas = map(x509.load_der_x509_certificate, (*office.trust.roots, *office.trust.intermediates))
    assert [is_demo(ca) for ca in cas] == [False, False]
    for path in files(chain.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("operator", ["", "跨域演示中心", "省" * 41, "a\nb", "\u202e中心"])
def test_an_operator_needs_a_name_that_is_no_demos(operator: str, tmp_path: Path) -> None:
    with pytest.raises(KeyFolderError, match="operator"):
        Chain(tmp_path / "keys", PASSPHRASE).create(operator, ["341522"], NOW)
    assert not (tmp_path / "keys").exists()


def test_a_second_root_is_refused_and_the_first_one_stays(chain: Chain, tmp_path: Path) -> None:
    before = files(chain.folder)
    elsewhere = replace(chain, root_key=RootKey(tmp_path / "root.p12", PASSPHRASE))
    for one in (chain, elsewhere):
        with pytest.raises(KeyFolderError, match="there already"):
            one.create("另一运营单位", ["341522"], LATER)
    assert files(chain.folder) == before
    assert not (tmp_path / "root.p12").exists()


def test_a_start_that_was_cut_short_is_completed_below_the_same_root(chain: Chain) -> None:
    root = (chain.folder / "root.p12").read_bytes()
    for name in ("ca/341522.p12", "list.p12", "trust.json", "qr.pem", "qr.json", "seals"):
        path = chain.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    chain.complete(["341522", "320509"], LATER)
    chain.issue(KIND, ISSUER, LATER)
    assert (chain.folder / "root.p12").read_bytes() == root
    office = Office(chain.folder)
    assert office.judge(office.issue(), LATER).verdict is Verdict.GENUINE
    assert states(chain, "ca") == [State.CURRENT] * 2


def test_a_root_that_is_kept_elsewhere_is_needed_by_what_it_signs_alone(tmp_path: Path) -> None:
    usb = RootKey(tmp_path / "usb" / "root.p12", "another passphrase")
    chain = Chain(tmp_path / "keys", PASSPHRASE, usb)
    chain.create(OPERATOR, ["341522"], NOW)
    assert not (chain.folder / "root.p12").exists()
    away = replace(chain, root_key=None)
    away.issue(KIND, ISSUER, NOW)
    office = Office(chain.folder)
    signed = office.issue()
    # A year on, with the daily renewals and no visit of the root.
    year = NOW + timedelta(days=365)
    renew_crls(chain.folder, year, PASSPHRASE)
    assert office.judge(signed, year).verdict is Verdict.GENUINE
    assert away.export(year)
    with pytest.raises(KeyFolderError, match="--root-key"):
        away.complete(["341522", "320509"], year)
    too_late = NOW + timedelta(days=401)
    renew_crls(chain.folder, too_late, PASSPHRASE)
    assert office.judge(signed, too_late).verdict is Verdict.CANNOT_TELL
    with pytest.raises(KeyFolderError, match="init --add"):
        away.export(too_late)
    chain.complete(["341522", "320509"], too_late)
    assert office.judge(signed, too_late).verdict is Verdict.GENUINE
    assert away.export(too_late)


def test_a_strangers_root_signs_nothing_here(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "root.p12"
    save_pair(path, make_ca("别的根证书", None, NOW, "别人"), [], b"words")
    with pytest.raises(KeyFolderError, match="another root"):
        replace(chain, root_key=RootKey(path, "words")).complete(["320509"], NOW)
    assert not (chain.folder / "ca" / "320509.p12").exists()


# Issuing


def test_a_seal_is_issued_once_by_its_regions_ca_under_a_real_name(chain: Chain) -> None:
    before = files(chain.folder)
    demo = replace(ISSUER, name=f"{ISSUER.name}（演示）")
    for authority, issuer, words in (
        (KIND, ISSUER, "already"),
        ("wujiang-hrss", replace(ISSUER, region="320509"), "init --add"),
        ("huoqiu-police", demo, "演示"),
        ("huoqiu-police", replace(ISSUER, seal_text="局" * 65), "64 characters"),
    ):
        with pytest.raises(KeyFolderError, match=words):
            chain.issue(authority, issuer, LATER)
    assert files(chain.folder) == before
    certificate = chain.issue("huoqiu-police", ISSUER, LATER)
    assert certificate.subject.rfc4514_string().endswith(f"O={ISSUER.name},C=CN")


def test_no_seal_outlives_its_ca_and_a_ca_that_has_ended_issues_none(chain: Chain) -> None:
    ca = open_pkcs12(chain.folder / "ca" / "341522.p12", PASSPHRASE.encode())[0].certificate
    late = ca.not_valid_after_utc - timedelta(days=30)
    made = chain.issue("huoqiu-police", ISSUER, late)
    assert made.not_valid_after_utc == ca.not_valid_after_utc
    with pytest.raises(KeyFolderError, match="rotate"):
        chain.issue("huoqiu-market", ISSUER, ca.not_valid_after_utc)
    chain.rotate_ca("341522", late)
    after = chain.issue("huoqiu-market", ISSUER, ca.not_valid_after_utc)
    assert after.not_valid_after_utc > ca.not_valid_after_utc + timedelta(days=365)


# Rotating


def test_what_a_seal_signed_before_it_was_rotated_stays_genuine(chain: Chain) -> None:
    office = Office(chain.folder)
    signed, old = office.issue(), seal(chain)
    old_key = office.key().sign(b"")
    chain.rotate_seal(KIND, ISSUER, LATER)
    assert seal(chain) != old
    assert office.key().sign(b"") != old_key
    assert office.judge(signed, LATER).verdict is Verdict.GENUINE
    assert office.judge(office.issue(), LATER).verdict is Verdict.GENUINE
    assert states(chain, "seal") == [State.CURRENT, State.ROTATED]
    keys = [path for path in chain.folder.rglob("*.p12") if path.stem.startswith(KIND)]
    assert keys == [chain.folder / "seals" / f"{KIND}.p12"], "the old key is nowhere"


def test_a_rotated_seal_can_be_revoked_and_the_new_one_counts_on(chain: Chain) -> None:
    office = Office(chain.folder)
    signed, old = office.issue(), seal(chain)
    chain.rotate_seal(KIND, ISSUER, LATER)
    with pytest.raises(KeyFolderError, match="serial"):
        revoke_seal(chain.folder, KIND, LATER, PASSPHRASE, 7)
    revoke_seal(chain.folder, KIND, LATER, PASSPHRASE, old.serial_number)
    last = LATER + timedelta(seconds=1)
    assert office.judge(signed, last).verdict is Verdict.REVOKED
    assert office.judge(office.issue(), last).verdict is Verdict.GENUINE
    assert states(chain, "seal") == [State.CURRENT, State.REVOKED]
    revoked = (chain.folder / "revoked.json").read_bytes()
    revoke_seal(chain.folder, KIND, last, PASSPHRASE, old.serial_number)
    assert (chain.folder / "revoked.json").read_bytes() == revoked, "it keeps its moment"


@pytest.mark.parametrize("step", ["write_trust", "keep_issued", "lay_aside"])
def test_a_revocation_that_is_cut_short_is_given_again(
    step: str, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = Office(chain.folder).issue()

    def cut(*_: object) -> None:
        raise KeyFolderError("cut short")

    with monkeypatch.context() as patch:
        patch.setattr(f"docs_gen.trust.{step}", cut)
        with pytest.raises(KeyFolderError, match="cut short"):
            revoke_seal(chain.folder, KIND, LATER, PASSPHRASE)
    revoke_seal(chain.folder, KIND, LATER, PASSPHRASE)
    found = Office(chain.folder).judge(signed, LATER + timedelta(seconds=1))
    assert found.verdict is Verdict.REVOKED
    assert not (chain.folder / "seals" / f"{KIND}.p12").exists()
    assert states(chain, "seal") == [State.REVOKED]


def test_what_there_is_not_or_is_of_others_is_not_rotated(chain: Chain, office: Office) -> None:
    with pytest.raises(KeyFolderError, match="issue one"):
        chain.rotate_seal("huoqiu-police", ISSUER, LATER)
    stranger = office.folder / "seals" / f"{KIND}.p12"
    shutil.copy(stranger, chain.folder / "seals" / f"{KIND}.p12")
    with pytest.raises(KeyFolderError, match="elsewhere"):
        chain.rotate_seal(KIND, ISSUER, LATER)
    with pytest.raises(KeyFolderError, match=r"qr\.pem"):
        Chain(chain.folder / "nothing", PASSPHRASE).rotate_qr(LATER)


def test_qr_codes_of_a_rotated_key_are_read_until_it_is_revoked(chain: Chain) -> None:
    office = Office(chain.folder)
    before = office.facts().qr_url.partition("#")[2]
    old = qr_key_id(load_qr_key(chain.folder, PASSPHRASE).public_key())
    with pytest.raises(KeyFolderError, match="in use"):
        chain.revoke_qr(old, LATER)
    new = chain.rotate_qr(LATER)
    assert new != old
    after = office.facts().qr_url.partition("#")[2]
    for token in (before, after):
        assert qr.read(token, load_trust(chain.folder).public_keys()).holder == "张*"
    assert states(chain, "qr") == [State.ROTATED, State.CURRENT]
    chain.revoke_qr(old, LATER)
    with pytest.raises(qr.TokenError):
        qr.read(before, load_trust(chain.folder).public_keys())
    assert qr.read(after, load_trust(chain.folder).public_keys())
    with pytest.raises(KeyFolderError, match="not known"):
        chain.revoke_qr(old, LATER)


def test_a_rotation_of_the_qr_key_that_is_cut_short_leaves_the_old_one_in_use(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = (chain.folder / "qr.pem").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("docs_gen.chain.keep_qr_key", lambda *_: (_ for _ in ()).throw(OSError()))
        with pytest.raises(OSError):  # noqa: PT011 (any)
            chain.rotate_qr(LATER)
    assert (chain.folder / "qr.pem").read_bytes() == old
    assert len(load_trust(chain.folder).qr_keys) == 2, "the next key was listed before its use"
    chain.rotate_qr(LATER)
    assert states(chain, "qr") == [State.ROTATED, State.ROTATED, State.CURRENT]


def test_a_folder_from_before_qr_keys_were_noted_keeps_its_key_when_it_rotates(
    chain: Chain,
) -> None:
    (chain.folder / "qr.json").unlink()
    token = Office(chain.folder).facts().qr_url.partition("#")[2]
    renew_crls(chain.folder, LATER, PASSPHRASE)
    assert qr.read(token, load_trust(chain.folder).public_keys())
    chain.rotate_qr(LATER)
    assert qr.read(token, load_trust(chain.folder).public_keys())
    assert [key.made_at for key in qr_keys(chain.folder, PASSPHRASE)] == [None, LATER]


def test_a_folder_from_before_there_were_versions_and_revoked_keys_were_destroyed_opens(
    chain: Chain,
) -> None:
    office = Office(chain.folder)
    signed = office.issue()
    path = chain.folder / "trust.json"
    said = json.loads(path.read_text())
    del said["version"]
    path.write_text(json.dumps(said))
    assert office.judge(signed).verdict is Verdict.GENUINE
    assert load_trust(chain.folder).version == 0
    there, aside = chain.folder / "seals" / f"{KIND}.p12", chain.folder / "revoked"
    kept, serial = there.read_bytes(), seal(chain).serial_number
    revoke_seal(chain.folder, KIND, LATER, PASSPHRASE)
    shutil.rmtree(chain.folder / "issued")
    aside.mkdir()
    (aside / f"{KIND}-{serial:x}.p12").write_bytes(kept)
    (aside / f"{KIND}-{serial:x}.p12").chmod(0o600)
    [row] = [row for row in list_keys(chain.folder, PASSPHRASE, LATER) if row.kind == "seal"]
    assert (row.authority, row.serial, row.state) == (KIND, f"{serial:x}", State.REVOKED)
    renew_crls(chain.folder, LATER, PASSPHRASE)
    assert load_trust(chain.folder).version > 0


def test_what_a_rotated_ca_certified_stays_genuine_and_can_still_be_revoked(chain: Chain) -> None:
    office = Office(chain.folder)
    signed = office.issue()
    chain.rotate_ca("341522", LATER)
    chain.issue("no-violations", OTHER, LATER)
    for content in (signed, office.issue("no-violations")):
        assert office.judge(content, LATER).verdict is Verdict.GENUINE
    assert states(chain, "ca") == [State.ROTATED, State.CURRENT]
    revoke_seal(chain.folder, KIND, LATER, PASSPHRASE)
    last = LATER + timedelta(seconds=1)
    assert office.judge(signed, last).verdict is Verdict.REVOKED
    assert office.judge(office.issue("no-violations"), last).verdict is Verdict.GENUINE


def test_a_rotation_of_a_ca_that_is_cut_short_is_given_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(chain.folder)
    signed = office.issue()

    def cut(*_: object) -> None:
        raise KeyFolderError("cut short")

    with monkeypatch.context() as patch:
        patch.setattr("docs_gen.chain.make_ca", cut)
        with pytest.raises(KeyFolderError, match="cut short"):
            chain.rotate_ca("341522", LATER)
    renew_crls(chain.folder, LATER, PASSPHRASE)
    assert len(office.trust.crls) == 2, "one CA under two names has one list"
    assert office.judge(signed, LATER).verdict is Verdict.GENUINE
    chain.rotate_ca("341522", LATER)
    assert office.judge(signed, LATER).verdict is Verdict.GENUINE
    assert states(chain, "ca") == [State.ROTATED, State.CURRENT]


def test_nothing_of_a_revoked_ca_counts(chain: Chain) -> None:
    office = Office(chain.folder)
    signed = office.issue()
    chain.rotate_ca("341522", LATER, revoke=True)
    last = LATER + timedelta(seconds=1)
    assert office.judge(signed, last).verdict is Verdict.REVOKED
    chain.issue("no-violations", OTHER, LATER)
    assert office.judge(office.issue("no-violations"), last).verdict is Verdict.GENUINE
    assert states(chain, "ca") == [State.REVOKED, State.CURRENT]
    assert states(chain, "seal") == [State.CURRENT, State.REVOKED], "no-violations comes first"
    with pytest.raises(KeyFolderError, match="code"):
        chain.rotate_ca("../341522", LATER)


def openssl_says(chain: Chain, certificate: x509.Certificate, folder: Path) -> str:
    """Return what OpenSSL thinks of a certificate, with everything that the trust list has."""
    trust = load_trust(chain.folder)
    cas = [x509.load_der_x509_certificate(der) for der in trust.intermediates]
    parts = {
        "root": [x509.load_der_x509_certificate(der) for der in trust.roots],
        "cas": cas,
        "crls": [x509.load_der_x509_crl(der) for der in trust.crls],
        "one": [certificate],
    }
    for name, found in parts.items():
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in found)
        (folder / f"{name}.pem").write_bytes(pem)
    command = (
        "openssl", "verify", "-CAfile", "root.pem", "-untrusted", "cas.pem", "-crl_check_all",
        "-CRLfile", "crls.pem", "-x509_strict", "-attime", str(int(LATER.timestamp())), "one.pem",
    )  # fmt: skip
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def test_openssl_finds_the_same_of_seals_by_old_and_new_cas(chain: Chain, tmp_path: Path) -> None:
    old = seal(chain)
    chain.rotate_ca("341522", NOW)
    chain.rotate_seal(KIND, ISSUER, NOW)
    for one in (old, seal(chain)):
        assert openssl_says(chain, one, tmp_path) == "one.pem: OK\n"
    revoke_seal(chain.folder, KIND, NOW, PASSPHRASE, old.serial_number)
    assert "certificate revoked" in openssl_says(chain, old, tmp_path)
    assert openssl_says(chain, seal(chain), tmp_path) == "one.pem: OK\n"


# The end of a chain


def test_after_the_seals_certificate_has_ended_nobody_can_tell_from_the_file(
    chain: Chain,
) -> None:
    office = Office(chain.folder)
    signed = office.issue()
    ended = seal(chain).not_valid_after_utc
    for moment, verdict in (
        (ended - timedelta(seconds=1), Verdict.GENUINE),
        (ended + timedelta(hours=1), Verdict.CANNOT_TELL),
    ):
        renew_crls(chain.folder, moment, PASSPHRASE)
        assert office.judge(signed, moment).verdict is verdict
    last = ended.astimezone(CHINA).date()
    assert not office.key().outlives(last)
    assert office.key().outlives(last - timedelta(days=1))


# What goes wrong


def test_files_that_others_can_read_are_refused_by_name(chain: Chain) -> None:
    for name, use in (
        (f"seals/{KIND}.p12", lambda path: SealKey.load(path, PASSPHRASE)),
        ("root.p12", lambda _: chain.complete([], LATER)),
        ("qr.pem", lambda _: load_qr_key(chain.folder, PASSPHRASE)),
    ):
        path = chain.folder / name
        path.chmod(0o644)
        with pytest.raises(KeyFolderError, match=f"chmod 600 .*{path.name}"):
            use(path)
        path.chmod(0o440)
        use(path)


def test_a_wrong_passphrase_changes_nothing(chain: Chain) -> None:
    before = files(chain.folder)
    wrong = replace(chain, passphrase="wrong")
    for command in (
        lambda: wrong.complete(["320509"], LATER),
        lambda: wrong.issue("huoqiu-police", ISSUER, LATER),
        lambda: wrong.rotate_seal(KIND, ISSUER, LATER),
        lambda: wrong.rotate_qr(LATER),
        lambda: wrong.export(LATER),
        lambda: list_keys(chain.folder, "wrong", LATER),
    ):
        with pytest.raises(KeyFolderError, match=r"\.p12|\.pem"):
            command()
    assert files(chain.folder) == before


def test_a_full_disk_is_named_and_the_old_key_stays_in_use(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(chain.folder / "seals")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeyFolderError, match=r"\.cer: .*No space left"):
            chain.rotate_seal(KIND, ISSUER, LATER)
    assert files(chain.folder / "seals") == before
    assert not list(chain.folder.rglob("*.part"))
    assert states(chain, "seal") == [State.CURRENT]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFolderError, match="file"):
        Chain(tmp_path / "file" / "keys", PASSPHRASE).create(OPERATOR, ["341522"], NOW)


def test_whatever_is_written_the_folder_is_locked_against_another_command(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bool] = []

    def look(descriptor: int) -> None:
        # Every file is made durable before it takes its place.
        another = os.open(chain.folder, os.O_RDONLY)
        try:
            fcntl.flock(another, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            written.append(True)
        else:
            written.append(False)
        finally:
            os.close(another)

    monkeypatch.setattr(os, "fsync", look)
    commands: list[Callable[[], object]] = [
        lambda: chain.complete(["320509"], LATER),
        lambda: chain.issue("huoqiu-police", ISSUER, LATER),
        lambda: chain.rotate_seal(KIND, ISSUER, LATER),
        lambda: chain.rotate_ca("341522", LATER),
        lambda: chain.rotate_qr(LATER),
        lambda: chain.rotate_list(LATER),
        lambda: chain.export(LATER),
        lambda: revoke_seal(chain.folder, KIND, LATER, PASSPHRASE),
        lambda: renew_crls(chain.folder, LATER, PASSPHRASE),
        lambda: create_demo(chain.folder, [("huoqiu-market", ISSUER)], LATER, PASSPHRASE),
    ]
    for command in commands:
        before = len(written)
        command()
        assert len(written) > before
    assert all(written)


def test_a_root_that_is_put_back_says_itself_what_it_revoked(tmp_path: Path) -> None:
    usb = RootKey(tmp_path / "root.p12", PASSPHRASE)
    chain = Chain(tmp_path / "keys", PASSPHRASE, usb)
    chain.create(OPERATOR, ["341522"], NOW)
    before = load_trust(chain.folder)
    shutil.copy(usb.path, chain.folder / "root.p12")
    renew_crls(chain.folder, LATER, PASSPHRASE)
    after = load_trust(chain.folder)
    assert (len(before.crls), len(after.crls)) == (2, 2), "not its yearly list beside the new one"
    assert set(before.roots) == set(after.roots)


def test_the_version_grows_when_the_clock_goes_back_and_when_the_list_is_lost(
    chain: Chain,
) -> None:
    def version() -> int:
        return load_trust(chain.folder).version

    first = version()
    renew_crls(chain.folder, NOW - timedelta(days=30), PASSPHRASE)
    second = version()
    renew_crls(chain.folder, LATER, PASSPHRASE)
    third = version()
    (chain.folder / "trust.json").unlink()
    renew_crls(chain.folder, LATER + timedelta(days=1), PASSPHRASE)
    assert first < second < third < version()
