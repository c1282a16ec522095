"""`kuayu keys`, and `kuayu verify` on a machine that has a trust list and nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from docs_gen import statuslist
from docs_gen.chain import Chain
from docs_gen.qrkeys import load_qr_key, qr_key_id
from docs_gen.sealkeys import load_seals
from docs_gen.signing import issue
from tests.support.commands import done, refused, run
from tests.support.office import PASSPHRASE, TEMPLATES, Office, open_office
from tests.support.service import REGIONS

OPERATOR = "皖南省跨域业务中心"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regions.toml whose authorities' names do not say 演示; they are invented all the same."""
    path = tmp_path_factory.mktemp("regions") / "regions.toml"
    path.write_text(REGIONS.read_text().replace("（演示）", ""))
    return path


@pytest.fixture
def data(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder to be; no other setting than these two is needed for its keys."""
    monkeypatch.setenv("KUAYU_REGIONS", str(real))
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", "words")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def template(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key folder as `init` makes it; `begun` has a copy."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUAYU_REGIONS", str(real))
        patch.setenv("KUAYU_KEY_PASSPHRASE", "words")
        done("keys", "init", "--operator", OPERATOR, "--data", folder)
    return folder


@pytest.fixture
def begun(template: Path, data: Path) -> Path:
    return Path(shutil.copytree(template, data))


def rows(data: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(done("keys", "list", "--json", "--data", data))
    return found


def test_a_province_makes_its_chain_and_its_seals(begun: Path) -> None:
    one = done("keys", "issue", "huoqiu-hrss", "--data", begun)
    assert "霍邱县人力资源和社会保障局" in one
    rest = done("keys", "issue", "--all", "--data", begun)
    assert "issued huoqiu-police" in rest
    assert "huoqiu-hrss" not in rest
    assert done("keys", "issue", "--all", "--data", begun) == ""
    assert "already" in refused("keys", "issue", "huoqiu-hrss", "--data", begun)
    found = rows(begun)
    assert {row["kind"] for row in found} == {"root", "ca", "seal", "list", "crl", "qr"}
    [seal] = [row for row in found if row["authority"] == "huoqiu-hrss"]
    assert (seal["state"], seal["days_left"]) == ("current", 1824)
    assert seal["elsewhere"] is False
    assert not any(row["demo"] for row in found)
    table = done("keys", "list", "--data", begun)
    assert str(seal["serial"]) in table
    assert len(table.splitlines()) == len(found) + 1
    assert not any(key.demo for key in load_seals(begun / "keys", "words").values())


def test_a_rotated_seal_is_listed_as_such_and_a_revoked_one_needs_a_yes(begun: Path) -> None:
    done("keys", "issue", "huoqiu-hrss", "--data", begun)
    [first] = [row["serial"] for row in rows(begun) if row["kind"] == "seal"]
    assert "rotated huoqiu-hrss" in done("keys", "rotate", "huoqiu-hrss", "--data", begun)
    states = {row["serial"]: row["state"] for row in rows(begun) if row["kind"] == "seal"}
    assert states.pop(first) == "rotated"
    assert list(states.values()) == ["current"]
    revoke = ("keys", "revoke", "huoqiu-hrss", "--serial", first, "--data", begun)
    assert run(*revoke, said="n\n").exit_code == 1
    assert {row["state"] for row in rows(begun) if row["kind"] == "seal"} == {"current", "rotated"}
    assert f"revoked huoqiu-hrss  {first}" in done(*revoke, "--yes")
    assert {row["state"] for row in rows(begun) if row["kind"] == "seal"} == {"current", "revoked"}


def test_a_seal_is_revoked_since_the_day_on_which_it_was_stolen(begun: Path) -> None:
    done("keys", "issue", "huoqiu-hrss", "--data", begun)
    revoke = ("keys", "revoke", "--data", begun, "--yes", "--since")
    assert "expected a time that has been" in refused(*revoke, "2999-01-01", "huoqiu-hrss")
    assert "--since: expected an AUTHORITY" in refused(*revoke, "2026-01-02", "--ca", "341522")
    done(*revoke, "2026-01-02", "huoqiu-hrss")
    [noted] = json.loads((begun / "keys" / "revoked.json").read_text())
    assert noted["at"] == "2026-01-02T00:00:00+08:00"


def test_other_keys_are_rotated_and_revoked_by_name(begun: Path) -> None:
    [old] = [row["serial"] for row in rows(begun) if row["kind"] == "qr"]
    done("keys", "rotate", "--qr", "--data", begun)
    assert f"revoked the QR key {old}" in done(
        "keys", "revoke", "--qr", old, "--yes", "--data", begun
    )
    assert old not in {row["serial"] for row in rows(begun)}
    assert "信任列表" in done("keys", "rotate", "--list", "--data", begun)
    assert "第2代" in done("keys", "rotate", "--ca", "341522", "--data", begun)
    assert "第3代" in done("keys", "revoke", "--ca", "341522", "--yes", "--data", begun)
    cas = [row["state"] for row in rows(begun) if row["authority"] == "341522"]
    assert sorted(map(str, cas)) == ["current", "revoked", "rotated"]


def test_a_root_that_is_kept_apart_has_its_own_passphrase(data: Path, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("of the root\n")
    away = ("--root-key", tmp_path / "usb.p12", "--root-passphrase-file", tmp_path / "words")
    done("keys", "init", "--operator", OPERATOR, *away, "--data", data)
    assert not (data / "keys" / "root.p12").exists()
    assert "--root-key" in refused("keys", "init", "--add", "--data", data)
    (tmp_path / "words").write_text("wrong")
    assert "usb.p12" in refused("keys", "init", "--add", *away, "--data", data)
    (tmp_path / "words").write_text("of the root")
    assert "fingerprint" in done("keys", "init", "--add", *away, "--data", data)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("init",), "--operator"),
        (("init", "--operator", "跨域演示中心"), "演示"),
        (("init", "--operator", OPERATOR), "there already"),
        (("issue",), "AUTHORITY"),
        (("issue", "--all", "huoqiu-hrss"), "AUTHORITY"),
        (("issue", "huoqiu-hrss", "--csr", "request.pem"), "--csr"),
        (("issue", "nobody"), "nobody"),
        (("rotate",), "expected one"),
        (("rotate", "huoqiu-hrss", "--qr"), "expected one"),
        (("rotate", "huoqiu-hrss"), "issue one"),
        (("rotate", "nobody"), "nobody"),
        (("rotate", "--ca", "999999"), "999999: no region of this code has a CA here"),
        (("revoke", "huoqiu-hrss", "--yes"), "huoqiu-hrss has no current certificate"),
        (("revoke", "huoqiu-hrss", "--serial", "1f", "--yes"), "of that serial"),
        (("revoke", "--ca", "999999", "--yes"), "999999: no region of this code has a CA here"),
        (("revoke", "huoqiu-hrss", "--serial", "zz", "--yes"), "--serial"),
        (("revoke", "--qr", "0102", "--yes"), "not known"),
        (("init", "--add", "--root-key", "/nowhere.p12"), "/nowhere.p12"),
    ],
)
def test_wrong_commands_are_refused_in_words(
    command: tuple[str, ...], words: str, begun: Path
) -> None:
    assert words in refused("keys", *command, "--data", begun)


def test_a_folder_without_keys_is_named_and_not_shown_as_an_empty_list(data: Path) -> None:
    assert str(data / "keys") in refused("keys", "list", "--data", data)
    assert not data.exists()


def test_a_wrong_or_missing_passphrase_is_named(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", "others")
    assert "root.p12" in refused("keys", "list", "--data", begun)
    monkeypatch.delenv("KUAYU_KEY_PASSPHRASE")
    assert "KUAYU_KEY_PASSPHRASE" in refused("keys", "list", "--data", begun)


def test_a_key_in_a_token_is_certified_by_its_request(begun: Path, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request, out = tmp_path / "request.pem", tmp_path / "huoqiu-hrss.pem"
    request.write_bytes(asked.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    given = ("keys", "issue", "huoqiu-hrss", "--csr", request, "--out", out, "--data", begun)
    done(*given)
    made, *above = x509.load_pem_x509_certificates(out.read_bytes())
    assert made.public_key() == key.public_key()
    assert len(above) == 2
    assert "there already" in refused(*given)


# What needs the list alone


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return open_office(tmp_path_factory.mktemp("offices") / "keys", datetime.now(UTC))


def test_verify_needs_the_exported_list_and_its_root_alone(
    offices: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "issued.pdf").write_bytes(offices.issue())
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", PASSPHRASE)
    trust = tmp_path / "kuayu.trust"
    told = done("keys", "export-trust", trust, "--data", offices.folder.parent)
    root = told.split()[-1]
    assert stat.S_IMODE(trust.stat().st_mode) == 0o644
    monkeypatch.delenv("KUAYU_KEY_PASSPHRASE")
    # There is no data folder, and there are no settings.
    monkeypatch.chdir(tmp_path)
    offline = ("verify", "issued.pdf", "--trust", trust)
    assert "--root" in refused(*offline)
    assert "another root" in refused(*offline, "--root", "00" * 32)
    found = json.loads(done(*offline, "--root", root, "--json"))
    assert found["verdict"] == "genuine"
    assert found["register"] == "not asked"
    assert "genuine" in done(*offline), "the root is remembered"
    assert "expected a PDF or --qr" in refused("verify")
    assert "--qr: expected --trust" in refused("verify", "--qr", "x")
    assert "expected --trust" in refused("verify", "issued.pdf", "--root", root)
    month_ago = datetime.now(UTC) - timedelta(days=30)
    old = Chain(offices.folder, PASSPHRASE).export(month_ago)[0]
    trust.with_suffix(".old").write_bytes(old)
    late = run("verify", "issued.pdf", "--trust", trust.with_suffix(".old"), "--root", root)
    assert late.exit_code == 1
    assert "cannot_tell" in late.stdout
    trust.write_bytes(b"no list")
    assert "no signed trust list" in refused(*offline)


def test_a_file_past_its_last_day_is_expired_by_either_list(
    offices: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    told = done("keys", "export-trust", "kuayu.trust", "--data", offices.folder.parent)
    now = datetime.now(UTC)
    facts = dataclasses.replace(offices.facts(), signing_time=now - timedelta(days=400))
    signed = asyncio.run(issue(facts, TEMPLATES[facts.kind], offices.key()))
    Path("issued.pdf").write_bytes(signed.pdf)
    one = statuslist.make(facts.issuer.code, 2026, 1, now, [(17, statuslist.Status.VALID)])
    key = load_qr_key(offices.folder, PASSPHRASE)
    Path("status").write_bytes(statuslist.encode(one, key, qr_key_id(key.public_key())))
    asked = ("verify", "issued.pdf", "--trust", "kuayu.trust", "--root", told.split()[-1], "--json")
    for more in ((), ("--status", "status")):
        found = json.loads(run(*asked, *more).stdout)
        assert (found["verdict"], found["reason"]) == ("expired", "past_its_last_day")
        assert found["valid_until"] == str(TEMPLATES[facts.kind].valid_until(facts.issued_on))


def test_a_qr_code_is_judged_by_the_two_signed_lists_alone(
    offices: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", PASSPHRASE)
    trust, status = tmp_path / "kuayu.trust", tmp_path / "status"
    told = done("keys", "export-trust", trust, "--data", offices.folder.parent)
    monkeypatch.delenv("KUAYU_KEY_PASSPHRASE")
    monkeypatch.chdir(tmp_path)
    facts, now = offices.facts(), datetime.now(UTC)
    key = load_qr_key(offices.folder, PASSPHRASE)

    def write_list(said: statuslist.Status, version: int) -> None:
        pairs = [(17, said)]
        one = statuslist.make(facts.issuer.code, 2026, version, now, pairs)
        status.write_bytes(statuslist.encode(one, key, qr_key_id(key.public_key())))

    def judged(*more: object) -> dict[str, Any]:
        asked = ("verify", "--qr", facts.qr_url, "--trust", trust, "--json", *more)
        found: dict[str, Any] = json.loads(run(*asked).stdout)
        return found

    amber = judged("--root", told.split()[-1])
    assert (amber["verdict"], amber["reason"]) == ("cannot_tell", "there_is_no_status_list")
    write_list(statuslist.Status.VALID, 7)
    green = judged("--status", status)
    assert (green["verdict"], green["holder"], green["number"]) == ("genuine", "张*", facts.number)
    # The file by the same lists.
    (tmp_path / "issued.pdf").write_bytes(offices.issue())
    assert "genuine" in done("verify", "issued.pdf", "--trust", trust, "--status", status)
    write_list(statuslist.Status.REVOKED, 8)
    assert judged("--status", status)["verdict"] == "revoked"
    by_file = run("verify", "issued.pdf", "--trust", trust, "--status", status)
    assert (by_file.exit_code, "revoked" in by_file.stdout) == (1, True)
    # The list of before the revocation is not believed any more.
    write_list(statuslist.Status.VALID, 7)
    assert judged("--status", status)["verdict"] == "cannot_tell"
    assert "nowhere" in refused("verify", "--qr", "x", "--trust", trust, "--status", "nowhere")
