"""What the people of a call do at their screens: the acts that several browser stories share."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from playwright.async_api import expect

from counter_client import pictures
from counter_client.invented import id_number
from tests.support.screens import WIDE, Screen, Stage, sign_by_hand

PENSION = "城乡居民养老保险个人账户余额一次性提取"
SCHOOL = "义务教育入学户籍证明"
TRANSFER = "城乡居民养老保险关系转移接续"
NUMBER = id_number("341522", date(1955, 3, 4))
READ_CASE = """async () => {
    const id = new URL(location.href).searchParams.get("case");
    return (await (await fetch(`/api/cases/${id}`)).json()).data;
}"""


@dataclass
class Hall:
    """Both sides of one call and the screen before the citizen."""

    stage: Stage
    counter: Screen
    agent: Screen
    facing: Screen


@asynccontextmanager
async def open_hall(
    stage: Stage, size: dict[str, int] = WIDE, *, local: Stage | None = None
) -> AsyncIterator[Hall]:
    """Open a counter with its screen paired, and an agent who is ready.

    `local` is where the counter and its screen are opened, if that is by another line.
    """
    local = local or stage
    async with AsyncExitStack() as screens:
        counter = await screens.enter_async_context(local.desk("wujiang-counter", size))
        agent = await screens.enter_async_context(stage.desk("huoqiu-agent", size))
        facing = await screens.enter_async_context(local.screen("/facing", size))
        await agent.click("agent-ready")
        await pair(counter, facing)
        yield Hall(stage, counter, agent, facing)


async def pair(counter: Screen, facing: Screen) -> None:
    """Make the facing screen the counter's own by its six digits."""
    digits = facing.at("facing-code")
    await expect(digits).to_have_text(re.compile(r"^\s*\d{6}\s*$"))
    await counter.click("pairing-open")
    await counter.fill("pairing-code", (await digits.inner_text()).strip())
    await counter.click("pairing-confirm")
    await expect(facing.at("facing-idle")).to_be_visible()


async def open_case(counter: Screen, item: str = PENSION, name: str = "张三丰") -> str:
    """Fill a new case in and open it; return its number."""
    await counter.click("new-case")
    await counter.choose("item-select", item)
    await counter.choose("jurisdiction-select", "安徽省 六安市霍邱县")
    await counter.fill("applicant-name", name)
    await counter.fill("applicant-id-number", NUMBER)
    await counter.fill("applicant-phone", "13800000000")
    await counter.click("case-create")
    await expect(counter.page.locator("header strong", has_text=name)).to_be_visible()
    return (await counter.at("case-number").inner_text()).strip()


async def upload(counter: Screen, *kinds: str) -> None:
    """Upload a made-up paper for each kind of material."""
    await counter.click("tab-materials")
    for kind in kinds:
        paper = {"name": f"{kind}.jpg", "mimeType": "image/jpeg", "buffer": pictures.paper(kind)}
        before = await counter.at(f"material-{kind}").count()
        await counter.control(f"material-upload-{kind}").set_input_files([paper])
        await expect(counter.at(f"material-{kind}")).to_have_count(before + 1)


async def bring_all(counter: Screen) -> None:
    """Fill the local fields of the pension's item in and upload what its list asks for."""
    await counter.choose("field-withdrawal_reason", "出国（境）定居")
    await counter.fill("field-bank_account", "6222020000000000000")
    await counter.control("field-bank_account").press("Enter")
    await upload(counter, "id-card", "application-form")
    await expect(counter.at("next-step")).to_be_enabled()


# What the screens would send, at once: for the stories that begin with a case in order.
PREPARE = """async ([item, applicant, fields, materials]) => {
    const ask = async (method, path, body, type) => {
        const headers = { "Content-Type": type, "Idempotency-Key": crypto.randomUUID() };
        const answer = await fetch(path, { method, headers, body });
        if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
        return (await answer.json()).data;
    };
    const json = (method, path, said) =>
        ask(method, path, JSON.stringify(said), "application/json");
    const order = { item_code: item, jurisdiction: "341522", applicant };
    const made = await json("POST", "/api/cases", order);
    for (const [name, value] of fields) {
        await json("PATCH", `/api/cases/${made.id}/fields/${name}`, { value, version: 0 });
    }
    for (const [kind, base64] of materials) {
        const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
        const path = `/api/cases/${made.id}/materials?kind=${kind}&origin=upload`;
        await ask("POST", path, bytes, "image/jpeg");
    }
    return made.number;
}"""
ORDERS: dict[str, tuple[str, list[tuple[str, str]], tuple[str, ...]]] = {
    PENSION: (
        "pension-lump-sum",
        [("withdrawal_reason", "出国（境）定居"), ("bank_account", "6222020000000000000")],
        ("id-card", "application-form"),
    ),
    TRANSFER: (
        "pension-transfer",
        [("move_to", "苏州市吴江区社会保险基金管理中心")],
        ("id-card", "transfer-form"),
    ),
    SCHOOL: ("school-household-proof", [("school_name", "平望实验小学")], ("id-card",)),
}


async def ready_case(counter: Screen, item: str = PENSION, name: str = "张三丰") -> str:
    """Have a case with all that its item asks for on the counter's desk; return its number."""
    code, fields, kinds = ORDERS[item]
    applicant = {"name": name, "id_number": NUMBER, "phone": "13800000000"}
    papers = [(kind, base64.b64encode(pictures.paper(kind)).decode()) for kind in kinds]
    number: str = await counter.page.evaluate(PREPARE, [code, applicant, fields, papers])
    await counter.click(f"case-row-{number}")
    await expect(counter.at("next-step")).to_be_enabled()
    return number


async def connect(counter: Screen, agent: Screen) -> None:
    """Call the jurisdiction, accept, and wait until both see each other."""
    await counter.click("next-step")
    await agent.click("offer-accept")
    await see_each_other(counter, agent)


async def see_each_other(*screens: Screen) -> None:
    """Wait until each of the screens shows a moving picture of the other side."""
    for screen in screens:
        await screen.sees_moving("remote-video", within=60)


async def consent(hall: Hall) -> None:
    """Ask for consent; the citizen reads, agrees and signs."""
    await hall.agent.click("tab-checks")
    await hall.agent.click("consent-ask")
    await hall.facing.at("facing-agree").check()
    await sign_by_hand(hall.facing)
    await hall.facing.click("facing-sign-submit")
    await hall.agent.says("consent", "群众已同意并签字")


async def hang_up(screen: Screen) -> None:
    """End the call as it is."""
    await screen.click("hang-up")
    await screen.click("hang-up-confirm")
    await expect(screen.at("call-column").get_by_test_id("hang-up")).to_be_hidden()


async def read_case(screen: Screen) -> dict[str, Any]:
    """Return the case on the desk, as the service gives it."""
    found: dict[str, Any] = await screen.page.evaluate(READ_CASE)
    return found
