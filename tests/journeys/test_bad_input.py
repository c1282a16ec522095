"""Bad input against the whole service: refused by its code, no crash in the log, no change."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from yarl import URL

from counter_client.client import Client, Refusal, ServerLostError
from counter_client.invented import credit_code, id_number
from counter_client.pictures import paper
from docs_gen.fonts import unprintable
from server.web import channel
from tests.support.service import Service, demonstration
from tests.support.story import Story, playing

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="module")]

UNSEEN = {
    "NUL": "\x00", "control": "\x07", "bidi override": "\u202e", "bidi isolate": "\u2067",
    "zero width": "\u200b", "line separator": "\u2028", "private use": "\ue000",
}  # fmt: skip
# Who was there last and who may ask again is no part of what was asked.
PASSING = {
    "login",
    "device_login",
    "citizen_login",
    "agent",
    "seat",
    "sign_in_failures",
    "queue_version",
}


# A lease that the service renews by itself says only that somebody is still there.
LEASE = "present_until"


def rows_of(database: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Every row of a table, without the lease."""
    cursor = database.execute(f'SELECT * FROM "{table}"')
    kept = [place for place, (column, *_) in enumerate(cursor.description) if column != LEASE]
    return sorted((tuple(row[place] for place in kept) for row in cursor), key=repr)


@dataclass
class Watch:
    """Sees what the service keeps, and what it logs."""

    service: Service
    caplog: pytest.LogCaptureFixture

    def kept(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that is kept: every row, and the name of every file."""
        data = self.service.settings.data
        with closing(sqlite3.connect(f"file:{data / 'kuayu.db'}?mode=ro", uri=True)) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {str(name) for (name,) in names} - PASSING
            found = {name: rows_of(database, name) for name in sorted(tables)}
        files = sorted(str(path) for path in (data / "files").rglob("*") if path.is_file())
        return found | {"files": [(name,) for name in files]}

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """Hold that the block changes nothing and that none of it is logged as a crash."""
        before = self.kept()
        assert before["case_record"]
        with capture_logs() as lines:
            yield
        after = self.kept()
        assert [name for name in before if before[name] != after[name]] == []
        bad = [line for line in lines if line["log_level"] in {"error", "critical"}]
        assert bad == []
        assert [line for line in lines if line["event"] == "crash" or "exc_info" in line] == []
        assert [one for one in self.caplog.records if one.levelname in {"ERROR", "CRITICAL"}] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for all: whatever is refused leaves nothing behind."""
    async with demonstration(tmp_path_factory.mktemp("refused")) as found:
        yield found


@pytest.fixture
def watch(service: Service, caplog: pytest.LogCaptureFixture) -> Watch:
    return Watch(service, caplog)


@pytest_asyncio.fixture(loop_scope="module")
async def story(service: Service) -> AsyncIterator[Story]:
    """Both clerks in a call on a case that can be certified."""
    async with playing(service.url) as played:
        await played.prepare()
        yield played


async def code_of(client: Client, method: str, path: str, body: object) -> str:
    """The code with which a command is refused; what it gave if it is not."""
    try:
        given = await client.command(method, path, body, key="b" * 16)  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.code
    return f"taken: {given}"


PERSON = {
    "name": "张三丰",
    "id_number": id_number("341522", date(1950, 2, 3)),
    "phone": "13800000000",
}
FIRM = {**PERSON, "enterprise_name": "演练商贸有限公司", "credit_code": credit_code("341522")}
ITEMS = ("pension-lump-sum", "school-household-proof", "enterprise-move-no-violations")
WRONG = {
    "text": [("长" * 201, "text.too_long")],
    "address": [("长" * 201, "text.too_long")],
    "name": [("张3丰", "text.bad_characters"), ("长" * 51, "text.too_long")],
    "choice": [("别的", "choice.unknown"), ("长" * 201, "choice.unknown")],
    "date": [
        ("2026-02-30", "date.impossible"), ("明天", "date.malformed"),
        ("1" * 300, "date.malformed"),
    ],
    "money": [
        ("1.234", "money.malformed"), ("-1", "money.malformed"), ("9" * 300, "money.malformed"),
        ("99999999999", "money.out_of_range"),
    ],
    "integer": [
        ("1e3", "number.malformed"), ("9" * 300, "number.malformed"),
        ("999999999", "number.out_of_range"),
    ],
    "id_number": [("1" * 300, "id_number.malformed")],
    "credit_code": [("1" * 300, "credit_code.malformed")],
    "phone": [("1" * 300, "phone.malformed")],
}  # fmt: skip


def changed_digit(number: str) -> str:
    """The number with another check digit."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


async def test_bad_values_in_every_field_of_every_item(service: Service, watch: Watch) -> None:
    for item in ITEMS:
        async with playing(service.url) as story:
            await story.bring(item)
            await story.meet()
            case = await story.cast.agent.case(story.case_id)
            versions = {field["name"]: field["version"] for field in case["fields"]}
            with watch.unmoved():
                for field in story.fields:
                    await every_bad_value_is_refused(story, field, versions[field["name"]])


async def every_bad_value_is_refused(story: Story, field: dict[str, Any], version: int) -> None:
    clerk = story.cast.counter if field["side"] == "local" else story.cast.agent
    path = f"/api/cases/{story.case_id}/fields/{field['name']}"
    unseen = "choice.unknown" if field["type"] == "choice" else "text.bad_characters"
    bad = [
        *WRONG[field["type"]],
        *((f"1{character}2", unseen) for character in UNSEEN.values()),
        ("\x00", "text.bad_characters"),
        ("9" * 20_001, "body.invalid"),
    ]
    for value, code in bad:
        found = await code_of(clerk, "PATCH", path, {"value": value, "version": version})
        expected = "text.bad_characters" if "\x00" in value else code
        assert found == expected, (field["name"], value)


async def test_bad_applicants(service: Service, story: Story, watch: Watch) -> None:
    good = PERSON["id_number"]
    bad: list[tuple[str, str, str]] = [
        ("id_number", changed_digit(good), "id_number.bad_check_digit"),
        ("id_number", f"{good[:10]}0230{good[14:]}", "id_number.bad_date"),
        ("id_number", f"{good[:6]}2999{good[10:]}", "id_number.bad_date"),
        ("id_number", good[:-1], "id_number.malformed"),
        ("name", " ", "text.empty"),
        ("name", "张" * 51, "text.too_long"),
        ("phone", "12345", "phone.malformed"),
        ("credit_code", changed_digit(FIRM["credit_code"]), "credit_code.bad_check_digit"),
        ("enterprise_name", "演" * 201, "body.invalid"),
        *((name, "9" * 201, "body.invalid") for name in FIRM),
        *(
            (name, f"{value[:2]}{character}{value[2:]}", "text.bad_characters")
            for name, value in FIRM.items()
            for character in UNSEEN.values()
        ),
    ]
    async with service.signed_in("wujiang-counter") as counter:
        with watch.unmoved():
            for name, value, code in bad:
                order = {
                    "item_code": ITEMS[2],
                    "jurisdiction": "341522",
                    "applicant": FIRM | {name: value},
                }
                found = await code_of(counter, "POST", "/api/cases", order)
                assert found == code, (name, value)


async def test_a_name_that_cannot_be_printed_is_refused_before_anything_is_issued(
    service: Service, watch: Watch
) -> None:
    rare = "\U0003fffd"
    assert unprintable(rare) == [rare]
    async with playing(service.url) as story:
        await story.prepare("school-household-proof")
        await story.cast.agent.write_field(story.case_id, "household_head", f"张{rare}", 1)
        with watch.unmoved():
            for path in ("certificate-previews", "certificates"):
                with pytest.raises(Refusal) as refused:
                    await story.cast.agent.command(
                        "POST", f"/api/cases/{story.case_id}/{path}", {"kind": story.kind},
                        key="c" * 16,
                    )  # fmt: skip
                assert refused.value.code == "certificate.unprintable"
                assert refused.value.field == "household_head"
                assert f"U+{ord(rare):04X}" in str(refused.value.details)
        # The same command goes through once the name can be printed.
        await story.cast.agent.write_field(story.case_id, "household_head", "张三丰", 2)
        assert await story.cast.agent.issue(story.case_id, story.kind, key="c" * 16)


def png(width: int, height: int, content: bytes = b"") -> bytes:
    """A black and white PNG that says it is this large, whatever its content."""

    def chunk(kind: bytes, part: bytes) -> bytes:
        whole = kind + part
        return struct.pack(">I", len(part)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(content)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


# 400 million black pixels in some 50 kB.
BOMB = png(20_000, 20_000, bytes(20_000 * (1 + 20_000 // 8)))


# Sending so much at once is the client's affair, and what is tried here.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_bad_files(story: Story, watch: Watch) -> None:
    page = paper("id-card")
    bad: list[tuple[str, bytes, str, str]] = [
        ("50 MB", page + bytes(50 * 1024 * 1024), "image/jpeg", "body.too_large"),
        ("a renamed PDF", b"%PDF-1.7\n%%EOF", "image/jpeg", "material.wrong_type"),
        ("a renamed JPEG", page, "application/pdf", "material.wrong_type"),
        ("a GIF", b"GIF89a", "image/gif", "material.wrong_type"),
        ("a bomb", BOMB, "image/png", "material.too_many_pixels"),
        ("a claimed bomb", png(2**31 - 1, 2**31 - 1), "image/png", "material.too_many_pixels"),
        ("a short PNG", png(5000, 5000), "image/png", "material.unreadable"),
        ("half a JPEG", page[: len(page) // 2], "image/jpeg", "material.unreadable"),
        ("no PDF", b"%PDF-1.7\n" + bytes(1000), "application/pdf", "material.unreadable"),
        ("nothing", b"", "image/png", "material.unreadable"),
    ]
    with watch.unmoved():
        for name, content, media_type, code in bad:
            with pytest.raises(Refusal) as refused:
                await story.cast.counter.add_material(story.case_id, "id-card", content, media_type)
            assert refused.value.code == code, name


async def test_bad_signatures(service: Service, watch: Watch) -> None:
    async with playing(service.url) as story:
        await story.bring()
        await story.meet()
        await story.cast.agent.ask_consent(story.case_id)
        version = (await story.cast.screen.facing())["notice"]["version"]
        with watch.unmoved():
            for picture in (BOMB, png(2**31 - 1, 1), b"%PDF-1.7", b""):
                with pytest.raises(Refusal) as refused:
                    await story.cast.screen.give_consent(story.case_id, version, picture)
                assert refused.value.code == "signature.unreadable"


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server wait for who still sends as long as it takes: or the reason is lost."""
    monkeypatch.setattr(channel, "LINGER_SECONDS", 60)


@pytest.mark.usefixtures("lingering")
async def test_bad_signals(service: Service, story: Story, watch: Watch) -> None:
    call = await story.cast.agent.call(story.call_id)
    said = {"call_id": story.call_id, "to": call["ends"][0]["seat_id"]}
    sdp = "v=0\r\n" + "a=x\r\n" * 8_000
    async with service.signed_in("wujiang-agent") as other:
        await other.listen()
        with watch.unmoved():
            for description in (
                {"type": "offer", "sdp": sdp},
                {"type": "offer", "sdp": "v=0\r\nc=IN IP4 somewhere.example\r\n"},
                {"type": "answer", "sdp": ""},
            ):
                with pytest.raises(Refusal) as refused:
                    await story.cast.agent.emit("signal.sent", said | {"description": description})
                assert refused.value.code == "signal.invalid"
            huge = {"type": "offer", "sdp": sdp * 30}
            assert len(huge["sdp"]) > 1024 * 1024
            with pytest.raises(ServerLostError) as ended:
                await other.emit("signal.sent", said | {"description": huge})
            assert ended.value.code == "frame.too_large"
            assert await other.lost() == "frame.too_large"
            with pytest.raises(ServerLostError, match=r"frame\.too_large"):
                await other.heard("call.changed")
            assert story.cast.agent.listening
    with pytest.raises(TimeoutError):
        await story.cast.counter.heard("signal.received", within=0.2)


FRAMES: dict[str, list[str | bytes]] = {
    "frame.malformed": [
        "garbage", "9", "", "4", "4x", "42", "42{", "42[]", "42[1,{}]", "43[1]", '451-["x"]',
        b"\x00", bytes(1000),
    ],
    "frame.too_large": ['42["case.watched",{"case_id":"' + "x" * 70_000 + '"}]', "x" * 1_100_000],
    "namespace.unknown": ["40/elsewhere,", '42/elsewhere,["case.watched",{}]'],
    "join.repeated": ["40"],
}  # fmt: skip


@asynccontextmanager
async def raw_socket(service: Service, client: Client) -> AsyncIterator[Any]:
    """A WebSocket on the socket's path that has joined, and speaks whatever it likes."""
    address = f"{service.url}/socket.io/?EIO=4&transport=websocket"
    async with client._http.ws_connect(address) as wire:
        assert (await wire.receive_str()).startswith("0{")
        await wire.send_str("40")
        assert (await wire.receive_str()).startswith("40{")
        yield wire


@pytest.mark.usefixtures("lingering")
@pytest.mark.parametrize("code", FRAMES)
async def test_frames_that_are_not_ours_end_the_connection_with_a_code(
    service: Service, story: Story, watch: Watch, code: str
) -> None:
    async with service.signed_in("wujiang-agent") as client:
        with watch.unmoved():
            for frame in FRAMES[code]:
                async with raw_socket(service, client) as wire:
                    await (wire.send_str if isinstance(frame, str) else wire.send_bytes)(frame)
                    async with asyncio.timeout(60):
                        ended = await wire.receive()
                    assert ended.type is aiohttp.WSMsgType.CLOSE, (frame[:40], ended)
                    number = 1009 if code == "frame.too_large" else 1008
                    assert (ended.data, ended.extra) == (number, code), frame[:40]
    assert story.cast.agent.listening


async def test_unknown_events_are_refused(service: Service, story: Story, watch: Watch) -> None:
    async with service.signed_in("wujiang-agent") as client:
        await client.listen()
        with watch.unmoved():
            for event in ("no.such", "event.refused", "case.changed", "x" * 1000):
                with pytest.raises(Refusal) as refused:
                    await client.emit(event, {"case_id": story.case_id})
                assert refused.value.code == "event.unknown", event
                assert refused.value.details == {"event": event[:100]}
            async with raw_socket(service, client) as wire:
                for event in ("connect", "disconnect", "message", "*"):
                    await wire.send_str(f'427["{event}",{{}}]')
                    assert "event.unknown" in await wire.receive_str()
                await wire.send_str('427["case.watched",{},{}]')
                assert "event.invalid" in await wire.receive_str()
                await wire.send_str('42["no.such",{}]')
                told = '42["event.refused",{"event":"no.such","code":"event.unknown"}]'
                assert await wire.receive_str() == told
        assert client.listening


async def test_known_events_with_a_wrong_body_are_refused(
    service: Service, story: Story, watch: Watch
) -> None:
    async with service.signed_in("wujiang-agent") as client:
        await client.listen()
        with watch.unmoved():
            for body, code in (
                ({}, "event.invalid"),
                ({"case_id": 1}, "event.invalid"),
                ({"case_id": "x" * 32, "more": 1}, "event.invalid"),
                ({"case_id": "0" * 32}, "case.unknown"),
            ):
                with pytest.raises(Refusal) as refused:
                    await client.emit("case.watched", body)
                assert refused.value.code == code, body
        assert client.listening


async def test_an_expired_login(service: Service, story: Story, watch: Watch) -> None:
    agent = story.cast.agent
    path = f"/api/cases/{story.case_id}/certificates"
    await agent.stop_listening()
    database = service.settings.data / "kuayu.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE login SET expires_at = '2020-01-01 00:00:00.000000'")
        connection.commit()
    with watch.unmoved():
        assert await code_of(agent, "POST", path, {"kind": story.kind}) == "login.expired"
        assert await code_of(agent, "GET", "/api/me", None) == "login.expired"
        with pytest.raises(Refusal) as refused:
            await agent.listen()
        assert refused.value.status == 401
        # The counter's socket was open: it is told and dropped.
        await story.cast.counter.heard("login.ended")
        await story.cast.counter.lost()


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
async def test_a_foreign_origin(service: Service, story: Story, watch: Watch, origin: str) -> None:
    """Even with the clerk's own cookies, as another site's page would have the browser send."""
    path = f"/api/cases/{story.case_id}/certificates"
    agent = story.cast.agent
    async with Client(service.url, origin=origin) as page:
        page._http.cookie_jar.update_cookies(
            {cookie.key: cookie for cookie in agent._http.cookie_jar}, URL(service.url)
        )
        assert (await page.me())["clerk"]["name"] == "huoqiu-agent"
        with watch.unmoved():
            assert await code_of(page, "POST", path, {"kind": story.kind}) == "origin.foreign"
            signing_in = {"name": "huoqiu-agent", "password": "x"}
            assert await code_of(page, "POST", "/api/login", signing_in) == "origin.foreign"
            with pytest.raises(Refusal) as refused:
                await page.listen()
            assert refused.value.status == 403
