"""The service's settings: KUAYU_* environment and command line into one frozen object."""

from __future__ import annotations

import base64
import ipaddress
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.errors import ToldError

SECRET_BYTES = 32
A_SECRET = "the base64 text of 32 random bytes (openssl rand -base64 32)"  # noqa: S105 (words)
A_TURN_URL = "turn:HOST:PORT?transport=udp, …=tcp or turns:HOST:PORT?transport=tcp"
A_TSA_URL = "addresses of http or https, comma-separated, such as http://tsa.example/rfc3161"
HIGHEST_PORT = 65535
# sun_path has 108 bytes, the last of which is zero.
LONGEST_SOCKET = 107
# In a wheel beside this file, in a developer's tree above it.
SHIPPED_REGIONS = tuple(folder / "regions.toml" for folder in Path(__file__).parents[:2])
# TrueType outlines, and a collection of such fonts; OpenType's OTTO cannot be drawn.
TRUETYPE = (b"\0\1\0\0", b"true", b"ttcf")
DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
EXAMPLE = "an address such as https://kuayu.example"
_HOST = re.compile(r"[0-9a-z.-]+|[0-9a-f:.]+")
# RFC 7065, with the transport always said; browsers speak TLS to a relay over TCP only.
_TURN_URL = re.compile(
    r"(?:turns(?=.*=tcp)|turn):(?:[0-9a-z.-]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?"
    r"\?transport=(?:udp|tcp)",
    re.ASCII,
)


class SettingsError(ToldError):
    """A wrong setting: says which, where it was set and what was expected."""

    def __init__(self, name: str, expected: str, found: str | None = None) -> None:
        """Name the setting; `found` is left out for secrets."""
        self.name, self.expected, self.found = name, expected, found
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
    trust: Path
    signer_socket: Path
    host: str = "127.0.0.1"
    port: int = 8400
    demo: bool = False
    also_served_as: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    redis_url: str | None = None
    fallback_font: Path | None = None
    media_secret: bytes | None = None
    turn_urls: tuple[str, ...] = ()
    turn_secret: str | None = None
    tsa_urls: tuple[str, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """The exact values of Origin that are ours."""
        return (self.public_url, *self.also_served_as)


@dataclass(frozen=True, slots=True)
class SignerSettings:
    """What the signer alone reads: where the keys are, what opens them, and which users may ask."""

    keys: Path
    passphrase: str
    clients: frozenset[int]


def read_signer_settings(
    environment: Mapping[str, str], *, data: Path, demo: bool = False
) -> SignerSettings:
    """Check the signer's own part of the environment; SettingsError names what is wrong."""
    return SignerSettings(
        keys=read_keys(environment, data),
        passphrase=read_passphrase(environment, demo=demo),
        clients=_users("KUAYU_SIGNER_CLIENTS", environment),
    )


def read_settings(
    environment: Mapping[str, str], *, demo: bool | None = None, **given: object
) -> Settings:
    """Check the environment and what the command line gave, which wins.

    Only a command makes an installation a demonstration, never its environment: what production
    refuses is refused whatever is set. SettingsError names what is wrong as it was given:
    KUAYU_PORT, or --port.
    """
    source = {key: value for key, value in environment.items() if key.startswith("KUAYU_")}
    for key, value in given.items():
        if value is not None:
            source[f"KUAYU_{key.upper()}"] = str(value)
    try:
        return _checked(source, demo=bool(demo))
    except SettingsError as error:
        option = error.name.removeprefix("KUAYU_").lower()
        if given.get(option) is None:
            raise
        name = f"--{option.replace('_', '-')}"
        raise SettingsError(name, error.expected, error.found) from None


def _checked(source: Mapping[str, str], *, demo: bool) -> Settings:
    unknown = sorted(set(source) - KNOWN)
    if unknown:
        raise SettingsError(unknown[0], f"one of {', '.join(sorted(KNOWN))}", source[unknown[0]])
    data = Path(source.get("KUAYU_DATA", "data")).resolve()
    port = _port(source.get("KUAYU_PORT", "8400"))
    home = source.get("KUAYU_PUBLIC_URL", f"http://localhost:{port}")
    turn_urls, turn_secret = _turn(source)
    return Settings(
        data=data,
        public_url=_url("KUAYU_PUBLIC_URL", home, demo=demo),
        secret=_secret(source, data, demo=demo),
        database_url=_database(source, data),
        regions=read_regions(source, demo=demo),
        trust=Path(source.get("KUAYU_TRUST", read_keys(source, data))).resolve(),
        signer_socket=_socket(source, data),
        host=source.get("KUAYU_HOST", "127.0.0.1"),
        port=port,
        demo=demo,
        also_served_as=tuple(
            _url("KUAYU_ALSO_SERVED_AS", part, demo=demo)
            for part in _parts(source, "KUAYU_ALSO_SERVED_AS")
        ),
        trusted_proxies=_proxies(source),
        tls_cert=_tls_file(source, "KUAYU_TLS_CERT", "KUAYU_TLS_KEY"),
        tls_key=_tls_file(source, "KUAYU_TLS_KEY", "KUAYU_TLS_CERT"),
        redis_url=_redis(source),
        fallback_font=_font(source, "KUAYU_FALLBACK_FONT"),
        media_secret=read_media_secret(source),
        turn_urls=turn_urls,
        turn_secret=turn_secret,
        tsa_urls=_tsa(source),
    )


KNOWN = frozenset(
    f"KUAYU_{name}"
    for name in (
        "DATA", "KEYS", "TRUST", "SIGNER_SOCKET", "SIGNER_CLIENTS", "PUBLIC_URL",
        "SECRET", "SECRET_FILE", "DATABASE_URL", "REGIONS", "KEY_PASSPHRASE",
        "KEY_PASSPHRASE_FILE", "HOST", "PORT", "ALSO_SERVED_AS", "TRUSTED_PROXIES",
        "TLS_CERT", "TLS_KEY", "REDIS_URL", "FALLBACK_FONT", "MEDIA_SECRET", "MEDIA_SECRET_FILE",
        "TURN_URLS", "TURN_SECRET", "TURN_SECRET_FILE", "TSA_URLS",
    )
)  # fmt: skip


def read_regions(source: Mapping[str, str], *, demo: bool) -> Path:
    """Return the file named, or regions.toml here; a demonstration finds the shipped one."""
    named = source.get("KUAYU_REGIONS")
    if named is None and demo and not Path("regions.toml").is_file():
        return next(path for path in SHIPPED_REGIONS if path.is_file())
    return _file("KUAYU_REGIONS", named or "regions.toml")


def _parts(source: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in source.get(name, "").split(",") if part.strip()]


def _url(name: str, text: str, *, demo: bool) -> str:
    """Return an address as browsers write it in Origin: lower case, no default port."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError(name, EXAMPLE, text) from None
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise SettingsError(name, EXAMPLE, text)
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise SettingsError(name, "an address without a path", text)
    if not demo and parts.scheme != "https":
        raise SettingsError(name, "an https:// address", text)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise SettingsError("KUAYU_PORT", "a port from 1 to 65535", text)
    return int(text)


def _secret(source: Mapping[str, str], data: Path, *, demo: bool) -> bytes:
    name, text = "KUAYU_SECRET", source.get("KUAYU_SECRET")
    if text is None and (demo or "KUAYU_SECRET_FILE" in source):
        name = "KUAYU_SECRET_FILE"
        text = _content(name, source.get(name, str(data / "keys" / "secret")))
    if text is None:
        raise SettingsError(name, A_SECRET)
    return decode_secret(name, text)


def read_media_secret(source: Mapping[str, str]) -> bytes | None:
    """Return what media workers prove themselves with; without it none is admitted."""
    name, text = _optional_secret(source, "KUAYU_MEDIA_SECRET")
    return None if text is None else decode_secret(name, text)


def _turn(source: Mapping[str, str]) -> tuple[tuple[str, ...], str | None]:
    """Return the TURN servers and their secret as it is written: they take the text for the key."""
    urls = tuple(_parts(source, "KUAYU_TURN_URLS"))
    for url in urls:
        found = _TURN_URL.fullmatch(url)
        if found is None or int(found.group(1) or 1) > HIGHEST_PORT:
            raise SettingsError("KUAYU_TURN_URLS", A_TURN_URL, url)
    name, text = _optional_secret(source, "KUAYU_TURN_SECRET")
    if text is not None:
        decode_secret(name, text)
    if text is None and urls:
        raise SettingsError(name, f"{A_SECRET}, because KUAYU_TURN_URLS is set")
    if text is not None and not urls:
        raise SettingsError("KUAYU_TURN_URLS", f"{A_TURN_URL}, because {name} is set")
    return urls, text


def _tsa(source: Mapping[str, str]) -> tuple[str, ...]:
    """Return the time-stamping authorities, in the order in which they are asked."""
    urls = tuple(_parts(source, "KUAYU_TSA_URLS"))
    for url in urls:
        try:
            parts = urlsplit(url)
            sound = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0
        except ValueError:
            sound = False
        if not sound or "@" in url or "#" in url:
            raise SettingsError("KUAYU_TSA_URLS", A_TSA_URL, url)
    return urls


def _optional_secret(source: Mapping[str, str], name: str) -> tuple[str, str | None]:
    """Return a secret's text from its setting or its file, and which of them it was."""
    text, in_file = source.get(name), f"{name}_FILE"
    if text is None and in_file in source:
        return in_file, _content(in_file, source[in_file])
    return name, text


def read_ports(text: str) -> range:
    """Return the ports FIRST-LAST; SettingsError if they are none."""
    first, mark, last = text.partition("-")
    digits = first.isascii() and first.isdigit() and last.isascii() and last.isdigit()
    if not mark or not digits or not 0 < int(first) <= int(last) <= HIGHEST_PORT:
        raise SettingsError("--ports", "two ports such as 40000-40063", text)
    return range(int(first), int(last) + 1)


def read_service(text: str) -> str:
    """Return the address of the service of a media worker; SettingsError if it is none."""
    return _url("--url", text, demo=True)


def read_address(name: str, text: str) -> str:
    """Return an IP address, or nothing where nothing is given; SettingsError for anything else."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise SettingsError(name, "an IP address", text) from None


def decode_secret(name: str, text: str) -> bytes:
    """Return the bytes of a secret; SettingsError names the setting that it came from."""
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise SettingsError(name, A_SECRET, "something else")
    return secret


def read_passphrase(source: Mapping[str, str], *, demo: bool) -> str:
    """Return the passphrase of the key folder, from its setting or its file."""
    name, text = _optional_secret(source, "KUAYU_KEY_PASSPHRASE")
    if text is None and demo:
        return "demo-演示"
    if not text:
        raise SettingsError(name, "the passphrase of the seal keys")
    return text


def read_keys(source: Mapping[str, str], data: Path) -> Path:
    """Return the key folder."""
    return Path(source.get("KUAYU_KEYS", data / "keys")).resolve()


def _socket(source: Mapping[str, str], data: Path) -> Path:
    path = Path(source.get("KUAYU_SIGNER_SOCKET", data / "signer" / "signer.sock")).resolve()
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        expected = f"a path of at most {LONGEST_SOCKET} bytes, as Unix sockets have"
        raise SettingsError("KUAYU_SIGNER_SOCKET", expected, str(path))
    return path


def _users(name: str, source: Mapping[str, str]) -> frozenset[int]:
    """Return the user ids of names or numbers; without any, this process's own."""
    parts = _parts(source, name)
    try:
        found = {int(part) if part.isdecimal() else pwd.getpwnam(part).pw_uid for part in parts}
    except KeyError:
        raise SettingsError(name, "users of this machine", source[name]) from None
    return frozenset(found or {os.getuid()})


def _database(source: Mapping[str, str], data: Path) -> str:
    url = source.get("KUAYU_DATABASE_URL", f"sqlite+aiosqlite:///{data / 'kuayu.db'}")
    if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        # The rest may hold a password.
        shown = url.split(":")[0]
        raise SettingsError(
            "KUAYU_DATABASE_URL", "sqlite+aiosqlite:///… or postgresql+asyncpg://…", shown
        )
    return url


def _redis(source: Mapping[str, str]) -> str | None:
    url = source.get("KUAYU_REDIS_URL")
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("KUAYU_REDIS_URL", "redis://…", url.split(":")[0])
    return url


def _proxies(source: Mapping[str, str]) -> tuple[str, ...]:
    name = "KUAYU_TRUSTED_PROXIES"
    try:
        return tuple(str(ipaddress.ip_address(part)) for part in _parts(source, name))
    except ValueError:
        raise SettingsError(name, "IP addresses", source[name]) from None


def _file(name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise SettingsError(name, "a readable file", text)
    return path.resolve()


def _content(name: str, text: str) -> str:
    try:
        return _file(name, text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(name, "a readable file", text) from None


def _optional_file(source: Mapping[str, str], name: str) -> Path | None:
    return _file(name, source[name]) if name in source else None


def _font(source: Mapping[str, str], name: str) -> Path | None:
    """Return a font's file; by its first bytes, for a drawing is too late to find that out."""
    path = _optional_file(source, name)
    if path is not None:
        with path.open("rb") as file:
            if file.read(4) not in TRUETYPE:
                raise SettingsError(name, "a TrueType font", source[name])
    return path


def _tls_file(source: Mapping[str, str], name: str, other: str) -> Path | None:
    if other in source and name not in source:
        raise SettingsError(name, f"a file, because {other} is set")
    return _optional_file(source, name)
