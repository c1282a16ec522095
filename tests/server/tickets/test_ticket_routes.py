"""The queue and its calls over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.calls.routes import routes as call_routes
from server.tickets.routes import routes as ticket_routes
from server.web.login import Audience
from tests.support.halls import CLERK, STRANGER, WANG, ZHOU, Halls, screen
from tests.support.site import Logins, Site, serving

PEOPLE = (CLERK, WANG, ZHOU, STRANGER)


@pytest.fixture
async def site(halls: Halls) -> AsyncIterator[Site]:
    logins = Logins({(Audience.STAFF, who.name): who for who in PEOPLE})
    logins.actors[Audience.DEVICE, "screen"] = screen()
    served = [*ticket_routes(halls.tickets), *call_routes(halls.calls)]
    async with serving(halls.units, routes=served, find=logins.find) as running:
        yield running


async def test_a_ticket_is_taken_answered_and_hung_up(halls: Halls, site: Site) -> None:
    case = await halls.case()
    path = f"/api/cases/{case}"
    assert (await site.ask("GET", f"{path}/ticket", "li"))[1]["data"] is None
    status, said = await site.ask("POST", f"{path}/ticket", "li", json={}, key="key-00001")
    assert status == 200
    assert said["data"]["position"] == 1
    again = await site.ask("POST", f"{path}/ticket", "li", json={}, key="key-00001")
    assert again[1]["data"] == said["data"]
    queue = (await site.ask("GET", "/api/queue", "wang"))[1]["data"]
    assert [row["case_id"] for row in queue["waiting"]] == [case]
    body = {"state": "ready", "reason": ""}
    offer = (await site.ask("PUT", "/api/agent/state", "wang", json=body))[1]["data"]["offer"]
    assert offer["item_name"] == "城乡居民养老保险个人账户余额一次性提取"
    status, said = await site.ask("POST", f"/api/offers/{offer['id']}/acceptance", "wang", json={})
    call = said["data"]
    assert (status, call["state"], call["case_id"]) == (200, "connecting", case)
    agent = (await site.ask("GET", "/api/agent", "wang"))[1]["data"]
    assert (agent["state"], agent["call_id"], agent["offer"]) == ("on_call", call["id"], None)
    assert (await site.ask("GET", f"{path}/call", "li"))[1]["data"]["id"] == call["id"]
    assert (await site.ask("GET", f"{path}/ticket", "li"))[1]["data"]["position"] == 0
    shown = await site.ask(
        "GET", f"/api/facing/calls/{call['id']}", "screen", audience=Audience.DEVICE
    )
    assert shown[1]["data"]["id"] == call["id"]
    body = {"reason": "line", "remark": "断线"}
    status, said = await site.ask("POST", f"/api/calls/{call['id']}/hang-up", "wang", json=body)
    assert (status, said["data"]["end_reason"]) == (200, "line")
    assert (await site.ask("GET", f"{path}/ticket", "li"))[1]["data"]["position"] == 1
    assert (await site.ask("GET", f"{path}/call", "li"))[1]["data"] is None


async def test_a_declined_offer_is_answered_with_the_agents_standing(
    halls: Halls, site: Site
) -> None:
    await halls.become(WANG)
    await halls.waiting()
    path = f"/api/offers/{(await halls.offer_to(WANG)).id}/refusal"
    assert (await site.ask("POST", path, "wang", json={"reason": ""}))[0] == 422
    status, said = await site.ask("POST", path, "wang", json={"reason": "大厅有人"})
    assert (status, said["data"]["state"], said["data"]["offer"]) == (200, "ready", None)
    status, said = await site.ask("POST", path, "wang", json={"reason": "大厅有人"})
    assert (status, said["error"]["code"]) == (409, "offer.gone")


@pytest.mark.parametrize(
    "body",
    [
        {"state": "on_call", "reason": ""},
        {"state": "offered", "reason": ""},
        {"state": "ready", "reason": "x" * 201},
        {"state": "ready", "region": "320509"},
        {},
    ],
)
async def test_an_agent_cannot_say_to_be_just_anything(site: Site, body: dict[str, object]) -> None:
    status, said = await site.ask("PUT", "/api/agent/state", "wang", json=body)
    assert (status, said["error"]["code"]) == (422, "body.invalid")


async def test_a_clerk_of_a_third_region_finds_nothing_of_it(halls: Halls, site: Site) -> None:
    case_id, call_id = await halls.in_call()
    ticket = await halls.ticket_of(case_id)
    [kept] = await halls.offers_of(case_id)
    nothing = {"reason": "x"}
    for method, path, body in (
        ("POST", f"/api/cases/{case_id}/ticket", {}),
        ("GET", f"/api/cases/{case_id}/ticket", None),
        ("GET", f"/api/cases/{case_id}/call", None),
        ("POST", f"/api/cases/{case_id}/withdrawal", nothing),
        ("POST", f"/api/tickets/{ticket.id}/abandonment", nothing),
        ("POST", f"/api/offers/{kept.id}/acceptance", {}),
        ("POST", f"/api/offers/{kept.id}/refusal", nothing),
        ("GET", f"/api/calls/{call_id}", None),
        ("POST", f"/api/calls/{call_id}/hang-up", {"reason": "finished"}),
        ("POST", f"/api/calls/{call_id}/stills", {"kind": "id-card"}),
    ):
        answer = await site.ask(method, path, "zhao", json=body, key="key-00001")
        absent = path
        for known in (case_id, ticket.id, kept.id, call_id):
            absent = absent.replace(known, "0" * 32)
        miss = await site.ask(method, absent, "zhao", json=body, key="key-00002")
        assert answer[0] == 404, path
        assert answer[1]["error"] == miss[1]["error"], path
    assert (await site.ask("GET", "/api/queue", "zhao"))[1]["data"]["waiting"] == []
