from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from docs_gen.trust import load_trust
from server.access import Actor
from server.certificates.statuses import Statuses
from server.register.evidence import Evidence, pack
from server.register.service import Register
from tests.support.database import SetClock
from tests.support.desk import SUPERVISOR, Desk
from tests.support.office import open_office
from tests.support.reviews import ALWAYS, ask_above, reviewed

SCRIPT = Path(__file__).parents[3] / "docs/verify_evidence.py"
Files = dict[str, bytes]


@dataclass(frozen=True)
class Stranger:
    """Somebody who has an export, the script, and the root's fingerprint from elsewhere."""

    folder: Path
    root: str
    more: tuple[str, ...] = ()

    def write(self, files: Files) -> Path:
        path = self.folder / "evidence.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    def command(self, files: Files) -> list[str]:
        return [str(SCRIPT), str(self.write(files)), "--root", self.root, *self.more]

    def verify(self, files: Files) -> tuple[int, str]:
        """What the script says, in this very process: starting one takes a second."""
        told = io.StringIO()
        with mock.patch.object(sys, "argv", self.command(files)), contextlib.redirect_stdout(told):
            return SCRIPT_MODULE.main(), told.getvalue()


def _load() -> Any:  # noqa: ANN401 (a module that no type checker finds)
    spec = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT_MODULE = _load()


def evidence_of(desk: Desk) -> Evidence:
    register = Register(desk.reader, desk.certificates, desk.drawing.forms)
    return Evidence(register, Statuses(desk.units, desk.signer), desk.seals.folder / "trust.json")


async def export(desk: Desk, certificate_id: str, actor: Actor = SUPERVISOR) -> Files:
    """The files of an export, made as the route makes it."""
    evidence = evidence_of(desk)
    async with desk.units.open() as unit:
        asked = await evidence.order(unit, actor, certificate_id, "审计署调取")
    async with desk.units.database.reading() as session:
        found = await evidence.gather(session, actor, certificate_id, asked)
    content = pack(found, await desk.papers.content(found.row), await evidence.lists(found.row))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def told_story(desk: Desk) -> Files:
    """The export of a certificate that was copied, relied on, revoked and recalled."""
    case_id, row = await desk.certified_case()
    async with desk.units.open() as unit:
        await evidence_of(desk).register.take_copy(unit, SUPERVISOR, row.id, "归档")
    await desk.settle(case_id, row.id)
    await desk.revoke(row.id)
    return await export(desk, row.id)


@pytest.fixture
def stranger(desk: Desk, tmp_path: Path) -> Stranger:
    (root,) = load_trust(desk.seals.folder).roots
    return Stranger(tmp_path, hashlib.sha256(root).hexdigest())


def rewritten(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    """Change one file's JSON, and put everything right in evidence.json that can be."""
    lines = name.endswith(".jsonl")
    text = files[name].decode()
    said = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    made = change(said)
    written = "\n".join(map(json.dumps, made)) if lines else json.dumps(made)
    return renamed({**files, name: written.encode()})


def renamed(files: Files, **more: Any) -> Files:  # noqa: ANN401 (JSON)
    """Name the files in evidence.json as they are now."""
    manifest = json.loads(files["evidence.json"]) | more
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
        if name != "evidence.json"
    }
    return {**files, "evidence.json": json.dumps(manifest).encode()}


def setting(**values: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda said: {**said, **values}


def swapped(log: list[Any]) -> list[Any]:
    return [*log[:3], log[4], log[3], *log[5:]]


def failed_check(said: list[Any]) -> list[Any]:
    """Turn the result of every check."""
    turned = json.dumps(said).replace('"passed": true', '"passed": false')
    changed: list[Any] = json.loads(turned)
    return changed


async def test_a_stranger_finds_the_export_to_hold_and_one_altered_byte_not_to(
    desk: Desk, stranger: Stranger
) -> None:
    files = await told_story(desk)
    for content, status, verdict in (
        (files, 0, "HOLDS 属实"),
        ({**files, "history.json": files["history.json"] + b" "}, 1, "NOT PROVED 不能证明"),
    ):
        ran = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-I", *stranger.command(content)],
            capture_output=True, text=True, check=False, cwd=stranger.folder,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (status, ""), ran.stdout
        assert verdict in ran.stdout.splitlines()[-1]


async def test_what_still_counts_holds_too(desk: Desk, stranger: Stranger) -> None:
    _, row = await desk.certified_case()
    status, said = await asyncio.to_thread(stranger.verify, await export(desk, row.id))
    assert status == 0, said
    assert f"{row.number}, valid" in said


async def test_whoever_changes_a_file_is_named_the_file(desk: Desk, stranger: Stranger) -> None:
    files = await told_story(desk)
    for name in set(files) - {"evidence.json"}:
        content = files[name]
        altered = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
        status, said = await asyncio.to_thread(stranger.verify, {**files, name: altered})
        assert (status, f"{name} is another file" in said) == (1, True), (name, said)
    for changed in (
        {name: content for name, content in files.items() if name != "README.txt"},
        {**files, "more.txt": b""},
    ):
        status, said = await asyncio.to_thread(stranger.verify, changed)
        assert (status, "files are missing or added" in said) == (1, True)
    path = stranger.write(files)
    path.write_bytes(path.read_bytes()[:-40])
    with mock.patch.object(sys, "argv", [str(SCRIPT), str(path), "--root", stranger.root]):
        assert SCRIPT_MODULE.main() == 1


async def test_whoever_puts_the_hashes_right_is_found_by_what_they_changed(
    desk: Desk, stranger: Stranger
) -> None:
    files = await told_story(desk)
    _, other = await desk.certified_case(name="李大江")
    pdf, theirs = files["certificate.pdf"], await desk.papers.content(other)
    digest = hashlib.sha256(theirs).hexdigest()
    about = json.loads(files["evidence.json"])["certificate"]
    swap = renamed(
        {**files, "certificate.pdf": theirs},
        certificate=about | {"sha256": digest, "number": other.number},
    )
    office = open_office(stranger.folder / "another", SetClock().now)
    foreign = renamed({**files, "trust.json": (office.folder / "trust.json").read_bytes()})
    cases: dict[str, tuple[Files, str]] = {
        "an event removed": (
            rewritten(files, "log.jsonl", lambda log: [*log[:4], *log[5:]]),
            "event 5 is missing, added or moved",
        ),
        "an event changed": (rewritten(files, "log.jsonl", failed_check), "was changed"),
        "two events swapped": (rewritten(files, "log.jsonl", swapped), "event 4 is missing"),
        "the log's end cut": (
            rewritten(files, "log.jsonl", lambda log: log[:-1]), "the log was cut",
        ),
        "another certificate": (swap, "the register knows another PDF"),
        "another certificate, in the register too": (
            rewritten(swap, "register.json", setting(sha256=digest, number=other.number)),
            "log and register differ in number",
        ),
        "a changed page": (
            renamed({**files, "certificate.pdf": pdf.replace(b"/Subject", b"/Subjecx", 1)}),
            "the PDF was altered after it was signed",
        ),
        "bytes behind the page": (
            renamed({**files, "certificate.pdf": pdf + b"\n% more"}),
            "it covers a part of the PDF only",
        ),
        "another's trust list": (foreign, "does not have the root of that fingerprint"),
        "no revocation lists": (
            rewritten(files, "trust.json", setting(crls=[])),
            "does not lead to the root",
        ),
        "a licensed CA's other customer": (
            rewritten(files, "trust.json", lambda said: {**said, "closed": {
                "cas": [hashlib.sha256(base64.b64decode(ca)).hexdigest()
                        for ca in said["intermediates"]],
                "seals": [],
            }}),
            "its CA does not count for the one that signed",
        ),
        "a later time": (
            renamed(files, made_at="2027-11-22T04:00:00+00:00"),
            "signature 电子签名: DOES NOT HOLD",
        ),
        "a state": (
            rewritten(files, "register.json", setting(state="valid")),
            "log and register differ in its state",
        ),
        "an issuer of facts": (
            rewritten(files, "register.json", setting(issued_by_name="别人")),
            "issued by another",
        ),
        "where it was made from": (
            rewritten(files, "register.json", setting(case_seq=2)), "made from another log",
        ),
        "a check": (
            rewritten(files, "checks.json", failed_check), "checks.json is not what the log says",
        ),
        "a check left out": (
            rewritten(files, "checks.json", setting(events=[])), "is not what the log says",
        ),
        "a copy left out": (
            rewritten(files, "history.json", setting(copies=[])), "the copies are not those",
        ),
        "a receipt left out": (
            rewritten(files, "history.json", setting(receipts=[])), "the receipts are not those",
        ),
        "a recall left out": (
            rewritten(files, "history.json", setting(recalls=[])), "the recalls are not those",
        ),
        "a status list of other keys": (
            rewritten(files, "trust.json", lambda said: {**said, "qr_keys": [
                {**key, "key": base64.b64encode(b"k" * 32).decode()} for key in said["qr_keys"]
            ]}),
            "status 状态列表: DOES NOT HOLD",
        ),
    }  # fmt: skip
    for name, (changed, reason) in cases.items():
        status, said = await asyncio.to_thread(stranger.verify, changed)
        assert (status, reason in said) == (1, True), (name, said)


async def test_another_root_proves_nothing(desk: Desk, stranger: Stranger) -> None:
    files = await told_story(desk)
    status, said = await asyncio.to_thread(Stranger(stranger.folder, "0" * 64).verify, files)
    assert (status, "does not have the root" in said) == (1, True)


async def reviewed_story(desk: Desk) -> Files:
    """The export of a certificate that a second clerk approved."""
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    await reviewed(desk, case_id)
    return await export(desk, (await desk.issue(case_id)).id)


async def test_the_evidence_has_who_reviewed_it_and_a_stranger_sees_that(
    desk: Desk, stranger: Stranger
) -> None:
    files = await reviewed_story(desk)
    kinds = [one["kind"] for one in json.loads(files["checks.json"])["events"]]
    assert kinds[-3:] == ["review.requested", "review.read", "review.approved"]
    status, report = await asyncio.to_thread(stranger.verify, files)
    assert (status, "register 登记簿: holds" in report) == (0, True)


async def test_evidence_whose_register_hides_the_review_does_not_hold(
    desk: Desk, stranger: Stranger
) -> None:
    files = await reviewed_story(desk)
    hidden = rewritten(files, "register.json", lambda row: {**row, "review_id": None})
    status, report = await asyncio.to_thread(stranger.verify, hidden)
    assert (status, "log and register differ in the review" in report) == (1, True)


async def test_evidence_in_which_nobody_else_approved_does_not_hold(
    desk: Desk, stranger: Stranger
) -> None:
    files = await reviewed_story(desk)
    opened = SCRIPT_MODULE.Evidence(str(stranger.write(files)), stranger.root)
    asked = next(one for one in opened.log if one["kind"] == "review.requested")
    approved = next(one for one in opened.log if one["kind"] == "review.approved")
    approved["actor"]["id"] = asked["actor"]["id"]
    assert SCRIPT_MODULE.fault_of(lambda: SCRIPT_MODULE.LINES["register 登记簿"](opened)) == (
        "nobody else approved it"
    )
    opened.log.remove(approved)
    assert SCRIPT_MODULE.fault_of(lambda: SCRIPT_MODULE.LINES["register 登记簿"](opened)) != ""


async def test_a_stranger_finds_the_very_picture_on_the_page_that_the_log_names(
    pictured_desk: Desk, stranger: Stranger
) -> None:
    _, row = await pictured_desk.certified_case()
    files = await export(pictured_desk, row.id)
    status, report = await asyncio.to_thread(stranger.verify, files)
    assert (status, "seal 印章图像: holds" in report) == (0, True), report
    opened = SCRIPT_MODULE.Evidence(str(stranger.write(files)), stranger.root)
    [issued] = opened.events("certificate.issued")
    for named in (None, "0" * 64):
        issued["data"]["seal_picture"] = named
        fault = SCRIPT_MODULE.fault_of(lambda: SCRIPT_MODULE.LINES["seal 印章图像"](opened))
        assert fault == "the seal is another picture than the log names"
