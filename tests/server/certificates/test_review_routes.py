"""A second clerk's look over HTTP: who may ask, read, decide and withdraw, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.access import Actor
from server.cases.rules import CaseState
from server.certificates import review_routes
from server.certificates.drawing import Drawing
from server.certificates.seals import Seals
from server.db.engine import Database
from server.db.unit import Units
from server.web.login import Audience
from server.web.socket import Hub
from tests.server.conftest import open_desk
from tests.support.database import SetClock
from tests.support.desk import (
    AGENT,
    APPLICANT,
    CLERK,
    COLLEAGUE,
    KIND,
    STRANGER,
    SUPERVISOR,
    Desk,
    screen,
)
from tests.support.reviews import above, approve, ask_above, asked, decline, withdraw
from tests.support.site import Logins, Site, serving
from tests.support.wire import Wire, wired

PEOPLE: dict[str, Actor] = {
    "agent": AGENT,
    "colleague": COLLEAGUE,
    "boss": SUPERVISOR,
    "province": dataclasses.replace(SUPERVISOR, id="7" * 32, region="340000", hall=""),
    "police": dataclasses.replace(COLLEAGUE, id="6" * 32, items=frozenset({"another"})),
    "counter": CLERK,
    "counter-boss": dataclasses.replace(SUPERVISOR, id="5" * 32, region="320509", hall="pingwang"),
    "stranger": STRANGER,
    "stranger-boss": dataclasses.replace(SUPERVISOR, id="4" * 32, region="330521", hall="deqing"),
}
ORDER = {"kind": KIND, "remark": "金额较大"}
REFUSAL = {"reason": "余额与系统不符"}
Answer = tuple[int, str]


@dataclass
class Hall:
    """Both halls behind the routes and sockets; pensions above 10,000 are reviewed."""

    desk: Desk
    site: Site

    async def ask(self, who: str | None, method: str, path: str, body: object = None) -> Answer:
        """Return status and code; "" where nothing was refused."""
        status, said = await self.site.ask(method, path, who, body)
        return status, said["error"]["code"] if said["error"] else ""

    async def data(self, who: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        """Return what was answered to a command that is not refused."""
        status, said = await self.site.ask(method, path, who, body)
        assert status == 200, said
        return said["data"]

    async def page(self, who: str, review_id: str) -> tuple[int, bytes]:
        """Return what is answered to who asks for the preview."""
        path = self.site.url(f"/api/reviews/{review_id}/preview")
        async with self.site.browser.get(path, headers=self.site.headers(who)) as answer:
            return answer.status, await answer.read()

    async def of_reviews(self, case_id: str) -> list[str]:
        """Return what the log has of reviews."""
        return [kind for kind in await self.desk.log(case_id) if kind.startswith("review.")]


@pytest.fixture
async def hall(
    database: Database, clock: SetClock, drawing: Drawing, seals: Seals, tmp_path: Path
) -> AsyncIterator[Hall]:
    hub = Hub()
    units = Units(database, hub.publish, clock)
    logins = Logins({(Audience.STAFF, name): actor for name, actor in PEOPLE.items()})
    logins.actors[Audience.DEVICE, "screen"] = screen()
    async with open_desk(units, drawing, seals, tmp_path) as desk:
        ask_above(desk.items, above("10000"))
        routes = review_routes.routes(desk.reviewing)
        async with serving(units, routes=routes, find=logins.find, hub=hub) as site:
            yield Hall(desk, site)


def commands(case_id: str, review_id: str) -> dict[str, tuple[str, str, object]]:
    """Every command, and the page, by what it does."""
    at = f"/api/reviews/{review_id}"
    return {
        "ask": ("POST", f"/api/cases/{case_id}/reviews", ORDER),
        "read": ("POST", f"{at}/readings", {}),
        "preview": ("GET", f"{at}/preview", None),
        "approve": ("POST", f"{at}/approval", {"remark": ""}),
        "decline": ("POST", f"{at}/refusal", REFUSAL),
        "withdraw": ("POST", f"{at}/withdrawal", {}),
    }


async def test_from_asking_to_an_approval_over_http(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    where = f"/api/cases/{case_id}/reviews"
    [before] = (await hall.data("counter", "GET", where))["kinds"]
    assert (before["asked"], before["fault"], before["review"]) == (True, "missing", None)
    standing = await hall.data("agent", "POST", where, ORDER)
    assert (standing["fault"], standing["review"]["reason"]) == ("pending", ORDER["remark"])
    review_id = standing["review"]["id"]
    waits = {
        who: [(one["review"]["id"], one["mine"]) for one in found["requests"]]
        for who in PEOPLE
        if who != "counter"
        for found in [await hall.data(who, "GET", "/api/reviews")]
    }
    theirs = [(review_id, False)]
    assert waits == {
        "agent": [(review_id, True)], "colleague": theirs, "boss": theirs, "province": theirs,
        "police": [], "counter-boss": [], "stranger": [], "stranger-boss": [],
    }  # fmt: skip
    assert await hall.ask("counter", "GET", "/api/reviews") == (403, "action.forbidden")
    at = f"/api/reviews/{review_id}"
    assert await hall.ask("colleague", "GET", f"{at}/preview") == (409, "review.unread")
    seen = await hall.data("colleague", "POST", f"{at}/readings", {})
    assert (seen["request"]["case_number"], seen["stale"]) == (
        (await hall.desk.case(case_id)).number, False,
    )  # fmt: skip
    assert APPLICANT["id_number"] in {one["value"] for one in seen["values"]}
    status, page = await hall.page("colleague", review_id)
    assert (status, page[:5]) == (200, b"%PDF-")
    done = await hall.data("colleague", "POST", f"{at}/approval", {"remark": "已核对"})
    assert (done["review"]["state"], done["review"]["closed_by_name"]) == (
        "approved", COLLEAGUE.name,
    )  # fmt: skip
    [after] = (await hall.data("counter", "GET", where))["kinds"]
    assert (after["fault"], after["review"]["answer"]) == (None, "已核对")
    assert await hall.of_reviews(case_id) == ["review.requested", "review.read", "review.approved"]


UNKNOWN = (404, "review.unknown")
FORBIDDEN = (403, "action.forbidden")
NOT_ON_IT = (409, "agent.without_authority")
OWN = (403, "review.own")
REFUSED: dict[str, dict[str, Answer]] = {
    "counter": dict.fromkeys(
        ("ask", "read", "preview", "approve", "decline", "withdraw"), FORBIDDEN
    ),
    "counter-boss": dict.fromkeys(
        ("ask", "read", "preview", "approve", "decline", "withdraw"), FORBIDDEN
    ),
    "stranger": {
        "ask": (404, "case.unknown"),
        **dict.fromkeys(("read", "preview", "approve", "decline", "withdraw"), UNKNOWN),
    },
    "stranger-boss": {
        "ask": FORBIDDEN,
        **dict.fromkeys(("read", "preview", "approve", "decline"), UNKNOWN),
        "withdraw": FORBIDDEN,
    },
    "agent": {
        "ask": (409, "review.pending"),
        **dict.fromkeys(("read", "preview", "approve", "decline"), OWN),
    },
    "police": {
        "ask": (403, "seat.missing"),
        **dict.fromkeys(("read", "preview", "approve", "decline"), NOT_ON_IT),
        "withdraw": FORBIDDEN,
    },
    "colleague": {"ask": (403, "seat.missing"), "withdraw": FORBIDDEN},
    "boss": {"ask": FORBIDDEN, "withdraw": FORBIDDEN},
    "province": {"ask": FORBIDDEN, "withdraw": FORBIDDEN},
}


async def test_who_may_not_is_refused_and_changes_nothing(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    told = {
        who: {verb: await hall.ask(who, *commands(case_id, review_id)[verb]) for verb in expected}
        for who, expected in REFUSED.items()
    }
    assert told == REFUSED
    for command in commands(case_id, review_id).values():
        assert await hall.ask(None, *command) == (401, "login.missing")
    assert await hall.of_reviews(case_id) == ["review.requested"]


async def test_to_another_jurisdiction_a_review_looks_like_none_at_all(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    there, nothing = commands(case_id, review_id), commands("0" * 32, "0" * 32)
    for verb in there:
        found, none = [
            await hall.site.ask(method, path, "stranger", body)
            for method, path, body in (there[verb], nothing[verb])
        ]
        assert (found[0], found[1]["error"]) == (none[0], none[1]["error"]), verb


@pytest.mark.parametrize("close", [approve, decline, withdraw])
async def test_what_is_decided_or_withdrawn_is_nobodys_to_decide(hall: Hall, close: Any) -> None:  # noqa: ANN401
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    await close(hall.desk, review_id)
    before = await hall.of_reviews(case_id)
    at = commands(case_id, review_id)
    for who, verbs in (
        ("boss", ("read", "preview", "approve", "decline")),
        ("agent", ("withdraw",)),
    ):
        for verb in verbs:
            assert await hall.ask(who, *at[verb]) == (409, "review.gone"), (who, verb)
    assert await hall.of_reviews(case_id) == before


@pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.RETURNED, CaseState.REFUSED])
async def test_of_a_case_that_is_not_at_work_nothing_is_asked_or_decided(
    hall: Hall, state: CaseState
) -> None:
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    await hall.desk.move(case_id, state)
    at = commands(case_id, review_id)
    for who, verb in (
        ("agent", "ask"), ("boss", "read"), ("boss", "preview"), ("boss", "approve"),
        ("boss", "decline"),
    ):  # fmt: skip
        assert await hall.ask(who, *at[verb]) == (409, "case.wrong_state"), verb
    assert (await hall.data("boss", "GET", "/api/reviews"))["requests"] == []
    # Who asked may take it back all the same.
    assert await hall.ask("agent", *at["withdraw"]) == (200, "")


async def test_values_that_have_changed_are_not_approved(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    at = commands(case_id, review_id)
    await hall.desk.write(AGENT, case_id, "balance", "18342.58")
    seen = await hall.data("boss", *at["read"])
    shown = {one["name"]: one["value"] for one in seen["values"]}
    # It shows what was put before them, and says that it is not so any more.
    assert (shown["balance"], seen["stale"]) == ("18342.57", True)
    assert await hall.ask("boss", *at["approve"]) == (409, "review.stale")
    [standing] = (await hall.data("agent", "GET", f"/api/cases/{case_id}/reviews"))["kinds"]
    assert standing["fault"] == "changed"
    await hall.desk.write(AGENT, case_id, "balance", "9999.00")
    assert await hall.ask("agent", *at["ask"]) == (409, "review.unneeded")
    assert (await hall.ask("boss", *at["decline"])) == (200, "")


LONG = "长" * 501
BAD_BODIES: dict[str, list[object]] = {
    "ask": [
        {}, {"kind": ""}, {"kind": 5}, {"kind": "k" * 65}, {**ORDER, "remark": LONG},
        {**ORDER, "remark": None}, {**ORDER, "reviewer": COLLEAGUE.id}, [ORDER], "kind", None,
    ],
    "read": [{"review_id": "x"}, []],
    "approve": [{"remark": 5}, {"remark": LONG}, {"approved_by": SUPERVISOR.id}, []],
    "decline": [{}, {"reason": ""}, {"reason": LONG}, {"reason": None}, {**REFUSAL, "state": "x"}],
    "withdraw": [{"asked_by": SUPERVISOR.id}],
}  # fmt: skip


async def test_a_body_that_is_wrong_is_refused_and_changes_nothing(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    review_id = await asked(hall.desk, case_id)
    for verb, bodies in BAD_BODIES.items():
        method, path, _ = commands(case_id, review_id)[verb]
        who = "agent" if verb in {"ask", "withdraw"} else "boss"
        for body in bodies:
            status, code = await hall.ask(who, method, path, body)
            assert (status, code) in {(422, "body.invalid"), (400, "body.malformed")}, (verb, body)
    blank = {"reason": " \u3000"}
    at = commands(case_id, review_id)
    assert await hall.ask("boss", "POST", at["decline"][1], blank) == (422, "text.empty")
    other = {"kind": "statement"}
    assert await hall.ask("agent", "POST", at["ask"][1], other) == (422, "certificate.kind_unknown")
    assert await hall.of_reviews(case_id) == ["review.requested"]


async def test_a_correction_is_put_before_the_others_by_its_own_agent_and_values(
    hall: Hall,
) -> None:
    ask_above(hall.desk.items, None)
    case_id, old = await hall.desk.certified_case()
    ask_above(hall.desk.items, above("10000"))
    path = f"/api/certificates/{old.id}/correction-reviews"
    order = {"values": {"balance": "18432.57"}, "reason": "余额录入有误"}
    refused: list[tuple[str, object, Answer]] = [
        ("stranger", order, (404, "certificate.unknown")),
        ("counter", order, FORBIDDEN),
        ("colleague", order, (403, "seat.missing")),
        ("boss", order, FORBIDDEN),
        ("agent", {"values": order["values"]}, (422, "body.invalid")),
        ("agent", {**order, "reason": ""}, (422, "body.invalid")),
        ("agent", {**order, "values": []}, (422, "body.invalid")),
        ("agent", {**order, "values": {"balance": 5}}, (422, "body.invalid")),
        ("agent", {**order, "values": {"withdrawal_reason": "x"}}, (404, "field.unknown")),
        ("agent", {**order, "values": {"balance": "18342.57"}}, (409, "certificate.unchanged")),
    ]
    for who, body, expected in refused:
        assert await hall.ask(who, "POST", path, body) == expected, (who, body)
    assert await hall.of_reviews(case_id) == []
    standing = await hall.data("agent", "POST", path, order)
    assert (standing["fault"], standing["review"]["corrects"]) == ("pending", old.id)
    assert await hall.ask("agent", "POST", path, order) == (409, "review.pending")
    [request] = (await hall.data("boss", "GET", "/api/reviews"))["requests"]
    assert (request["number"], request["review"]["reason"]) == (old.number, order["reason"])


async def heard_by(wire: Wire) -> list[dict[str, object]]:
    """Return the notices of reviews that a socket has heard until its own event is answered."""
    await wire.send('429["none.such",{}]')
    heard: list[dict[str, object]] = []
    while (frame := await wire.frame()) is not None and not frame.startswith("439["):
        event, data = json.loads(frame.removeprefix("42"))
        if event == "review.changed":
            heard.append(data)
    return heard


async def test_who_may_decide_hears_of_every_step_by_socket_and_nobody_else(hall: Hall) -> None:
    case_id = await hall.desk.ready_case()
    hears = {"agent", "colleague", "boss", "province", "police"}
    async with AsyncExitStack() as stack:
        wires = {who: await stack.enter_async_context(wired(hall.site, who)) for who in PEOPLE}
        at = commands(case_id, "")
        first = (await hall.data("agent", *at["ask"]))["review"]["id"]
        await hall.data("boss", *commands(case_id, first)["decline"])
        second = (await hall.data("agent", *at["ask"]))["review"]["id"]
        await hall.data("agent", *commands(case_id, second)["withdraw"])
        third = (await hall.data("agent", *at["ask"]))["review"]["id"]
        await hall.data("province", *commands(case_id, third)["read"])
        await hall.data("province", *commands(case_id, third)["approve"])
        # A reading is no step: nothing has changed for anybody.
        steps = [first, first, second, second, third, third]
        # No name and no value: who hears of it asks, and is shown what they may see.
        news = [{"case_id": case_id, "review_id": one} for one in steps]
        heard = {who: await heard_by(wire) for who, wire in wires.items()}
    # A supervisor is in the room of the line and in that of the board.
    heard["boss"] = heard["boss"][::2]
    assert heard == {who: news if who in hears else [] for who in PEOPLE}
