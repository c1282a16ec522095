from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from docs_gen.chain import Chain
from docs_gen.signedlist import open_list
from docs_gen.trust import renew_crls
from server.certificates.seals import Seals
from server.signing.publishing import Publisher
from tests.support.office import NOW, PASSPHRASE, Office, open_office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return open_office(tmp_path / "keys")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "trust").mkdir()
    return tmp_path / "trust"


@pytest.fixture
def publisher(office: Office, target: Path) -> Publisher:
    return Publisher(Seals(office.folder, PASSPHRASE), target, lambda: NOW)


def version_of(published: bytes, office: Office) -> int:
    (root,) = office.trust.roots
    return open_list(published, hashlib.sha256(root).hexdigest()).version


async def test_the_list_is_signed_whenever_it_was_written_anew(
    office: Office, target: Path, publisher: Publisher
) -> None:
    assert await publisher.look()
    first = (target / "trust.cose").read_bytes()
    assert await publisher.look()
    assert (target / "trust.cose").read_bytes() == first
    renew_crls(office.folder, NOW + timedelta(days=1), PASSPHRASE)
    assert await publisher.look()
    second = (target / "trust.cose").read_bytes()
    assert version_of(first, office) < version_of(second, office) == office.trust.version
    assert (target / "trust.json").exists()


async def test_where_the_lists_key_is_elsewhere_the_operators_list_stays(
    office: Office, target: Path, publisher: Publisher
) -> None:
    (office.folder / "root.p12").unlink()
    (target / "trust.cose").write_bytes(b"brought")
    assert await publisher.look()
    assert (target / "trust.cose").read_bytes() == b"brought"
    assert (target / "trust.json").exists()


async def test_a_signers_certificate_that_has_ended_is_told_and_the_services_list_goes_on(
    office: Office, target: Path
) -> None:
    Chain(office.folder, PASSPHRASE).publish(NOW)
    (office.folder / "root.p12").unlink()
    late = Publisher(Seals(office.folder, PASSPHRASE), target, lambda: NOW + timedelta(days=401))
    assert not await late.look()
    assert (target / "trust.json").exists()
    assert not (target / "trust.cose").exists()
