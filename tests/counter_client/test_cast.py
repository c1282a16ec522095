from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from counter_client import cast as cast_module
from counter_client.answers import Refusal
from counter_client.cast import Account, Accounts, Cast, OffScriptError, own_address
from counter_client.rehearsal import Play, altered, rehearse
from tests.support.protocol_server import ProtocolServer, protocol_server

ACCOUNTS = Accounts(counter=Account("wujiang", "secret"), agent=Account("huoqiu", "secret"))


@pytest.fixture
async def service() -> AsyncIterator[ProtocolServer]:
    async with protocol_server() as running:
        running.answers |= {
            ("POST", "/api/login"): {},
            ("POST", "/api/facing/pairings"): {"token": "t", "code": "123456"},
            ("POST", "/api/counter/pairing"): {"counter": "pingwang-1"},
            ("POST", "/api/facing/pairings/claim"): {"paired": True},
            ("GET", "/api/agent"): {"state": "offline", "offer": None, "call_id": None},
            ("PUT", "/api/agent/state"): {"state": "offline"},
        }
        yield running


def asked(service: ProtocolServer) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in service.seen]


async def test_everybody_takes_their_place_and_leaves_it(service: ProtocolServer) -> None:
    async with Cast(service.url, ACCOUNTS) as cast:
        assert cast.counter.listening
        assert cast.agent.listening
        assert cast.screen.listening
    assert not cast.screen.listening
    assert asked(service)[-1] == "PUT /api/agent/state"


async def test_what_an_earlier_play_left_the_agent_in_is_ended_first(
    service: ProtocolServer,
) -> None:
    left = {"state": "on_call", "offer": {"id": "o1"}, "call_id": "a1"}
    service.answers["GET", "/api/agent"] = left
    service.answers["POST", "/api/offers/o1/refusal"] = {}
    service.answers["GET", "/api/calls/a1"] = {"id": "a1", "case_id": "k1"}
    service.answers["POST", "/api/calls/a1/hang-up"] = {}
    async with Cast(service.url, ACCOUNTS) as cast:
        assert asked(service)[-5:] == [
            "POST /api/offers/o1/refusal",
            "GET /api/calls/a1",
            "POST /api/calls/a1/hang-up",
            "PUT /api/agent/state",
            "POST /api/cases/k1/withdrawal",
        ]
        assert (cast.call_id, cast.case_id) == (None, None)


async def test_a_play_that_broke_off_is_tidied_up_however_much_of_it_is_refused(
    service: ProtocolServer,
) -> None:
    async def break_off() -> None:
        async with Cast(service.url, ACCOUNTS) as cast:
            cast.call_id, cast.case_id = "a1", "k1"
            raise OffScriptError("expected something else")

    with pytest.raises(OffScriptError):
        await break_off()
    assert asked(service)[-3:] == [
        "POST /api/calls/a1/hang-up",
        "PUT /api/agent/state",
        "POST /api/cases/k1/withdrawal",
    ]


async def test_a_place_that_cannot_be_taken_leaves_nothing_open(service: ProtocolServer) -> None:
    service.answers["POST", "/api/facing/pairings/claim"] = {"paired": False}
    before = asyncio.all_tasks()
    with pytest.raises(OffScriptError):
        async with Cast(service.url, ACCOUNTS):
            pass
    left = [task for task in asyncio.all_tasks() - before if "client" in repr(task.get_coro())]
    assert not left


async def test_others_offers_go_on_to_the_next_agent(service: ProtocolServer) -> None:
    service.answers["POST", "/api/offers/o1/refusal"] = {}
    async with Cast(service.url, ACCOUNTS) as cast:
        await service.tell("offer.made", {"id": "o1", "case_id": "others"})
        await service.tell("offer.made", {"id": "o2", "case_id": "ours"})
        assert (await cast.offered("ours", 60))["id"] == "o2"
        assert asked(service)[-1] == "POST /api/offers/o1/refusal"
        with pytest.raises(TimeoutError):
            await cast.offered("ours", 0.05)


async def test_asking_too_often_is_waited_out_and_counted(
    service: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cast_module, "ASK_AGAIN", 0.02)
    answers = iter([(429, "rate.exceeded"), (429, "rate.exceeded"), {"verdict": "genuine"}])
    service.answers["POST", "/api/verify"] = lambda: next(answers)
    async with Cast(service.url, ACCOUNTS) as cast:
        verdict = await cast.in_time(lambda: cast.outsider.verify_number("1", "2"))
        assert verdict == {"verdict": "genuine"}
        assert cast.held_up >= 0.04
        with pytest.raises(Refusal):
            await cast.in_time(lambda: cast.outsider.verify_qr("1", "2"))


async def test_what_does_not_happen_in_a_rehearsal_is_told_with_its_act(
    service: ProtocolServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bring_materials(_play: Play) -> None:
        raise TimeoutError("no answer from the relay")

    monkeypatch.setattr(Play, "open_case", AsyncMock())
    monkeypatch.setattr(Play, "bring_materials", bring_materials)
    with pytest.raises(OffScriptError, match=r"'bring_materials' waits for: no answer"):
        await rehearse(service.url, ACCOUNTS, tmp_path)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8400", True),
        ("http://127.0.0.1:8400", True),
        ("http://[::1]:8400", False),
        ("https://kuayu.example", False),
        ("http://192.0.2.2:8400", False),
    ],
)
def test_only_before_a_service_on_this_machine_the_outsider_has_an_address_of_their_own(
    url: str, *, local: bool
) -> None:
    assert (own_address(url) or "").startswith("127.") is local


def test_an_altered_file_differs_in_one_bit_of_content() -> None:
    pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nstream\n" + bytes(500) + b"\nendstream\nendobj\n%%EOF"
    changed = altered(pdf)
    assert len(changed) == len(pdf)
    assert sum(bin(a ^ b).count("1") for a, b in zip(pdf, changed, strict=True)) == 1
    with pytest.raises(OffScriptError):
        altered(b"%PDF-1.7 empty")
