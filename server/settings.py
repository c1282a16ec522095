"""The service's settings: KUAYU_* environment and command line into one frozen object."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SECRET_BYTES = 32
HIGHEST_PORT = 65535


class SettingsError(Exception):
    """A wrong setting: says which, where it was set and what was expected."""

    def __init__(self, name: str, expected: str, found: str | None = None) -> None:
        """Name the setting; `found` is left out for secrets."""
        shown = "it is missing" if found is None else f"found {found!r}"
        super().__init__(f"{name}: expected {expected}; {shown}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations, checked."""

    data: Path
    public_url: str
    secret: bytes
    database_url: str
    regions: Path
    key_passphrase: str
    host: str = "127.0.0.1"
    port: int = 8400
    demo: bool = False
    also_served_as: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    redis_url: str | None = None
    fallback_font: Path | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """The exact values of Origin that are ours."""
        return (self.public_url, *self.also_served_as)


def read_settings(environment: Mapping[str, str], **given: object) -> Settings:
    """Check the environment and what the command line gave (which wins); SettingsError if wrong."""
    source = {key: value for key, value in environment.items() if key.startswith("KUAYU_")}
    for key, value in given.items():
        if value is not None:
            source[f"KUAYU_{key.upper()}"] = str(value)
    unknown = sorted(set(source) - KNOWN)
    if unknown:
        raise SettingsError(unknown[0], f"one of {', '.join(sorted(KNOWN))}", source[unknown[0]])
    demo = source.get("KUAYU_DEMO") == "True"
    data = Path(source.get("KUAYU_DATA", "data")).resolve()
    port = _port(source.get("KUAYU_PORT", "8400"))
    url = _url("KUAYU_PUBLIC_URL", source.get("KUAYU_PUBLIC_URL", f"http://localhost:{port}"))
    if not demo and not url.startswith("https://"):
        raise SettingsError("KUAYU_PUBLIC_URL", "an https:// address", url)
    return Settings(
        data=data,
        public_url=url,
        secret=_secret(source, data, demo=demo),
        database_url=_database(source, data),
        regions=_file("KUAYU_REGIONS", source.get("KUAYU_REGIONS", "regions.toml")),
        key_passphrase=_passphrase(source, demo=demo),
        host=source.get("KUAYU_HOST", "127.0.0.1"),
        port=port,
        demo=demo,
        also_served_as=tuple(
            _url("KUAYU_ALSO_SERVED_AS", part) for part in _parts(source, "KUAYU_ALSO_SERVED_AS")
        ),
        trusted_proxies=_proxies(source),
        tls_cert=_optional_file(source, "KUAYU_TLS_CERT"),
        tls_key=_optional_file(source, "KUAYU_TLS_KEY"),
        redis_url=source.get("KUAYU_REDIS_URL"),
        fallback_font=_optional_file(source, "KUAYU_FALLBACK_FONT"),
    )


KNOWN = frozenset(
    f"KUAYU_{name}"
    for name in (
        "DATA", "PUBLIC_URL", "SECRET", "SECRET_FILE", "DATABASE_URL", "REGIONS", "KEY_PASSPHRASE",
        "KEY_PASSPHRASE_FILE", "HOST", "PORT", "DEMO", "ALSO_SERVED_AS", "TRUSTED_PROXIES",
        "TLS_CERT", "TLS_KEY", "REDIS_URL", "FALLBACK_FONT",
    )
)  # fmt: skip


def _parts(source: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in source.get(name, "").split(",") if part.strip()]


def _url(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(name, "an address such as https://kuayu.example", text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise SettingsError(name, "an address without a path", text)
    return f"{parts.scheme}://{parts.netloc}"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise SettingsError("KUAYU_PORT", "a port from 1 to 65535", text)
    return int(text)


def _secret(source: Mapping[str, str], data: Path, *, demo: bool) -> bytes:
    name, text = "KUAYU_SECRET", source.get("KUAYU_SECRET")
    if text is None and (demo or "KUAYU_SECRET_FILE" in source):
        name = "KUAYU_SECRET_FILE"
        path = Path(source.get(name, data / "keys" / "secret"))
        if not path.is_file():
            raise SettingsError(name, "a readable file", str(path))
        text = path.read_text().strip()
    expected = "the base64 text of 32 random bytes (openssl rand -base64 32)"
    if text is None:
        raise SettingsError(name, expected)
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise SettingsError(name, expected, "something else")
    return secret


def _passphrase(source: Mapping[str, str], *, demo: bool) -> str:
    if "KUAYU_KEY_PASSPHRASE" in source:
        return source["KUAYU_KEY_PASSPHRASE"]
    if "KUAYU_KEY_PASSPHRASE_FILE" in source:
        path = _file("KUAYU_KEY_PASSPHRASE_FILE", source["KUAYU_KEY_PASSPHRASE_FILE"])
        return path.read_text().strip()
    if demo:
        return "demo-演示"
    raise SettingsError("KUAYU_KEY_PASSPHRASE", "the passphrase of the seal keys")


def _database(source: Mapping[str, str], data: Path) -> str:
    url = source.get("KUAYU_DATABASE_URL", f"sqlite+aiosqlite:///{data / 'kuayu.db'}")
    if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        shown = url.split("@")[-1]
        raise SettingsError(
            "KUAYU_DATABASE_URL", "sqlite+aiosqlite:///… or postgresql+asyncpg://…", shown
        )
    return url


def _proxies(source: Mapping[str, str]) -> tuple[str, ...]:
    proxies = _parts(source, "KUAYU_TRUSTED_PROXIES")
    for proxy in proxies:
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            raise SettingsError("KUAYU_TRUSTED_PROXIES", "IP addresses", proxy) from None
    return tuple(proxies)


def _file(name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise SettingsError(name, "a readable file", text)
    return path.resolve()


def _optional_file(source: Mapping[str, str], name: str) -> Path | None:
    return _file(name, source[name]) if name in source else None
