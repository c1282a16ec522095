from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete

from docs_gen.qrkeys import qr_keys
from docs_gen.statuslist import Status, StatusList, place_of, read
from server.certificates import messages as wire
from server.certificates import status_queries as queries
from server.certificates import status_routes
from server.certificates.models import Certificate
from server.certificates.models import StatusList as Row
from server.errors import ServiceError
from tests.support.database import SetClock
from tests.support.desk import AGENT, PASSPHRASE, Desk
from tests.support.site import serving

ISSUER, YEAR = "11341522MB0000001T", 2026


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


def keys_of(desk: Desk) -> Mapping[bytes, Ed25519PublicKey]:
    return {
        key.id: Ed25519PublicKey.from_public_bytes(key.public)
        for key in qr_keys(desk.seals.folder, PASSPHRASE)
    }


async def listed(desk: Desk, at_least: int = 0) -> StatusList:
    """The list as anyone reads it who knows the trust list's keys."""
    row = await desk.statuses.current(ISSUER, YEAR)
    return read(row.content, keys_of(desk), desk.units.clock(), at_least=at_least)


def status(found: StatusList, row: Certificate) -> Status:
    return found.status(place_of(row.number))


async def test_the_list_says_how_each_certificate_stands(desk: Desk) -> None:
    case_id, first = await desk.certified_case()
    found = await listed(desk)
    assert status(found, first) is Status.VALID
    version = found.version
    order = wire.CorrectionOrder(values={"balance": "18432.57"}, reason="录入有误")
    second = await desk.correcting.correct(AGENT, first.id, order, desk.key(case_id, "correct-1"))
    found = await listed(desk)
    assert found.version == version + 1
    assert [status(found, row) for row in (first, second)] == [Status.SUPERSEDED, Status.VALID]
    await desk.revoke(second.id)
    found = await listed(desk, at_least=version + 2)
    assert [status(found, row) for row in (first, second)] == [Status.SUPERSEDED, Status.REVOKED]


async def test_a_reserved_certificate_is_not_on_the_list(desk: Desk) -> None:
    await desk.certified_case()
    case_id = await desk.ready_case()
    async with desk.units.database.reading() as session:
        draft = await desk.drafts.complete(session, await desk.case(case_id), "pension-balance")
    async with desk.units.open() as unit:
        held = await desk.issuing.reserve(
            unit, AGENT, case_id, "pension-balance", desk.key(case_id, "key-00001"), draft=draft
        )
    async with desk.units.database.reading() as session:
        row = await session.get_one(Certificate, held.certificate_id)
    assert status(await listed(desk), row) is Status.NOT_ISSUED


async def test_the_list_stays_as_it_is_for_a_day_while_nothing_changes(
    desk: Desk, clock: SetClock
) -> None:
    await desk.certified_case()
    first = await desk.statuses.current(ISSUER, YEAR)
    clock.advance(hours=23, minutes=59)
    assert (await desk.statuses.current(ISSUER, YEAR)).content == first.content
    clock.advance(minutes=1)
    renewed = await listed(desk, at_least=first.version + 1)
    assert renewed.issued_at == clock.now


async def test_while_nobody_signs_the_last_list_is_given_as_long_as_it_counts(
    desk: Desk, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.certified_case()
    last = await desk.statuses.current(ISSUER, YEAR)

    async def nobody(_issuer_code: str, _year: int) -> object:
        raise ServiceError("signer.unavailable")

    monkeypatch.setattr(desk.signer, "list_statuses", nobody)
    clock.advance(days=6)
    assert (await desk.statuses.current(ISSUER, YEAR)).content == last.content
    clock.advance(days=1)
    assert (await refused(desk.statuses.current(ISSUER, YEAR))).code == "signer.unavailable"


async def test_of_two_lists_signed_at_once_one_is_published(either_desk: Desk) -> None:
    desk = either_desk
    _, row = await desk.certified_case()
    found = await asyncio.gather(*(desk.statuses.current(ISSUER, YEAR) for _ in range(3)))
    (version,) = {one.version for one in found}
    await desk.revoke(row.id)
    found = await asyncio.gather(*(desk.statuses.current(ISSUER, YEAR) for _ in range(3)))
    assert {one.version for one in found} == {version + 1}


async def test_a_list_is_published_in_the_place_of_the_one_it_was_made_after(
    either_desk: Desk,
) -> None:
    now = either_desk.units.clock()
    for before, version, kept in (
        (1, 2, False), (None, 5, True), (None, 6, False),
        (4, 7, False), (5, 7, True), (5, 8, False),
    ):  # fmt: skip
        one = Row(
            issuer_code=ISSUER, year=YEAR, version=version, changes=1, issued_at=now,
            expires_at=now, content=b"list",
        )  # fmt: skip
        async with either_desk.units.open() as unit:
            assert await queries.publish(unit.session, one, before) is kept, version


async def test_the_version_rises_even_after_an_old_backup_was_restored(
    desk: Desk, clock: SetClock
) -> None:
    await desk.certified_case()
    seen = (await listed(desk)).version
    async with desk.units.open() as unit:
        await unit.session.execute(delete(Row))
    clock.advance(seconds=1)
    assert (await listed(desk, at_least=seen + 1)).version > seen


async def test_nothing_is_signed_for_an_issuer_or_year_without_certificates(desk: Desk) -> None:
    await desk.certified_case()
    for place in ((ISSUER, 2027), ("11320509MB0000001C", YEAR), ("0" * 18, YEAR)):
        assert (await refused(desk.statuses.current(*place))).code == "status_list.unknown"
    # The signer itself knows which offices it has seals of.
    strange = desk.signer.list_statuses("0" * 18, YEAR)
    assert (await refused(strange)).code == "status_list.unknown"


async def test_anyone_fetches_the_list(desk: Desk) -> None:
    _, row = await desk.certified_case()
    async with serving(desk.units, routes=status_routes.routes(desk.statuses, Path())) as site:
        path = f"/api/status-lists/{ISSUER}/{YEAR}"
        async with site.browser.get(site.url(path)) as answer:
            assert (answer.status, answer.content_type) == (200, "application/cose")
            found = read(await answer.read(), keys_of(desk), desk.units.clock())
        assert status(found, row) is Status.VALID
        assert (await site.ask("GET", f"/api/status-lists/{ISSUER}/2030"))[0] == 404


async def test_anyone_learns_which_lists_there_are_and_which_of_them_say_something_new(
    desk: Desk,
) -> None:
    _, row = await desk.certified_case()
    async with serving(desk.units, routes=status_routes.routes(desk.statuses, Path())) as site:

        async def listed_as() -> dict[str, object]:
            status, said = await site.ask("GET", "/api/status-lists")
            assert status == 200
            (one,) = said["data"]["lists"]
            return dict(one)

        before = await listed_as()
        assert (before["issuer_code"], before["year"]) == (ISSUER, YEAR)
        assert await listed_as() == before
        await desk.revoke(row.id)
        assert await listed_as() != before


async def test_anyone_fetches_the_trust_list_that_stands_beside_the_services_own(
    desk: Desk, tmp_path: Path
) -> None:
    routes = status_routes.routes(desk.statuses, tmp_path)
    async with serving(desk.units, routes=routes) as site:
        status, said = await site.ask("GET", "/api/trust-list")
        assert (status, said["error"]["code"]) == (404, "trust_list.unknown")
        assert await desk.seals.publish_list(desk.units.clock())
        content = (desk.seals.folder / "trust.cose").read_bytes()
        (tmp_path / "trust.cose").write_bytes(content)
        async with site.browser.get(site.url("/api/trust-list")) as answer:
            assert (answer.status, answer.content_type) == (200, "application/cose")
            assert await answer.read() == content
