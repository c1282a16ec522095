from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from server.settings import (
    Settings,
    SettingsError,
    SignerSettings,
    read_settings,
    read_signer_settings,
)

SECRET = base64.b64encode(b"s" * 32).decode()


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    path = tmp_path / "regions.toml"
    path.write_text("")
    return path


@pytest.fixture
def environment(regions: Path) -> dict[str, str]:
    """The least with which production starts."""
    return {
        "KUAYU_PUBLIC_URL": "https://kuayu.example",
        "KUAYU_SECRET": SECRET,
        "KUAYU_REGIONS": str(regions),
    }


def refusal(environment: Mapping[str, str], **given: object) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings(environment, **given)
    return str(refused.value)


def test_production_starts_with_the_least(environment: dict[str, str], regions: Path) -> None:
    settings = read_settings({**environment, "PATH": "/bin", "HOME": "/root"})
    assert settings == Settings(
        data=Path("data").resolve(),
        public_url="https://kuayu.example",
        secret=b"s" * 32,
        database_url=f"sqlite+aiosqlite:///{Path('data').resolve() / 'kuayu.db'}",
        regions=regions,
        trust=Path("data").resolve() / "keys",
        signer_socket=Path("data").resolve() / "signer" / "signer.sock",
    )
    assert settings.origins == ("https://kuayu.example",)


def test_the_demo_needs_a_secret_file_in_its_data_and_nothing_else(
    tmp_path: Path, regions: Path
) -> None:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "secret").write_text(f"{SECRET}\n")
    settings = read_settings(
        {"KUAYU_REGIONS": str(regions)}, demo=True, data=tmp_path / "data", port=8401
    )
    assert (settings.demo, settings.secret, settings.port) == (True, b"s" * 32, 8401)
    assert settings.public_url == "http://localhost:8401"


def test_the_command_line_wins_over_the_environment(environment: dict[str, str]) -> None:
    settings = read_settings({**environment, "KUAYU_PORT": "1"}, port=2, host=None)
    assert (settings.port, settings.host) == (2, "127.0.0.1")


def test_production_does_not_start_without_its_secret(environment: dict[str, str]) -> None:
    del environment["KUAYU_SECRET"]
    said = refusal(environment)
    assert said.startswith("KUAYU_SECRET: expected ")
    assert said.endswith("; it is missing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KUAYU_PORT", ""),
        ("KUAYU_PORT", "0"),
        ("KUAYU_PORT", "65536"),
        ("KUAYU_PORT", "-1"),
        ("KUAYU_PORT", "８４００"),
        ("KUAYU_PORT", "8e3"),
        ("KUAYU_DEMO", "True"),
        ("KUAYU_PUBLIC_URL", "http://kuayu.example"),
        ("KUAYU_PUBLIC_URL", "kuayu.example"),
        ("KUAYU_PUBLIC_URL", "https://"),
        ("KUAYU_PUBLIC_URL", "https://[::1"),
        ("KUAYU_PUBLIC_URL", "https://kuayu.example:99999"),
        ("KUAYU_PUBLIC_URL", "https://kuayu.example/app"),
        ("KUAYU_PUBLIC_URL", "https://kuayu.example?x"),
        ("KUAYU_PUBLIC_URL", "https://kuayu.example#"),
        ("KUAYU_PUBLIC_URL", "https://user@kuayu.example"),
        ("KUAYU_PUBLIC_URL", "https://跨域.example"),
        ("KUAYU_PUBLIC_URL", "https://kuayu.example evil"),
        ("KUAYU_ALSO_SERVED_AS", "https://a.example,ftp://b.example"),
        ("KUAYU_ALSO_SERVED_AS", "http://a.example"),
        ("KUAYU_DATABASE_URL", "mysql://localhost/kuayu"),
        ("KUAYU_DATABASE_URL", "postgresql://localhost/kuayu"),
        ("KUAYU_DATABASE_URL", "sqlite:///kuayu.db"),
        ("KUAYU_REDIS_URL", "http://localhost"),
        ("KUAYU_TRUSTED_PROXIES", "10.0.0.1,proxy.example"),
        ("KUAYU_REGIONS", "/nowhere/regions.toml"),
        ("KUAYU_TLS_CERT", "/nowhere/cert.pem"),
        ("KUAYU_FALLBACK_FONT", "/nowhere/font.ttf"),
        ("KUAYU_FALLBACK_FONT", __file__),
        ("KUAYU_SIGNER_SOCKET", f"/run/{'long' * 26}"),
        ("KUAYU_SECRET", ""),
        ("KUAYU_SECRET", "not base64!"),
        ("KUAYU_SECRET", "一二三四"),
        ("KUAYU_SECRET", base64.b64encode(b"s" * 31).decode()),
        ("KUAYU_MEDIA_SECRET", ""),
        ("KUAYU_MEDIA_SECRET", "not base64!"),
        ("KUAYU_MEDIA_SECRET", base64.b64encode(b"s" * 31).decode()),
        ("KUAYU_MEDIA_SECRET_FILE", "/nowhere/secret"),
        ("KUAYU_TURN_URLS", "turn:turn.example:3478"),
        ("KUAYU_TURN_URLS", "stun:turn.example:3478?transport=udp"),
        ("KUAYU_TURN_URLS", "turn://turn.example?transport=udp"),
        ("KUAYU_TURN_URLS", "turns:turn.example?transport=udp"),
        ("KUAYU_TURN_URLS", "turn:a.example?transport=udp,turn:b example?transport=tcp"),
        ("KUAYU_TURN_URLS", "turn:turn.example:0?transport=udp"),
        ("KUAYU_TURN_URLS", "turn:turn.example:65536?transport=udp"),
        ("KUAYU_TURN_SECRET", "not base64!"),
        ("KUAYU_TURN_SECRET_FILE", "/nowhere/secret"),
        ("KUAYU_SERCET", "x"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(
    environment: dict[str, str], name: str, value: str
) -> None:
    assert refusal({**environment, name: value}).startswith(f"{name}: expected ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KUAYU_SECRET", "hunter2-secret"),
        ("KUAYU_MEDIA_SECRET", "hunter2-secret"),
        ("KUAYU_TURN_SECRET", "hunter2-secret"),
        ("KUAYU_DATABASE_URL", "postgres://kuayu:hunter2-secret"),
        ("KUAYU_DATABASE_URL", "postgres://kuayu:hunter2-secret@db/kuayu"),
        ("KUAYU_REDIS_URL", "http://:hunter2-secret@cache"),
    ],
)
def test_a_refusal_does_not_tell_secrets(
    environment: dict[str, str], name: str, value: str
) -> None:
    assert "hunter2" not in refusal({**environment, name: value})


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Kuayu.Example/", "https://kuayu.example"),
        ("https://kuayu.example:443", "https://kuayu.example"),
        ("https://kuayu.example:8443", "https://kuayu.example:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://127.0.0.1", "https://127.0.0.1"),
    ],
)
def test_an_address_is_kept_as_browsers_write_it_in_origin(
    environment: dict[str, str], given: str, origin: str
) -> None:
    environment["KUAYU_PUBLIC_URL"] = "https://other.example"
    environment["KUAYU_ALSO_SERVED_AS"] = f" {given} ,"
    assert read_settings(environment).origins == ("https://other.example", origin)


def test_proxies_are_kept_as_the_socket_tells_them(environment: dict[str, str]) -> None:
    environment["KUAYU_TRUSTED_PROXIES"] = "10.0.0.1, 0:0:0:0:0:0:0:1"
    assert read_settings(environment).trusted_proxies == ("10.0.0.1", "::1")


def test_a_certificate_without_its_key_is_refused(
    environment: dict[str, str], regions: Path
) -> None:
    assert refusal({**environment, "KUAYU_TLS_CERT": str(regions)}).startswith("KUAYU_TLS_KEY: ")
    assert refusal({**environment, "KUAYU_TLS_KEY": str(regions)}).startswith("KUAYU_TLS_CERT: ")


def test_secrets_may_come_from_files(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["KUAYU_SECRET"]
    for name, content in (("KUAYU_SECRET", SECRET), ("KUAYU_KEY_PASSPHRASE", "open sesame")):
        path = tmp_path / name
        path.write_text(f"{content}\n")
        environment[f"{name}_FILE"] = str(path)
    assert read_settings(environment).secret == b"s" * 32
    assert read_signer_settings(environment, data=tmp_path).passphrase == "open sesame"


def test_a_secret_file_that_cannot_be_read_is_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    name = "KUAYU_SECRET"
    del environment[name]
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, tmp_path, tmp_path / "missing"):
        said = refusal({**environment, f"{name}_FILE": str(path)})
        assert said.startswith(f"{name}_FILE: expected a readable file")


def test_workers_have_a_secret_of_their_own_or_none(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert read_settings(environment).media_secret is None
    secret = base64.b64encode(b"m" * 32).decode()
    (tmp_path / "media").write_text(f"{secret}\n")
    for given in (
        {"KUAYU_MEDIA_SECRET": secret},
        {"KUAYU_MEDIA_SECRET_FILE": str(tmp_path / "media")},
    ):
        assert read_settings({**environment, **given}).media_secret == b"m" * 32


def test_what_the_command_line_gave_is_named_as_its_option(environment: dict[str, str]) -> None:
    assert refusal(environment, port=70000).startswith("--port: expected a port")
    assert refusal(environment, tls_cert="/nowhere").startswith("--tls-cert: ")
    assert refusal({**environment, "KUAYU_PORT": "x"}, host="::1").startswith("KUAYU_PORT: ")


def test_turn_servers_have_urls_and_a_secret_as_it_is_written(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert read_settings(environment).turn_urls == ()
    (tmp_path / "turn").write_text(f"{SECRET}\n")
    urls = (
        "turn:turn.example:3478?transport=udp",
        "turn:[2001:db8::7]:3478?transport=tcp",
        "turns:turn.example?transport=tcp",
    )
    given = {"KUAYU_TURN_URLS": " ,".join(urls), "KUAYU_TURN_SECRET_FILE": str(tmp_path / "turn")}
    settings = read_settings({**environment, **given})
    assert (settings.turn_urls, settings.turn_secret) == (urls, SECRET)


def test_turn_servers_without_a_secret_are_refused_and_a_secret_without_servers_too(
    environment: dict[str, str],
) -> None:
    url = "turn:turn.example:3478?transport=udp"
    assert refusal({**environment, "KUAYU_TURN_URLS": url}).startswith("KUAYU_TURN_SECRET: ")
    assert refusal({**environment, "KUAYU_TURN_SECRET": SECRET}).startswith("KUAYU_TURN_URLS: ")


def test_the_signer_reads_what_the_service_does_not(
    environment: dict[str, str], tmp_path: Path
) -> None:
    own = SignerSettings(tmp_path / "keys", "open sesame", frozenset({os.getuid()}))
    given = {"KUAYU_KEY_PASSPHRASE": "open sesame"}
    assert read_signer_settings(given, data=tmp_path) == own
    more = {
        **given, "KUAYU_KEYS": str(tmp_path / "safe"), "KUAYU_TRUST": str(tmp_path / "trust"),
        "KUAYU_SIGNER_CLIENTS": "root, 65534", "KUAYU_SIGNER_SOCKET": "/run/kuayu/signer.sock",
    }  # fmt: skip
    apart = SignerSettings(tmp_path / "safe", "open sesame", frozenset({0, 65534}))
    assert read_signer_settings(more, data=tmp_path) == apart
    settings = read_settings({**environment, **more})
    assert settings.trust == tmp_path / "trust"
    assert str(settings.signer_socket) == "/run/kuayu/signer.sock"
    assert "open sesame" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KUAYU_KEY_PASSPHRASE", None),
        ("KUAYU_KEY_PASSPHRASE", ""),
        ("KUAYU_KEY_PASSPHRASE_FILE", "/nowhere/passphrase"),
        ("KUAYU_SIGNER_CLIENTS", "root,no-such-user"),
    ],
)
def test_a_wrong_value_stops_the_signer_and_is_named(
    tmp_path: Path, name: str, value: str | None
) -> None:
    given = {} if value is None else {name: value}
    if name == "KUAYU_SIGNER_CLIENTS":
        given["KUAYU_KEY_PASSPHRASE"] = "open sesame"
    with pytest.raises(SettingsError) as refused:
        read_signer_settings(given, data=tmp_path)
    assert str(refused.value).startswith(f"{name}: expected ")


def test_time_stamping_authorities_are_asked_in_the_order_given(
    environment: dict[str, str],
) -> None:
    urls = "http://tsa.example:3161/rfc3161, https://other.example/tsa?who=kuayu"
    settings = read_settings({**environment, "KUAYU_TSA_URLS": urls})
    assert settings.tsa_urls == tuple(urls.split(", "))


@pytest.mark.parametrize(
    "url",
    ["tsa.example", "ftp://tsa.example/", "http://", "http://a@tsa.example/", "http://a:99999/",
     "http://tsa.example/#part"],
)  # fmt: skip
def test_what_is_no_authoritys_address_is_named(url: str, environment: dict[str, str]) -> None:
    said = refusal({**environment, "KUAYU_TSA_URLS": f"https://tsa.example/,{url}"})
    assert said.startswith("KUAYU_TSA_URLS: expected addresses of http or https")
    assert url in said
