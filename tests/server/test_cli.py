"""Every command of `kuayu`: its exit status is 0 only when it did what it says."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from server.cli import app
from server.commands.installed import run_on
from server.errors import ServiceError
from tests.support.child import Demonstration, kuayu
from tests.support.service import REGIONS, demonstration
from tests.support.story import playing

PASSWORD = "kuayu-cli-2026"
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE="


@dataclass(frozen=True)
class Certified:
    """A data folder with one issued certificate, and that certificate's file."""

    data: Path
    pdf: Path


async def certify(folder: Path) -> None:
    async with demonstration(folder / "data") as service, playing(service.url) as story:
        await story.prepare()
        issued = await story.cast.agent.issue(story.case_id, story.kind)
        content = await story.cast.agent.certificate_file(issued["id"])
        (folder / "issued.pdf").write_bytes(content)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `certified` is a copy of; made once, because a story takes seconds."""
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(certify(folder))
    return folder


@pytest.fixture
def certified(template: Path, tmp_path: Path) -> Certified:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Certified(tmp_path / "data", tmp_path / "issued.pdf")


@pytest.fixture(autouse=True)
def regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUAYU_REGIONS", str(REGIONS))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """The data folder of an installation whose schema is there, and nothing else."""
    data = tmp_path / "empty"
    keys = data / "keys"
    keys.mkdir(parents=True)
    (keys / "secret").write_text(SECRET)
    assert run("db", "upgrade", "--data", data).exit_code == 0
    return data


def run(*args: object, said: str | None = None) -> Result:
    """Run one command in this process."""
    return CliRunner().invoke(app, [str(one) for one in args], input=said)


def refused(*args: object, said: str | None = None) -> str:
    """Run one command that must be refused in words, and return them."""
    result = run(*args, said=said)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    return str(result.stderr)


# Certificates


def test_verify_says_genuine_and_altered(certified: Certified, tmp_path: Path) -> None:
    genuine = run("verify", certified.pdf, "--data", certified.data, "--json")
    assert genuine.exit_code == 0
    assert json.loads(genuine.stdout)["verdict"] == "genuine"
    content = certified.pdf.read_bytes()
    place = content.index(b"stream") + 60
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    altered = run("verify", changed, "--data", certified.data)
    assert altered.exit_code == 1
    assert "altered" in altered.stdout
    changed.write_bytes(b"%PDF-1.7 of somebody else")
    strange = run("verify", changed, "--data", certified.data, "--json")
    assert strange.exit_code == 1
    assert json.loads(strange.stdout)["verdict"] != "genuine"
    assert "nothing.pdf" in refused("verify", tmp_path / "nothing.pdf", "--data", certified.data)


def test_verify_store_finds_nothing_in_a_sound_store(certified: Certified) -> None:
    found = run("verify-store", "--data", certified.data, "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["faults"] == []
    assert sum(told["counted"].values()) > 10


@pytest.mark.parametrize(
    ("folder", "code"),
    [("certificates", "certificate.altered"), ("materials", "material.altered")],
)
def test_verify_store_names_a_file_of_which_a_byte_was_changed(
    certified: Certified, folder: str, code: str
) -> None:
    file = next(path for path in (certified.data / "files" / folder).rglob("*") if path.is_file())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    found = run("verify-store", "--data", certified.data, "--json")
    assert found.exit_code == 1
    faults = json.loads(found.stdout)["faults"]
    # A certificate is named by its number, which the folder does not hold; a material by its id.
    assert code in {fault["code"] for fault in faults}
    assert all(fault["about"] for fault in faults)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE case_event SET kind = 'case.refused' WHERE seq = 3",
        "UPDATE case_event SET at = '2020-01-01 00:00:00.000000' WHERE seq = 2",
        "DELETE FROM case_event WHERE seq = 4",
        "UPDATE case_record SET seq = seq - 1",
    ],
)
def test_verify_store_names_a_log_that_was_changed(certified: Certified, change: str) -> None:
    with closing(sqlite3.connect(certified.data / "kuayu.db")) as database:
        assert database.execute(change).rowcount == 1
        [case_id] = database.execute("SELECT id FROM case_record").fetchone()
        [number] = database.execute("SELECT number FROM case_record").fetchone()
        database.commit()
    found = run("verify-store", "--data", certified.data)
    assert found.exit_code == 1
    assert case_id in found.stdout or number in found.stdout


# Backups


def test_a_backup_can_be_put_back(certified: Certified, tmp_path: Path) -> None:
    target, again = tmp_path / "backup", tmp_path / "again"
    made = run("backup", target, "--data", certified.data)
    assert made.exit_code == 0, made.output
    assert not (target / "keys").exists()
    assert run("restore", target, "--data", again).exit_code == 0
    shutil.copytree(certified.data / "keys", again / "keys")
    assert run("verify-store", "--data", again).exit_code == 0
    assert run("verify", certified.pdf, "--data", again).exit_code == 0
    assert "not empty" in refused("backup", target, "--data", certified.data)
    assert "holds data already" in refused("restore", target, "--data", again)


def test_a_changed_backup_is_refused_and_nothing_is_written(
    certified: Certified, tmp_path: Path
) -> None:
    target, again = tmp_path / "backup", tmp_path / "again"
    assert run("backup", target, "--data", certified.data).exit_code == 0
    file = next(path for path in (target / "files").rglob("*") if path.is_file())
    content = file.read_bytes()
    for wrong in (content[:-1] + bytes([content[-1] ^ 1]), None):
        file.unlink() if wrong is None else file.write_bytes(wrong)
        assert file.name in refused("restore", target, "--data", again)
    file.write_bytes(content)
    stray = target / "files" / "stray"
    stray.touch()
    assert "stray" in refused("restore", target, "--data", again)
    stray.unlink()
    (target / "manifest.json").write_text("{")
    assert "manifest.json" in refused("restore", target, "--data", again)
    assert not again.exists()


def test_there_is_no_backup_of_nothing(tmp_path: Path) -> None:
    assert "no database" in refused("backup", tmp_path / "b", "--data", tmp_path / "nothing")


# Accounts and schema


def signs_in(data: Path, password: str) -> bool:
    """Say whether the clerk of these tests can sign in."""
    try:
        run_on(data, lambda house: house.staff.sign_in("test-clerk", password))
    except ServiceError:
        return False
    return True


def test_accounts_are_added_changed_and_disabled(empty: Path) -> None:
    place = ("--region", "320509", "--hall", "pingwang", "--counter", "pingwang-1")
    add = ("staff", "add", "test-clerk", "--display-name", "试窗口", "--role", "counter", *place)
    weak = refused(*add, "--data", empty, said="short\n")
    assert "password.weak: expected 10 to 200 characters" in weak
    assert not signs_in(empty, "short")
    assert run(*add, "--data", empty, said=f"{PASSWORD}\n").exit_code == 0
    assert signs_in(empty, PASSWORD)
    assert "staff.taken" in refused(*add, "--data", empty, said=f"{PASSWORD}\n")
    change = ("staff", "password", "test-clerk", "--data", empty)
    assert run(*change, said="another-good-one-26\n").exit_code == 0
    assert not signs_in(empty, PASSWORD)
    assert signs_in(empty, "another-good-one-26")
    assert run("staff", "disable", "test-clerk", "--data", empty).exit_code == 0
    assert not signs_in(empty, "another-good-one-26")
    for verb in ("disable", "password"):
        words = refused("staff", verb, "nobody", "--data", empty, said=f"{PASSWORD}\n")
        assert "staff.unknown" in words


HERE = ("--region", "320509")
HALL = ("--hall", "pingwang")


@pytest.mark.parametrize(
    ("name", "role", "more", "words"),
    [
        ("test-clerk", "counter", ("--region", "320000"), "choice.unknown: --role: expected admin"),
        ("test-clerk", "counter", ("--region", "990001"), "region.unknown: --region: expected"),
        ("test-clerk", "counter", (*HERE, "--hall", "no"), "hall.unknown: --hall: expected"),
        ("test-clerk", "counter", (*HERE, *HALL, "--counter", "no"), "--counter: expected"),
        ("test-clerk", "agent", (*HERE, "--item", "no"), "item.unknown: --item: expected"),
        ("Test Clerk", "agent", HERE, "text.bad_characters: NAME: expected"),
        ("test-clerk", "agent", (*HERE, "--display-name", "  "), "text.empty: --display-name: "),
    ],
)
def test_what_an_account_cannot_have_is_named_by_its_option(
    empty: Path, name: str, role: str, more: tuple[str, ...], words: str
) -> None:
    add = ("staff", "add", name, "--display-name", "试窗口", "--role", role, *more)
    assert words in refused(*add, "--data", empty, said=f"{PASSWORD}\n")


def test_a_database_that_gives_up_is_named_and_nothing_is_said_of_the_account(empty: Path) -> None:
    with closing(sqlite3.connect(empty / "kuayu.db")) as database:
        database.execute("DROP TABLE clerk")
    add = ("staff", "add", "test-clerk", "--display-name", "试窗口", "--role", "counter", *HERE)
    said = refused(*add, "--data", empty, said=f"{PASSWORD}\n")
    assert said.startswith("kuayu: KUAYU_DATABASE_URL: ")
    assert "试窗口" not in said


def test_roles_that_no_account_has_are_not_offered() -> None:
    said = run("staff", "add", "test-clerk", "--display-name", "试窗口", "--role", "worker")
    assert said.exit_code == 2
    assert "'counter', 'agent', 'supervisor', 'administrator'." in " ".join(
        said.stderr.replace("│", " ").split()
    )


def test_nothing_runs_before_the_schema_is_there(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret").write_text(SECRET)
    assert "kuayu db upgrade" in refused("verify-store", "--data", tmp_path)
    assert run("db", "upgrade", "--data", tmp_path).exit_code == 0
    assert run("db", "upgrade", "--data", tmp_path).exit_code == 0
    assert run("verify-store", "--data", tmp_path).exit_code == 0


def test_openapi_prints_the_document() -> None:
    printed = run("openapi")
    assert printed.exit_code == 0
    document = json.loads(printed.stdout)
    assert document["openapi"].startswith("3.")
    assert "/api/cases" in document["paths"]


# Keys


def test_a_seal_key_is_imported(certified: Certified, empty: Path, tmp_path: Path) -> None:
    p12 = certified.data / "keys" / "seals" / "huoqiu-hrss.p12"
    words = tmp_path / "words"
    words.write_text("demo-演示\n")
    given = ("--p12-passphrase-file", words, "--data", empty)
    done = run("keys", "import", p12, "--authority", "huoqiu-hrss", *given)
    assert done.exit_code == 0, done.output
    assert "霍邱县人力资源和社会保障局" in done.stdout
    kept = empty / "keys" / "seals" / "huoqiu-hrss.p12"
    assert kept.stat().st_mode & 0o777 == 0o600
    before = kept.read_bytes()
    for authority in ("nobody", "../../huoqiu-hrss", "huoqiu"):
        assert "no authority called" in refused(
            "keys", "import", p12, "--authority", authority, *given
        )
    words.write_text("wrong")
    again = ("keys", "import", p12, "--authority", "huoqiu-hrss", *given)
    assert "PKCS#12" in refused(*again)
    assert "PKCS#12" in refused("keys", "import", words, *again[3:])
    assert [*(empty / "keys").rglob("*.p12")] == [kept]
    assert kept.read_bytes() == before


# What does not start


GOOD = {
    "KUAYU_SECRET": SECRET,
    "KUAYU_PUBLIC_URL": "https://kuayu.example",
    "KUAYU_KEY_PASSPHRASE": "words",
    "KUAYU_PORT": "1",
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KUAYU_SECRET", None, "KUAYU_SECRET"),
        ("KUAYU_SECRET", "c2hvcnQ=", "KUAYU_SECRET"),
        ("KUAYU_PUBLIC_URL", "http://kuayu.example", "https://"),
        ("KUAYU_PUBLIC_URL", None, "https://"),
        ("KUAYU_PORT", "99999", "KUAYU_PORT"),
        ("KUAYU_PROT", "1", "KUAYU_PROT"),
    ],
)
def test_serve_refuses_wrong_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, words: str
) -> None:
    for key, good in GOOD.items():
        monkeypatch.setenv(key, good)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    said = refused("serve", "--data", tmp_path)
    assert words in said
    assert SECRET not in said


def test_the_signer_refuses_wrong_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, good in GOOD.items():
        monkeypatch.setenv(key, good)
    assert "db upgrade" in refused("signer", "--data", tmp_path)
    monkeypatch.delenv("KUAYU_KEY_PASSPHRASE")
    assert "KUAYU_KEY_PASSPHRASE" in refused("signer", "--data", tmp_path)


def test_serve_refuses_demo_accounts_and_the_signer_demo_keys(certified: Certified) -> None:
    secret = (certified.data / "keys" / "secret").read_text().strip()
    given = {**GOOD, "KUAYU_SECRET": secret, "KUAYU_KEY_PASSPHRASE": "demo-演示"}
    accounts = kuayu("serve", "--data", str(certified.data), given=given)
    assert accounts.returncode == 1
    assert "demo accounts are not for production: " in accounts.stderr
    assert "wujiang-counter" in accounts.stderr
    with closing(sqlite3.connect(certified.data / "kuayu.db")) as database:
        database.execute("UPDATE clerk SET demo = 0")
        database.commit()
    keys = kuayu("signer", "--data", str(certified.data), given=given)
    assert keys.returncode == 1
    assert "demo keys are not for production: " in keys.stderr
    assert "Traceback" not in accounts.stderr + keys.stderr


def test_a_wrong_regions_file_stops_the_start_and_names_line_and_key(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = REGIONS.read_text().replace("promised_minutes = 15", 'promised_minutes = "soon"', 1)
    line = text[: text.index('"soon"')].count("\n") + 1
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text)
    monkeypatch.setenv("KUAYU_REGIONS", str(wrong))
    for command in (("demo", "--data", empty), ("verify-store", "--data", empty)):
        words = refused(*command)
        assert str(line) in words
        assert "promised_minutes" in words


def test_help_and_nonsense() -> None:
    assert run("--help").exit_code == 0
    assert run("no-such-command").exit_code == 2
    assert "NAME:PASSWORD" in refused("rehearse", "--counter", "somebody")


# The demonstration


@pytest.mark.journey
@pytest.mark.timeout(600)
async def test_the_demonstration_starts_stops_and_keeps_its_data(tmp_path: Path) -> None:
    demo = Demonstration(tmp_path / "data")
    await demo.start()
    said = "".join(demo.lines)
    for page in ("login", "board", "facing", "verify", "api/openapi.json"):
        assert f"{demo.url}/{page}" in said
    for name in ("wujiang-counter", "huoqiu-agent", "wujiang-supervisor", "deqing-clerk", "admin"):
        assert name in said
    [pdf] = [line.split()[-1] for line in demo.lines if "已签发证明" in line]
    content = await asyncio.to_thread(Path(pdf).read_bytes)
    assert content.startswith(b"%PDF-")
    assert await demo.stop(signal.SIGINT) == 0
    assert "已停止" in demo.lines[-1]
    assert "Traceback" not in "".join(demo.lines)
    await demo.start()
    again = "".join(demo.lines)
    assert pdf in again
    assert "正在演练" not in again
    assert await demo.stop(signal.SIGTERM) == 0
    checked = await asyncio.to_thread(kuayu, "verify-store", "--data", str(demo.data))
    assert checked.returncode == 0, checked.stdout
    verified = await asyncio.to_thread(kuayu, "verify", pdf, "--data", str(demo.data))
    assert verified.returncode == 0, verified.stdout
