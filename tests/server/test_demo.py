"""How the demonstration is served to other machines; nothing here listens."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from server import demo
from server.cli import app
from server.commands import demo as command
from server.settings import Settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """With which settings the demonstration would have been served."""
    kept: list[Settings] = []

    async def keep(settings: Settings) -> None:
        kept.append(settings)

    monkeypatch.setattr(command, "_demo", keep)
    monkeypatch.setattr(command, "set_up_logs", lambda **_: None)
    monkeypatch.setattr(demo, "own_address", lambda: "192.0.2.7")
    return kept


def run(data: Path, *args: str) -> str:
    ran = CliRunner().invoke(app, ["demo", "--data", str(data), *args])
    return f"{ran.exit_code} {ran.output}"


def test_for_other_machines_it_makes_a_certificate_of_its_own_and_says_so(
    served: list[Settings], tmp_path: Path
) -> None:
    said = run(tmp_path, "--host", "0.0.0.0", "--port", "8500")
    assert said.startswith("0 ")
    assert "自签名证书" in said
    assert "a self-signed certificate is used" in said
    (settings,) = served
    assert settings.public_url == "https://192.0.2.7:8500"
    assert settings.also_served_as == ("https://localhost:8500",)
    assert settings.tls_cert is not None
    assert settings.tls_key is not None
    assert settings.tls_key.stat().st_mode & 0o077 == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)


def test_host_and_port_of_the_environment_count_as_those_of_the_command_line(
    served: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUAYU_HOST", "0.0.0.0")
    monkeypatch.setenv("KUAYU_PORT", "8600")
    assert "自签名证书" in run(tmp_path)
    assert served[0].public_url == "https://192.0.2.7:8600"


def test_on_this_machine_alone_it_needs_no_certificate(
    served: list[Settings], tmp_path: Path
) -> None:
    assert "证书" not in run(tmp_path)
    assert (served[0].public_url, served[0].tls_cert) == ("http://localhost:8400", None)


def test_with_a_certificate_given_none_is_made(served: list[Settings], tmp_path: Path) -> None:
    cert, key = demo.make_tls(tmp_path / "mine", "192.0.2.7")
    files = ("--tls-cert", str(cert), "--tls-key", str(key))
    assert "自签名证书" not in run(tmp_path / "data", "--host", "0.0.0.0", *files)
    assert served[0].tls_cert == cert
    assert served[0].public_url == "https://localhost:8400"


def test_a_wrong_value_is_named_as_it_was_given(served: list[Settings], tmp_path: Path) -> None:
    assert run(tmp_path, "--port", "99999").startswith("1 kuayu: --port: expected a port")
    assert run(tmp_path, "--tls-cert", "/nowhere").startswith("1 kuayu: --tls-cert: expected a ")
    assert served == []


def test_its_certificate_is_kept_until_it_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, _ = demo.make_tls(tmp_path, "192.0.2.7")
    first = cert.read_bytes()
    demo.make_tls(tmp_path, "192.0.2.7")
    assert cert.read_bytes() == first
    monkeypatch.setattr(demo, "TLS_LIVES", timedelta(hours=23))
    cert.unlink()
    demo.make_tls(tmp_path, "192.0.2.7")
    short = cert.read_bytes()
    monkeypatch.undo()
    demo.make_tls(tmp_path, "192.0.2.7")
    assert cert.read_bytes() != short
    made = x509.load_pem_x509_certificate(cert.read_bytes())
    assert made.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)
