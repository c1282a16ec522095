"""The verbs of the shared case, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from server.access import Actor
from server.cases import messages as wire
from server.cases import queries
from server.cases.rules import CaseState
from server.errors import ServiceError
from server.items.rules import Owner
from server.vault import VaultError
from tests.support.desk import (
    AGENT,
    AGENT_VALUES,
    APPLICANT,
    CLERK,
    ITEM,
    STRANGER,
    Desk,
)

S = CaseState


def order(**changed: str) -> wire.CaseOrder:
    applicant = {
        k: v for k, v in {**APPLICANT, **changed}.items() if k in wire.ApplicantGiven.model_fields
    }
    return wire.CaseOrder(
        item_code=changed.get("item_code", ITEM),
        jurisdiction=changed.get("jurisdiction", AGENT.region),
        applicant=wire.ApplicantGiven(**applicant),
    )


async def edit(  # noqa: PLR0917 (who, where, what and which version)
    desk: Desk, actor: Actor, case_id: str, name: str, value: str, version: int
) -> wire.Field:
    async with desk.units.open() as unit:
        return await desk.cases.edit_field(
            unit, actor, case_id, name, wire.FieldEdit(value=value, version=version)
        )


async def test_numbers_of_one_day_have_no_gap_though_some_openings_fail(desk: Desk) -> None:
    async def open_one(good: bool) -> str | None:  # noqa: FBT001 (a test's own switch)
        try:
            async with desk.units.open() as unit:
                case = await desk.cases.open_case(unit, CLERK, order())
                # An unknown item fails the unit after the number was taken.
                desk.items.current(ITEM if good else "no-such-item")
                return case.number
        except ServiceError:
            return None

    numbers = await asyncio.gather(*(open_one(i % 3 != 0) for i in range(12)))
    given = sorted(number for number in numbers if number is not None)
    day = given[0].split("-")[1]
    assert given == [f"320509-{day}-{serial:06d}" for serial in range(1, 9)]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"id_number": "341522199001010005"}, "id_number.bad_check_digit", "id_number"),
        ({"id_number": "341522199002300000"}, "id_number.bad_date", "id_number"),
        ({"name": "张\u202e三"}, "text.bad_characters", "name"),
        ({"phone": "12345"}, "phone.malformed", "phone"),
        ({"jurisdiction": "330521"}, "region.unknown", "jurisdiction"),
        ({"jurisdiction": "320509"}, "jurisdiction.own", "jurisdiction"),
        ({"item_code": "no-such-item"}, "item.unknown", "item_code"),
    ],
)
async def test_a_wrong_opening_is_refused_at_its_field_and_takes_no_number(
    desk: Desk, changed: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        async with desk.units.open() as unit:
            await desk.cases.open_case(unit, CLERK, order(**changed))
    assert (refused.value.code, refused.value.details.get("field")) == (code, field)
    async with desk.units.open() as unit:
        assert (await desk.cases.open_case(unit, CLERK, order())).number.endswith("-000001")


async def test_no_case_is_opened_for_a_certificate_that_would_not_count_at_the_counter(
    desk: Desk,
) -> None:
    # Huoqiu issues household proofs, but Deqing recognises only those of Wujiang.
    item = "school-household-proof"
    with pytest.raises(ServiceError) as refused:
        async with desk.units.open() as unit:
            await desk.cases.open_case(unit, STRANGER, order(item_code=item, jurisdiction="341522"))
    said = refused.value
    assert (said.code, said.details["field"]) == ("certificate.unrecognised", "jurisdiction")
    async with desk.units.open() as unit:
        wanted = order(item_code=item, jurisdiction="320509")
        assert (await desk.cases.open_case(unit, STRANGER, wanted)).number.endswith("-000001")


async def test_what_people_type_is_kept_as_ciphertext(desk: Desk) -> None:
    case_id = await desk.open_case()
    case = await desk.case(case_id)
    async with desk.units.database.reading() as session:
        fields = await queries.list_fields(session, case_id)
        log = await queries.events_after(session, case_id, 0)
    kept = repr([case.sealed_applicant, [f.sealed for f in fields], [e.data for e in log]])
    for value in (*APPLICANT.values(), "6222000000000000000"):
        assert value not in kept


async def test_erasing_is_destroying_the_key_and_the_chain_still_walks(desk: Desk) -> None:
    case_id = await desk.open_case()
    async with desk.units.open() as unit:
        case = await queries.find_case(unit.session, case_id)
        assert case is not None
        case.wrapped_key = desk.vault.new_key(case_id)
    case = await desk.case(case_id)
    with pytest.raises(VaultError):
        desk.reader.applicant(case, desk.records.key_of(case))
    async with desk.units.database.reading() as session:
        log = await queries.events_after(session, case_id, 0)
    assert [event.prev_hash for event in log[1:]] == [event.hash for event in log[:-1]]
    assert log[-1].hash == case.head_hash


async def test_a_stale_write_is_refused_with_both_values_and_changes_nothing(desk: Desk) -> None:
    case_id = await desk.open_case()
    await edit(desk, CLERK, case_id, "withdrawal_reason", "出国（境）定居", 1)
    before = await desk.log(case_id)
    with pytest.raises(ServiceError) as refused:
        await edit(desk, CLERK, case_id, "withdrawal_reason", "参保人员死亡", 1)
    assert refused.value.code == "field.stale"
    details = refused.value.details
    assert (details["yours"], details["theirs"], details["version"]) == (
        "参保人员死亡", "出国（境）定居", 2,
    )  # fmt: skip
    assert await desk.log(case_id) == before


async def test_a_stale_write_shows_a_personal_value_no_further_than_the_case_does(
    desk: Desk,
) -> None:
    case_id = await desk.open_case()
    account = "6222020000000012345"
    shown = await edit(desk, CLERK, case_id, "bank_account", account, 1)
    with pytest.raises(ServiceError) as refused:
        await edit(desk, CLERK, case_id, "bank_account", "6222020000000099999", 1)
    details = refused.value.details
    assert account not in repr(details)
    assert (details["theirs"], details["masked"]) == (shown.value, True)


async def test_of_two_clerks_who_write_the_same_version_one_is_refused(desk: Desk) -> None:
    case_id = await desk.open_case()
    tries = [edit(desk, CLERK, case_id, "bank_account", f"622{i}", 1) for i in range(5)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, wire.Field) for one in found) == 1
    assert {one.code for one in found if isinstance(one, ServiceError)} == {"field.stale"}


async def test_each_side_writes_its_own_fields_only_and_only_in_its_time(desk: Desk) -> None:
    case_id = await desk.open_case()
    for actor, name, code in [
        (CLERK, "balance", "action.forbidden"),
        (AGENT, "balance", "case.unknown"),
        (STRANGER, "bank_account", "case.unknown"),
        (CLERK, "no_such_field", "field.unknown"),
    ]:
        with pytest.raises(ServiceError) as refused:
            await edit(desk, actor, case_id, name, "1", 0)
        assert refused.value.code == code, name
    await desk.move(case_id, S.WAITING)
    with pytest.raises(ServiceError) as refused:
        await edit(desk, AGENT, case_id, "balance", "1", 0)
    assert refused.value.code == "case.wrong_state"
    await desk.move(case_id, S.IN_CALL)
    assert (await edit(desk, AGENT, case_id, "balance", "1", 0)).value == "1.00"
    desk.seats.discard(AGENT.id)
    with pytest.raises(ServiceError) as refused:
        await edit(desk, AGENT, case_id, "balance", "2", 1)
    assert refused.value.code == "seat.missing"


async def test_a_masked_value_is_seen_whole_only_by_name_and_in_the_log(desk: Desk) -> None:
    case_id = await desk.open_case()
    async with desk.units.database.reading() as session:
        case = await desk.reader.read(session, CLERK, case_id)
    assert case.applicant.id_number == "3415**********0004"
    async with desk.units.open() as unit:
        whole = await desk.cases.reveal(unit, CLERK, case_id, "applicant_id_number")
    assert whole.value == APPLICANT["id_number"]
    assert await desk.events(case_id, "value.revealed") == [{"name": "applicant_id_number"}]
    assert APPLICANT["id_number"] not in repr(await desk.events(case_id, "case.opened"))


async def test_required_material_that_the_far_side_turned_down_is_missing_again(desk: Desk) -> None:
    case_id = await desk.open_case()
    case = await desk.case(case_id)

    async def lacking() -> object:
        async with desk.units.database.reading() as session:
            try:
                await desk.cases.require_complete(session, case, Owner.LOCAL)
            except ServiceError as refusal:
                return refusal.details.get("kinds") or refusal.code
        return None

    assert await lacking() == ["id-card", "application-form"]
    for kind in ("id-card", "application-form"):
        await desk.file(case_id, kind)
    assert await lacking() is None
    await desk.move(case_id, S.WAITING, S.IN_CALL)
    async with desk.units.open() as unit:
        filed = await queries.list_materials(unit.session, case_id)
        card = next(row for row in filed if row.kind == "id-card")
        said = wire.TickOrder(accepted=False, remark="看不清")
        await desk.cases.tick_material(unit, AGENT, case_id, card.id, said)
    assert await lacking() == ["id-card"]


async def test_evidence_must_be_material_of_this_very_case(desk: Desk) -> None:
    one, other = await desk.open_case(), await desk.open_case()
    await desk.file(other, "id-card")
    async with desk.units.database.reading() as session:
        foreign = (await queries.list_materials(session, other))[0].id
    given = wire.CheckOrder(kind="identity", passed=True, evidence=(foreign,))
    with pytest.raises(ServiceError) as refused:
        async with desk.units.open() as unit:
            await desk.cases.record_check(unit, CLERK, one, given)
    assert refused.value.code == "material.unknown"


async def test_consent_is_asked_once_and_stays_given(desk: Desk) -> None:
    case_id = await desk.open_case()
    await desk.move(case_id, S.WAITING, S.IN_CALL)
    await desk.give_consent(case_id)
    before = await desk.log(case_id)
    await desk.ask_consent(case_id)
    assert await desk.log(case_id) == before


@pytest.mark.parametrize("verb", ["return_case", "refuse_case", "defer_case"])
async def test_an_agent_who_cannot_issue_ends_the_case_another_way(desk: Desk, verb: str) -> None:
    orders = {
        "return_case": (
            wire.ReturnOrder(missing=[wire.Missing(what="户口簿", why="缺")]),
            S.RETURNED,
        ),
        "refuse_case": (wire.RefusalOrder(reason="不符合条件", basis="第四条"), S.REFUSED),
        "defer_case": (wire.DeferralOrder(due_on="2030-01-01"), S.WITH_JURISDICTION),
    }
    given, state = orders[verb]
    case_id = await desk.open_case()
    await desk.move(case_id, S.WAITING, S.IN_CALL)
    async with desk.units.open() as unit:
        case = await getattr(desk.cases, verb)(unit, AGENT, case_id, given)
    assert case.state is state
    with pytest.raises(ServiceError) as refused:
        async with desk.units.open() as unit:
            await desk.cases.return_case(unit, AGENT, case_id, orders["return_case"][0])
    assert refused.value.code == "case.wrong_state"


async def test_a_promise_needs_an_item_that_allows_it(desk: Desk) -> None:
    case_id = await desk.open_case()
    await desk.move(case_id, S.WAITING, S.IN_CALL)
    given = wire.PromiseOrder(text="承诺属实")
    with pytest.raises(ServiceError) as refused:
        async with desk.units.open() as unit:
            await desk.cases.promise_case(unit, AGENT, case_id, given)
    assert refused.value.code == "promise.forbidden"


async def test_lists_show_each_only_what_concerns_them(desk: Desk) -> None:
    draft, sent = await desk.open_case(), await desk.open_case()
    await desk.move(sent, S.WAITING)

    async def seen(actor: Actor, scope: str) -> set[str]:
        async with desk.units.database.reading() as session:
            query = wire.ListQuery.model_validate({"scope": scope})
            found = await desk.reader.list(session, actor, query)
        return {row.id for row in found.cases}

    assert await seen(CLERK, "mine") == {draft, sent}
    assert await seen(CLERK, "hall") == {draft, sent}
    assert await seen(AGENT, "jurisdiction") == {sent}
    assert await seen(STRANGER, "jurisdiction") == set()


async def test_what_is_still_open_is_listed_without_what_is_over(desk: Desk) -> None:
    open_id, over = await desk.open_case(), await desk.open_case()
    await desk.move(over, S.WITHDRAWN)
    async with desk.units.database.reading() as session:
        query = wire.ListQuery.model_validate({"open": "true"})
        found = await desk.reader.list(session, CLERK, query)
    assert [row.id for row in found.cases] == [open_id]


async def test_events_catch_up_from_any_seq_without_a_gap(desk: Desk) -> None:
    case_id = await desk.ready_case()
    async with desk.units.database.reading() as session:
        whole = await desk.reader.events(session, AGENT, case_id, 0)
        later = await desk.reader.events(session, AGENT, case_id, 5)
    assert [event.seq for event in whole.events] == list(range(1, whole.seq + 1))
    assert later.events == whole.events[5:]
    shown = {e.data["name"]: e.data["value"] for e in whole.events if e.kind == "field.changed"}
    assert shown["balance"] == AGENT_VALUES["balance"]
    assert shown["bank_account"] == "622****************"


async def test_an_event_is_never_earlier_than_the_last_one_of_its_case(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.open_case()
    last = (await desk.case(case_id)).last_event_at
    async with desk.units.open() as unit:
        unit.now = datetime(2020, 1, 1, tzinfo=UTC)
        entry = await desk.records.begin_as_service(unit, case_id)
        assert entry.clock_is_behind
        assert (await entry.append("test.late")).at == last
