"""`kuayu keys sm2`, and `kuayu verify --sm2` on a machine that has only a trust list."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docs_gen import sm2
from docs_gen.closed import digest
from docs_gen.keyfiles import KeyFolderError
from docs_gen.sm2keys import load_seals as load_sm2_seals
from docs_gen.trust import load_trust, renew_crls
from tests.support.commands import done, refused, run
from tests.support.office import PASSPHRASE, open_office
from tests.support.openssl import new_pkcs12
from tests.support.service import REGIONS

AUTHORITY = "huoqiu-hrss"
NAME = "霍邱县人力资源和社会保障局"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of settings and keys as `init` makes it; `begun` has a copy."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "regions.toml").write_text(REGIONS.read_text().replace("（演示）", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUAYU_REGIONS", str(folder / "regions.toml"))
        patch.setenv("KUAYU_KEY_PASSPHRASE", "words")
        done("keys", "init", "--operator", "皖南省跨域业务中心", "--data", folder)
    return folder


@pytest.fixture
def begun(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUAYU_REGIONS", str(template / "regions.toml"))
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", "words")
    return Path(shutil.copytree(template, tmp_path / "data"))


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without an OpenSSL that has SM2."""
    sm2._library.cache_clear()
    monkeypatch.setattr(sm2, "LIBRARIES", ("libcrypto.so.0",))
    yield
    sm2._library.cache_clear()


def rows(data: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(done("keys", "list", "--json", "--data", data))
    return found


def sm2_rows(data: Path) -> list[dict[str, object]]:
    return [row for row in rows(data) if str(row["kind"]).startswith("sm2")]


def test_a_province_makes_sm2_keys_beside_the_others(begun: Path) -> None:
    assert NAME in done("keys", "sm2", "issue", AUTHORITY, "--data", begun)
    rest = done("keys", "sm2", "issue", "--all", "--data", begun)
    assert "issued huoqiu-police" in rest
    assert AUTHORITY not in rest
    assert "already" in refused("keys", "sm2", "issue", AUTHORITY, "--data", begun)
    found = sm2_rows(begun)
    assert [row["kind"] for row in found].count("sm2-ca") == 1
    [seal] = [row for row in found if row["authority"] == AUTHORITY]
    assert (seal["state"], seal["days_left"], seal["elsewhere"]) == ("current", 1824, False)
    assert not any(row["demo"] for row in found)
    assert str(seal["serial"]) in done("keys", "list", "--data", begun)
    for path in (begun / "keys" / "sm2").rglob("*.pem"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"ENCRYPTED" in path.read_bytes()
    assert load_trust(begun / "keys").sm2.roots


def test_a_rotated_sm2_key_is_listed_and_a_revoked_one_stands_in_the_list(begun: Path) -> None:
    done("keys", "sm2", "issue", AUTHORITY, "--data", begun)
    [first] = [row["serial"] for row in sm2_rows(begun) if row["kind"] == "sm2"]
    done("keys", "sm2", "rotate", AUTHORITY, "--data", begun)
    states = {row["serial"]: row["state"] for row in sm2_rows(begun) if row["kind"] == "sm2"}
    assert states.pop(first) == "rotated"
    assert list(states.values()) == ["current"]
    revoke = ("keys", "sm2", "revoke", AUTHORITY, "--data", begun, "--yes")
    assert f"{first}" in done(*revoke, "--serial", first)
    done(*revoke)
    assert {row["state"] for row in sm2_rows(begun) if row["kind"] == "sm2"} == {"revoked"}
    assert not load_sm2_seals(begun / "keys", "words")
    assert "no current certificate" in refused(*revoke)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("issue",), "AUTHORITY"),
        (("issue", "nobody"), "nobody"),
        (("rotate", AUTHORITY), "issue one"),
        (("rotate", "nobody"), "nobody"),
        (("revoke", AUTHORITY, "--yes"), AUTHORITY),
        (("revoke", AUTHORITY, "--serial", "zz", "--yes"), "--serial"),
    ],
)
def test_wrong_commands_are_refused_in_words(
    command: tuple[str, ...], words: str, begun: Path
) -> None:
    assert words in refused("keys", "sm2", *command, "--data", begun)


def test_the_key_of_a_licensed_ca_is_brought_and_counts_with_its_list(
    begun: Path, tmp_path: Path
) -> None:
    """OpenSSL's own commands made it, so nothing here judges by our own work."""
    file, crl = new_pkcs12(tmp_path, "/C=CN/O=Office/CN=Seal", "theirs")
    (tmp_path / "words").write_text("theirs\n")
    given = ("--passphrase-file", tmp_path / "words", "--authority", AUTHORITY, "--data", begun)
    assert "CN=Seal" in done("keys", "sm2", "import", file, *given)
    pem = tmp_path / "seal.all"
    pem.write_bytes(b"".join((tmp_path / n).read_bytes() for n in ("seal.key", "seal.pem")))
    assert "up to the root" in refused("keys", "sm2", "import", pem, *given)
    (tmp_path / "words").write_text("wrong")
    assert "wrong passphrase" in refused("keys", "sm2", "import", file, *given)
    assert "its SM2 key comes from elsewhere" in refused(
        "keys", "sm2", "rotate", AUTHORITY, "--data", begun
    )
    p256 = begun / "keys" / "ca" / "341522.p12"
    (tmp_path / "words").write_text("words")
    assert "SM2" in refused("keys", "sm2", "import", p256, *given)

    keys, now = begun / "keys", datetime.now(UTC)
    seal = load_sm2_seals(keys, "words")[AUTHORITY]
    (tmp_path / "file").write_bytes(b"%PDF-")
    (tmp_path / "file.p7s").write_bytes(seal.sign(sm2.sm3(b"%PDF-"), now))
    exported = done("keys", "export-trust", tmp_path / "before", "--data", begun)
    root = exported.split()[-1]
    before, said = verified(tmp_path, "before", root)
    assert (before, said["reason"]) == (1, "there_is_no_current_revocation_list")
    assert "Licensed" in done("keys", "sm2", "import-crl", crl, "--data", begun)
    done("keys", "export-trust", tmp_path / "after", "--data", begun)
    status, said = verified(tmp_path, "after", root)
    assert (status, said["verdict"], said["signer"]) == (1, "genuine", "Seal")
    assert said["file"] == "unreadable", "what it lies over is no certificate"
    # What that CA certifies for others does not count.
    assert load_trust(keys).sm2.closed.seals == (digest(seal.certificate),)
    assert load_trust(keys).sm2.closed.cas == tuple(map(digest, seal.chain))
    assert "no SM2 CA" in refused("keys", "sm2", "import-crl", other_crl(tmp_path), "--data", begun)


def verified(folder: Path, trust: str, root: str) -> tuple[int, dict[str, object]]:
    result = run(
        "verify", folder / "file", "--sm2", folder / "file.p7s", "--trust", folder / trust,
        "--root", root, "--json",
    )  # fmt: skip
    said: dict[str, object] = json.loads(result.stdout)
    return result.exit_code, said


def other_crl(folder: Path) -> Path:
    (folder / "other").mkdir()
    return new_pkcs12(folder / "other", "/CN=Other", "x")[1]


def test_a_certificate_and_its_sm2_signature_are_judged_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(tmp_path / "keys", datetime.now(UTC).replace(microsecond=0))
    made = office.issue()
    seal = load_sm2_seals(office.folder, PASSPHRASE)["pension-balance"]
    (tmp_path / "file").write_bytes(made)
    (tmp_path / "file.p7s").write_bytes(seal.sign(sm2.sm3(made), office.now))
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", PASSPHRASE)
    root = done("keys", "export-trust", tmp_path / "list", "--data", tmp_path).split()[-1]
    status, said = verified(tmp_path, "list", root)
    assert (status, said["verdict"], said["file"]) == (0, "genuine", "genuine")
    assert (said["reason"], said["number"]) == ("the_signature_holds", office.facts().number)
    (tmp_path / "file").write_bytes(made + b"\n")
    status, said = verified(tmp_path, "list", root)
    assert (status, said["verdict"], said["file"]) == (1, "altered", "altered")
    (tmp_path / "file.p7s").write_bytes(made)
    assert verified(tmp_path, "list", root)[1]["verdict"] == "unreadable"
    asked = ("verify", tmp_path / "file", "--sm2", tmp_path / "file.p7s")
    assert "--sm2: expected" in refused(*asked)


@pytest.mark.usefixtures("nowhere")
def test_a_machine_without_sm2_refuses_in_words(begun: Path, tmp_path: Path) -> None:
    assert "libssl3" in refused("keys", "sm2", "issue", AUTHORITY, "--data", begun)
    for name in ("file", "file.p7s"):
        (tmp_path / name).write_bytes(b"%PDF-")
    root = done("keys", "export-trust", tmp_path / "list", "--data", begun).split()[-1]
    asked = ("verify", tmp_path / "file", "--sm2", tmp_path / "file.p7s")
    assert "libssl3" in refused(*asked, "--trust", tmp_path / "list", "--root", root)


def test_keys_that_a_machine_cannot_use_stop_what_would_use_them(
    begun: Path, request: pytest.FixtureRequest
) -> None:
    done("keys", "sm2", "issue", AUTHORITY, "--data", begun)
    request.getfixturevalue("nowhere")
    assert "sm2" in done("keys", "list", "--data", begun)
    with pytest.raises(KeyFolderError, match="libssl3"):
        load_sm2_seals(begun / "keys", "words")
    with pytest.raises(KeyFolderError, match="libssl3"):
        renew_crls(begun / "keys", datetime.now(UTC), "words")
