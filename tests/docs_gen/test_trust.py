from __future__ import annotations

import asyncio
import json
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from docs_gen.ca import Pair, make_ca, make_crl, make_seal
from docs_gen.keyfiles import open_pkcs12
from docs_gen.keylist import list_keys
from docs_gen.sealkeys import SealKey
from docs_gen.signing import issue
from docs_gen.trust import (
    KeyFolderError,
    create_demo,
    import_crl,
    import_seal,
    is_demo,
    load_qr_key,
    load_trust,
    qr_key_id,
    renew_crls,
    revoke_seal,
    trust_ca,
)
from docs_gen.verifying import Verdict
from tests.support.office import ISSUERS, NOW, PASSPHRASE, TEMPLATES, Office

GIVEN = "the passphrase that came with it"
KIND = "pension-balance"


class Operator:
    """Another operator's CAs, who issue a seal for our authority and publish CRLs."""

    def __init__(self) -> None:
        self.root = make_ca("省级根证书", None, NOW)
        self.ca = make_ca("省级签发机构", self.root, NOW)
        self.seal = make_seal("霍邱县人力资源和社会保障局", "11341522MB0000001T", self.ca, NOW)

    def p12(self, *chain: Pair, seal: Pair | None = None) -> bytes:
        pair = seal or self.seal
        encryption = serialization.BestAvailableEncryption(GIVEN.encode())
        above = [one.certificate for one in chain] or None
        return pkcs12.serialize_key_and_certificates(
            None, pair.key, pair.certificate, above, encryption
        )

    def whole(self) -> bytes:
        return self.p12(self.ca, self.root)

    def crl(self, ca: Pair, now: datetime) -> bytes:
        return make_crl(ca, [], now).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def operator() -> Operator:
    return Operator()


def bring(folder: Path, operator: Operator, content: bytes | None = None) -> str:
    given = operator.whole() if content is None else content
    return import_seal(folder, KIND, given, GIVEN, PASSPHRASE, now=NOW)


def test_every_demo_key_says_so_and_is_the_owners_alone(office: Office) -> None:
    files = [path for path in office.folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".p12", ".pem", ".json"}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        if path.suffix == ".p12":
            assert is_demo(open_pkcs12(path, PASSPHRASE.encode())[0].certificate), path


def test_a_second_start_keeps_the_keys(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "mine")
    before = {path: path.read_bytes() for path in mine.folder.rglob("*.p12")}
    qr_key = load_qr_key(mine.folder, PASSPHRASE).private_bytes_raw()
    create_demo(mine.folder, list(ISSUERS.items()), NOW + timedelta(days=30), PASSPHRASE)
    assert {path: path.read_bytes() for path in mine.folder.rglob("*.p12")} == before
    assert load_qr_key(mine.folder, PASSPHRASE).private_bytes_raw() == qr_key


def test_a_start_that_was_cut_short_is_made_good(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    (mine.folder / "trust.json").unlink()
    (mine.folder / "seals" / "no-violations.p12").unlink()
    create_demo(mine.folder, list(ISSUERS.items()), NOW, PASSPHRASE)
    assert mine.judge(issued).verdict is Verdict.GENUINE
    assert mine.judge(mine.issue("no-violations")).verdict is Verdict.GENUINE


def test_another_passphrase_opens_nothing(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "mine")
    before = (mine.folder / "trust.json").read_bytes()
    with pytest.raises(KeyFolderError):
        renew_crls(mine.folder, NOW, "another")
    with pytest.raises(KeyFolderError):
        create_demo(mine.folder, list(ISSUERS.items()), NOW, "another")
    with pytest.raises(KeyFolderError, match=r"qr\.pem"):
        load_qr_key(mine.folder, "another")
    assert (mine.folder / "trust.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"roots": 7}', "no json", '{"roots": ["*"]}'])
def test_a_broken_trust_list_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(text)
    with pytest.raises(KeyFolderError, match=r"trust\.json"):
        load_trust(tmp_path)


def test_a_folder_without_a_trust_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFolderError, match=r"trust\.json"):
        load_trust(tmp_path)


def test_no_private_key_is_in_the_trust_list(office: Office) -> None:
    data = json.loads((office.folder / "trust.json").read_text())
    assert set(data) == {
        "version", "roots", "intermediates", "crls", "qr_keys", "clocks", "sm2", "closed",
    }  # fmt: skip
    assert set(data["sm2"]) == {"roots", "intermediates", "crls", "closed"}
    key = load_qr_key(office.folder, PASSPHRASE)
    assert office.trust.qr_keys == (
        (qr_key_id(key.public_key()), key.public_key().public_bytes_raw()),
    )


def test_a_real_key_is_brought_with_its_chain_and_works_once_its_crls_are_there(
    operator: Operator, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    assert "霍邱县人力资源和社会保障局" in bring(folder, operator)
    key = SealKey.load(folder / "seals" / f"{KIND}.p12", PASSPHRASE)
    facts = office.facts()
    made = asyncio.run(issue(facts, TEMPLATES[KIND], key)).pdf
    assert Office(folder).judge(made).verdict is Verdict.CANNOT_TELL
    for ca in (operator.root, operator.ca):
        import_crl(folder, operator.crl(ca, NOW), PASSPHRASE, NOW)
    assert Office(folder).judge(made).verdict is Verdict.GENUINE
    assert office.judge(made).verdict is Verdict.UNKNOWN
    assert load_qr_key(folder, PASSPHRASE)


def certified(name: str, ca: Pair, office: Office) -> bytes:
    """A certificate as a customer of a CA makes it, who has no code that numbers show."""
    seal = make_seal(name, "", ca, NOW)
    return asyncio.run(issue(office.facts(), TEMPLATES[KIND], held(seal, ca))).pdf


def held(seal: Pair, *above: Pair) -> SealKey:
    return SealKey(seal.certificate, seal.key, [ca.certificate for ca in above])


@pytest.mark.parametrize("level", ["ca", "root"])
def test_of_a_licensed_cas_customers_only_who_was_imported_is_ours(
    level: str, operator: Operator, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    bring(folder, operator)
    for ca in (operator.root, operator.ca):
        import_crl(folder, operator.crl(ca, NOW), PASSPHRASE, NOW)
    theirs = certified("某某商贸有限公司", getattr(operator, level), office)
    assert Office(folder).judge(theirs).verdict is Verdict.UNKNOWN
    # Where its CA is another operator's own, whom we trust whole, it would be genuine.
    (seal,) = (folder / "imported").iterdir()
    seal.unlink()
    renew_crls(folder, NOW, PASSPHRASE)
    assert Office(folder).judge(theirs).verdict is Verdict.GENUINE


def test_a_seal_in_a_token_closes_the_licensed_ca_that_certified_it(
    operator: Operator, office: Office, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    seals = mine.folder / "seals"
    (seals / f"{KIND}.p12").unlink()
    chain = (operator.seal, operator.ca)
    pem = serialization.Encoding.PEM
    (seals / "chain.pem").write_bytes(b"".join(one.certificate.public_bytes(pem) for one in chain))
    said = ("module = 'm'", "token = 't'", "certificates = 'chain.pem'", "key_id = '1'",
            "pin_file = 'p'")  # fmt: skip
    (seals / f"{KIND}.toml").write_text("\n".join(said))
    (seals / f"{KIND}.toml").chmod(0o600)
    for ca in (operator.root, operator.ca):
        trust_ca(mine.folder, ca.certificate)
    renew_crls(mine.folder, NOW, PASSPHRASE)
    for ca in (operator.root, operator.ca):
        import_crl(mine.folder, operator.crl(ca, NOW), PASSPHRASE, NOW)
    key = held(operator.seal, operator.ca)
    made = asyncio.run(issue(office.facts(), TEMPLATES[KIND], key)).pdf
    assert mine.judge(made).verdict is Verdict.GENUINE
    theirs = certified("某某商贸有限公司", operator.ca, office)
    assert mine.judge(theirs).verdict is Verdict.UNKNOWN


def test_what_an_imported_key_signed_stays_genuine_when_another_takes_its_place(
    operator: Operator, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    bring(folder, operator)
    for ca in (operator.root, operator.ca):
        import_crl(folder, operator.crl(ca, NOW), PASSPHRASE, NOW)
    key = SealKey.load(folder / "seals" / f"{KIND}.p12", PASSPHRASE)
    made = asyncio.run(issue(office.facts(), TEMPLATES[KIND], key)).pdf
    after = make_seal("霍邱县人力资源和社会保障局", "11341522MB0000001T", operator.ca, NOW)
    bring(folder, operator, operator.p12(operator.ca, operator.root, seal=after))
    key = SealKey.load(folder / "seals" / f"{KIND}.p12", PASSPHRASE)
    made_after = asyncio.run(issue(office.facts(), TEMPLATES[KIND], key)).pdf
    for content in (made, made_after):
        assert Office(folder).judge(content).verdict is Verdict.GENUINE
    shown = [row for row in list_keys(folder, PASSPHRASE, NOW) if row.kind == "seal"]
    assert len(shown) == 2


def test_an_imported_seal_closes_no_ca_of_our_own(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    root, ca = (
        open_pkcs12(path, PASSPHRASE.encode())[0]
        for path in (mine.folder / "root.p12", next(mine.folder.glob("ca/*.p12")))
    )
    seal = make_seal("霍邱县人力资源和社会保障局（演示）", "11341522MB0000001T", ca, NOW)
    bring(mine.folder, Operator(), Operator().p12(ca, root, seal=seal))
    assert load_trust(mine.folder).closed.cas == ()
    assert mine.judge(issued).verdict is Verdict.GENUINE


def test_a_real_key_takes_the_place_of_a_demo_key_and_the_others_still_count(
    operator: Operator, office: Office, issued: bytes, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    bring(mine.folder, operator)
    assert mine.key().demo, "its subject says so: these CAs are of the demonstration too"
    assert mine.judge(issued).verdict is Verdict.GENUINE
    renew_crls(mine.folder, NOW + timedelta(days=30), PASSPHRASE)
    assert mine.judge(issued, NOW + timedelta(days=30)).verdict is Verdict.GENUINE


def test_what_is_no_seal_key_is_not_brought(operator: Operator, tmp_path: Path) -> None:
    stranger = make_ca("别的根证书", None, NOW)
    wrong = {
        "does not open|PKCS#12": b"no key",
        "chain": operator.p12(operator.ca),
        "chain of": operator.p12(),
        "up to the root": operator.p12(operator.ca, stranger),
        "nonRepudiation": operator.p12(operator.root, seal=operator.ca),
    }
    for said, content in wrong.items():
        with pytest.raises(KeyFolderError, match=said):
            bring(tmp_path, operator, content)
    with pytest.raises(KeyFolderError):
        import_seal(tmp_path, KIND, operator.whole(), "a wrong passphrase", PASSPHRASE, now=NOW)
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_only_the_cas_own_newer_crl_is_taken(operator: Operator, tmp_path: Path) -> None:
    bring(tmp_path, operator)
    stranger = make_ca("省级签发机构", operator.root, NOW)
    with pytest.raises(KeyFolderError, match="signed"):
        import_crl(tmp_path, operator.crl(stranger, NOW), PASSPHRASE, NOW)
    with pytest.raises(KeyFolderError, match="CRL"):
        import_crl(tmp_path, b"no list", PASSPHRASE, NOW)
    import_crl(tmp_path, operator.crl(operator.ca, NOW), PASSPHRASE, NOW)
    with pytest.raises(KeyFolderError, match="newer"):
        import_crl(tmp_path, operator.crl(operator.ca, NOW - timedelta(1)), PASSPHRASE, NOW)
    later = NOW + timedelta(days=1)
    import_crl(tmp_path, operator.crl(operator.ca, later), PASSPHRASE, later)
    assert len(load_trust(tmp_path).crls) == 1


def test_a_crl_that_was_fetched_as_pem_is_read_at_the_next_renewal(
    operator: Operator, tmp_path: Path
) -> None:
    bring(tmp_path, operator)
    crl = make_crl(operator.ca, [], NOW)
    (tmp_path / "trusted" / "fetched.crl").write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    renew_crls(tmp_path, NOW, PASSPHRASE)
    assert load_trust(tmp_path).crls == (crl.public_bytes(serialization.Encoding.DER),)
    (tmp_path / "trusted" / "fetched.crl").write_bytes(b"<html>404</html>")
    with pytest.raises(KeyFolderError, match=r"fetched\.crl"):
        renew_crls(tmp_path, NOW, PASSPHRASE)
    assert len(load_trust(tmp_path).crls) == 1, "the last list stays"


def test_a_revoked_seal_is_laid_aside_and_a_new_one_is_made(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    revoke_seal(mine.folder, KIND, NOW, PASSPHRASE)
    assert not (mine.folder / "seals" / f"{KIND}.p12").exists()
    later = NOW + timedelta(seconds=1)
    create_demo(mine.folder, list(ISSUERS.items()), later, PASSPHRASE)
    revoke_seal(mine.folder, "no-violations", later, PASSPHRASE)
    last = later + timedelta(seconds=1)
    assert mine.judge(issued, last).verdict is Verdict.REVOKED
    assert mine.judge(mine.issue(), last).verdict is Verdict.GENUINE
    listed = x509.load_der_x509_crl(mine.trust.crls[2])
    assert len(list(listed)) == 2


def test_a_seal_of_another_operator_is_not_ours_to_revoke(
    operator: Operator, tmp_path: Path
) -> None:
    bring(tmp_path, operator)
    with pytest.raises(KeyFolderError, match="its own CA"):
        revoke_seal(tmp_path, KIND, NOW, PASSPHRASE)


def test_a_broken_list_of_revoked_seals_stops_the_renewal(office: Office, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "mine")
    (mine.folder / "revoked.json").write_text("[{}]")
    with pytest.raises(KeyFolderError, match=r"revoked\.json"):
        renew_crls(mine.folder, NOW, PASSPHRASE)
