"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import hatch_build
from counter_client.invented import Inventor  # noqa: F401 (its import must not need the server)
from server.access import TABLE, Action
from server.app import all_routes, build_house, openapi, socket_document
from server.cases.rules import CaseState
from server.citizens.reading import STEPS
from server.errors import CODES
from server.notices import NOTICES
from server.web.pages import SCREENS
from tests.support.service import demo_settings

ROOT = Path(__file__).parents[1]
SERVER = sorted((ROOT / "server").rglob("*.py"))
PACKAGES = ("server", "docs_gen", "counter_client")
SOURCES = sorted(
    path for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    if "node_modules" not in path.parts
)  # fmt: skip
CLIENT = ROOT / "counter_client/web"
CLIENT_WORDS = CLIENT / "src/ui/errors.ts"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything that a file's syntax consists of."""
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """Every call of a file with the dotted name of what is called."""
    return [(ast.unparse(one.func), one) for one in nodes(path) if isinstance(one, ast.Call)]


def test_nobody_commits_but_the_unit() -> None:
    found = [
        name_of(path)
        for path in SERVER
        for called, _ in calls(path)
        if called.endswith(".commit") and name_of(path) != "server/db/unit.py"
    ]
    assert found == []


def test_no_room_is_named_outside_rooms() -> None:
    room = re.compile(r"""["'](?:clerk|login|case|queue|board|counter|seat|call):""")
    allowed = {"server/rooms.py"}
    found = [
        f"{name_of(path)}: {line.strip()}"
        for path in SERVER
        if name_of(path) not in allowed
        for line in path.read_text().splitlines()
        if room.search(line) and "holder" not in line
    ]
    # A facing screen holds its seat under its counter's name, which is no room.
    assert [line for line in found if 'f"counter:{actor.counter}"' not in line] == []


def test_rules_and_services_read_no_clock() -> None:
    clocks = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "utc_now"}
    found = [
        f"{name_of(path)}: {called}"
        for path in SERVER
        if path.name in {"rules.py", "service.py"}
        for called, _ in calls(path)
        if called in clocks
    ]
    assert found == []


def test_rules_import_the_standard_library_errors_and_other_rules_only() -> None:
    found = [
        f"{name_of(path)}: {line}"
        for path in SERVER
        if path.name in {"rules.py", "tables.py", "values.py"}
        for line in path.read_text().splitlines()
        if re.match(r"(from|import) (server|sqlalchemy|aiohttp|pydantic|counter_client)", line)
        and not re.match(r"from server\.(errors|[a-z]+\.(rules|tables|values)) import", line)
    ]
    assert found == []


def test_only_the_signer_and_commands_import_the_drawing_library() -> None:
    found = {
        name_of(path)
        for path in SERVER
        if re.search(r"^\s*(from|import) docs_gen", path.read_text(), re.MULTILINE)
    }
    names = ("drawing", "forms", "seals", "stamping")
    certificates = {f"server/certificates/{name}.py" for name in names}
    names = ("console", "key_options", "keys", "sm2_keys", "templates")
    commands = {f"server/commands/{name}.py" for name in names}
    assert found == certificates | commands | {"server/offline.py"}


@pytest.mark.parametrize("word", ["manager", "helper", "utils", "common"])
def test_banned_words_name_nothing(word: str) -> None:
    banned = re.compile(rf"(^|_){word}s?(_|$)", re.IGNORECASE)
    found = []
    for path in SOURCES:
        if banned.search(path.stem):
            found.append(name_of(path))
        found += [
            f"{name_of(path)}: {node.name}"
            for node in nodes(path)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and banned.search(node.name)
        ]
    assert found == []


def test_functions_are_not_called_process_or_handle_or_do() -> None:
    # Names that SQLAlchemy, pyHanko and python-socketio call us by.
    theirs = {
        "process_bind_param", "process_result_value", "_handle_id", "_handle_connect",
        "_handle_eio_message", "_handle_eio_disconnect", "_handle_eio_connect",
        "handle_request", "_handle_disconnect", "_handle_event",
    }  # fmt: skip
    found = [
        f"{name_of(path)}: {node.name}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and re.match(r"_?(process|handle|do)_", node.name)
        and node.name not in theirs
    ]
    assert found == []


def test_no_file_is_longer_than_400_lines() -> None:
    long = [
        name_of(path)
        for path in SOURCES
        if "versions" not in path.parts and len(path.read_text().splitlines()) > 400
    ]
    assert long == []


def test_every_refusal_raised_is_a_known_code() -> None:
    found = [
        f"{name_of(path)}: {node.args[0].value}"
        for path in SERVER
        for called, node in calls(path)
        if called == "ServiceError" and node.args and isinstance(node.args[0], ast.Constant)
        and node.args[0].value not in CODES
    ]  # fmt: skip
    assert found == []


def test_every_code_has_chinese_words_in_the_client() -> None:
    text = CLIENT_WORDS.read_text()
    missing = [code for code in CODES if f'"{code}"' not in text]
    assert missing == []


def test_a_citizen_is_told_of_every_step_that_their_page_has_words_for() -> None:
    words = (CLIENT / "src/features/citizens/steps.ts").read_text()
    worded = set(re.findall(r'^  "([a-z]+\.[a-z]+)": "', words, re.MULTILINE))
    # What they said of the service stands on the page by itself.
    assert worded == set(STEPS) - {"rating.given"}


def test_the_table_has_a_line_for_every_action_and_names_real_states() -> None:
    assert set(TABLE) == set(Action)
    states = {
        state for grants in TABLE.values() for grant in grants for state in grant.states or ()
    }
    assert states <= set(CaseState)


async def test_every_route_names_its_action_and_its_handler_once(tmp_path: Path) -> None:
    house = build_house(demo_settings(tmp_path, 8400))
    try:
        routes = all_routes(house)
    finally:
        await house.close()
    open_to_anyone = {route.path for route in routes if route.action is None}
    assert open_to_anyone == {
        "/api/login", "/api/verify", "/api/verify/qr", "/api/verify/file", "/api/citizen/login",
        "/api/facing/pairings", "/api/facing/pairings/claim",
        "/api/status-lists", "/api/trust-list",
        "/api/status-lists/{issuer_code:[0-9A-Z]{18}}/{year:2[0-9]{3}}",
    }  # fmt: skip
    names = Counter(route.run.__name__ for route in routes)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    """The OpenAPI document as the service gives it now."""
    house = build_house(demo_settings(tmp_path, 8400))
    try:
        return openapi(all_routes(house))
    finally:
        await house.close()


async def test_the_protocol_page_names_every_route(document: dict[str, Any]) -> None:
    page = (ROOT / "docs/protocol.md").read_text()
    named = {re.sub(r"\?.*", "", path) for path in re.findall(r"`(?:[A-Z]+ )?(/api/[^`]*)`", page)}
    # The page says "and `…/picture`" where a second path differs in its end only.
    abbreviated = {"/api/citizen/certificates/{certificate_id}/picture"}
    assert set(document["paths"]) - named - abbreviated == set()
    whole = {path for path in named if "…" not in path}
    assert whole - set(document["paths"]) <= {"/api/openapi.json"}


@pytest.fixture
async def socket(tmp_path: Path) -> dict[str, Any]:
    """The document of all that goes over the socket, as the service gives it now."""
    house = build_house(demo_settings(tmp_path, 8400))
    try:
        return socket_document(house)
    finally:
        await house.close()


async def generate(kept: Path, types: Path) -> None:
    """Have the client's own tool make the types of a document."""
    made = await asyncio.to_thread(
        subprocess.run,
        hatch_build.npm("exec", "--", "openapi-typescript", str(kept), "--output", str(types)),
        cwd=CLIENT, env=hatch_build.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr


async def test_the_clients_types_are_generated_from_this_very_document(
    document: dict[str, Any], tmp_path: Path
) -> None:
    kept = CLIENT / "openapi.json"
    assert json.loads(kept.read_text()) == json.loads(json.dumps(document)), "run: kuayu openapi"
    types = tmp_path / "schema.d.ts"
    await generate(kept, types)
    assert types.read_text() == (CLIENT / "src/api/schema.d.ts").read_text(), "run: npm run types"


async def test_the_clients_notices_are_generated_from_this_very_document(
    socket: dict[str, Any], tmp_path: Path
) -> None:
    kept = CLIENT / "socket.json"
    assert json.loads(kept.read_text()) == json.loads(json.dumps(socket)), "run: kuayu socket"
    types = tmp_path / "socket-schema.d.ts"
    await generate(kept, types)
    assert types.read_text() == (CLIENT / "src/api/socket-schema.d.ts").read_text(), (
        "run: npm run types"
    )


async def test_the_protocol_page_names_every_event_and_notice(socket: dict[str, Any]) -> None:
    page = (ROOT / "docs/protocol.md").read_text()
    schemas = socket["components"]["schemas"]
    for title, schema in (("from the client", "Said"), ("to the client", "Heard")):
        tables = [part.partition("\n\n")[0] for part in page.split(f"| {title} |")[1:]]
        lines = [line for table in tables for line in table.splitlines()]
        first = [line.split("|")[1] for line in lines if line.startswith("| `")]
        named = {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}
        assert named == set(schemas[schema]["properties"]), title


def test_every_notice_that_is_sent_has_a_model() -> None:
    sent = {
        node.args[1].value
        for path in SERVER
        for called, node in calls(path)
        if called.endswith((".notify", "._tell_others", "._pass_on")) or called == "Notice"
        # What workers are told is theirs.
        if not any(isinstance(one, ast.Name) and one.id == "MEDIA" for one in node.args)
        if len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
    }
    assert sent | {"event.refused"} == set(NOTICES)


def test_every_page_of_the_client_is_served_where_it_stands() -> None:
    router = (CLIENT / "src/router.ts").read_text()
    paths = [path for path in re.findall(r'path: "([^"]+)"', router) if ":rest" not in path]
    served = {re.sub(r"/:(\w+)(\([^)]*\))?\??", r"/{\1}", path) for path in paths}
    assert len(served) > 5
    assert served - set(SCREENS) == set()


def test_the_lock_file_and_the_tree_name_no_registry() -> None:
    lock = ROOT / "counter_client/web/package-lock.json"
    packages = json.loads(lock.read_text())["packages"].values()
    assert [package["resolved"] for package in packages if "resolved" in package] == []
    constraints = (ROOT / "constraints.txt").read_text()
    assert "://" not in constraints
    assert "@" not in constraints
