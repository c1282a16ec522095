"""Seal keys that stay in a token (PKCS#11: an HSM, a card), described by a small TOML file.

pyHanko's `pkcs11` extra brings the session (python-pkcs11); only the signature is made there,
so that a page is signed in the same way whatever holds its key.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from docs_gen.keyfiles import KeyFolderError, p256, read_secret

if TYPE_CHECKING:
    from pkcs11 import Attribute, SignMixin

PLACES = frozenset(
    {"module", "token", "key_label", "key_id", "certificates", "pin_file", "pin_variable"}
)
NEEDED = ("module", "token", "certificates")


@dataclass(frozen=True, slots=True)
class Token:
    """Where a key lies; `path` is the file that says so, and what it names is beside it."""

    path: Path
    said: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Token:
        """Read the description of a token; KeyFolderError names what is wrong in it."""
        try:
            said = tomllib.loads(read_secret(path).decode())
        except ValueError as error:
            raise KeyFolderError(f"{path}: {error}") from None
        for name, value in said.items():
            if name not in PLACES or not isinstance(value, str) or not value:
                raise KeyFolderError(f"{path}: {name}: expected one of {', '.join(sorted(PLACES))}")
        for name in NEEDED:
            if name not in said:
                raise KeyFolderError(f"{path}: {name} is missing")
        for one, other in (("key_label", "key_id"), ("pin_file", "pin_variable")):
            if (one in said) is (other in said):
                raise KeyFolderError(f"{path}: expected either {one} or {other}")
        return cls(path, said)

    def certificates(self) -> list[x509.Certificate]:
        """Return the key's certificate and the CAs above it, from a PEM file."""
        path = self._beside("certificates")
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise KeyFolderError(f"{self.path}: certificates: {path}: {error}") from None
        p256(found[0].public_key(), f"{path}: the first certificate")
        return found

    def pin(self) -> str:
        """Return the PIN, from its file or its variable of the environment."""
        name = self.said.get("pin_variable")
        if name is None:
            return read_secret(self._beside("pin_file")).decode().strip()
        if not os.environ.get(name):
            raise KeyFolderError(f"{self.path}: pin_variable: {name} is not set")
        return os.environ[name]

    def find(self) -> SignMixin:
        """Sign in to the token, and return the key; KeyFolderError says what is wrong where."""
        try:
            from pkcs11 import PKCS11Error  # noqa: PLC0415 (an extra)
        except ImportError:
            raise KeyFolderError(f"{self.path}: keys in tokens need kuayu[hsm]") from None
        module, label = self.said["module"], self.said["token"]
        if not Path(module).is_file():
            raise KeyFolderError(f"{self.path}: module: there is no {module}")
        try:
            found = self._found(module, label, self.pin())
        except (PKCS11Error, RuntimeError) as error:
            why = f"{type(error).__name__} {error}".strip()
            raise KeyFolderError(f"{self.path}: token {label!r} of {module}: {why}") from None
        if len(found) != 1:
            place = "key_label" if "key_label" in self.said else "key_id"
            raise KeyFolderError(
                f"{self.path}: {place}: token {label!r} has {len(found)} such EC keys, expected one"
            )
        return found[0]

    def _found(self, module: str, label: str, pin: str) -> list[SignMixin]:
        from pkcs11 import SignMixin, UserAlreadyLoggedIn  # noqa: PLC0415
        from pyhanko.config.pkcs11 import TokenCriteria  # noqa: PLC0415
        from pyhanko.sign.pkcs11 import open_pkcs11_session  # noqa: PLC0415

        criteria = TokenCriteria(label=label)
        try:
            session = open_pkcs11_session(module, token_criteria=criteria, user_pin=pin)
        except UserAlreadyLoggedIn:
            # A process signs in to a token once, for all keys that it uses there.
            session = open_pkcs11_session(module, token_criteria=criteria)
        return [one for one in session.get_objects(self._wanted()) if isinstance(one, SignMixin)]

    def _wanted(self) -> dict[Attribute, object]:
        from pkcs11 import Attribute, KeyType, ObjectClass  # noqa: PLC0415

        wanted: dict[Attribute, object] = {
            Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.KEY_TYPE: KeyType.EC,
        }  # fmt: skip
        if "key_label" in self.said:
            wanted[Attribute.LABEL] = self.said["key_label"]
        else:
            wanted[Attribute.ID] = self._key_id()
        return wanted

    def _key_id(self) -> bytes:
        try:
            return bytes.fromhex(self.said["key_id"])
        except ValueError:
            raise KeyFolderError(f"{self.path}: key_id: expected hexadecimal digits") from None

    def _beside(self, name: str) -> Path:
        return self.path.parent / self.said[name]


class TokenKey:
    """A P-256 key in a token; its signatures differ from run to run."""

    def __init__(self, token: Token) -> None:
        """Find the key, and see that it can be used."""
        self._token = token
        self._key = token.find()

    def sign(self, data: bytes) -> bytes:
        """Sign with ECDSA over SHA-256; a session that was lost is opened once more."""
        from pkcs11 import PKCS11Error  # noqa: PLC0415 (an extra)

        try:
            return self._signed(data)
        except PKCS11Error:
            self._key = self._token.find()
        try:
            return self._signed(data)
        except PKCS11Error as error:
            raise KeyFolderError(f"{self._token.path}: {type(error).__name__} {error}") from None

    def _signed(self, data: bytes) -> bytes:
        from pkcs11 import Mechanism  # noqa: PLC0415 (an extra)
        from pkcs11.util.ec import encode_ecdsa_signature  # noqa: PLC0415

        # Hashed here: not every token knows ECDSA_SHA256, and all know this one.
        digest = hashlib.sha256(data).digest()
        return encode_ecdsa_signature(self._key.sign(digest, mechanism=Mechanism.ECDSA))
