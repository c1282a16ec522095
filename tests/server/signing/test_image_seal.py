"""A seal that is a picture: reserved with the certificate, and drawn by the signer alone."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from docs_gen.imageseal import picture_file
from docs_gen.picture import Picture
from server.certificates.facts import Draft, facts_context
from server.certificates.models import Certificate
from server.certificates.queries import find_any
from server.certificates.rules import CertificateState
from server.certificates.seals import KeyFolderError, Seals
from server.errors import ServiceError
from tests.support.desk import AGENT, KIND, Desk, SignerHere, order_of
from tests.support.reviews import ALWAYS, ask_above, reviewed
from tests.support.seals import PICTURED, WIDTH, seal_png
from tests.support.signer_socket import answering, ask_at

DIGEST = Picture.read(seal_png(), WIDTH).digest


def images(content: bytes) -> int:
    """How many images the pages of a PDF name."""
    pages = PdfReader(io.BytesIO(content)).pages
    return sum(len(page["/Resources"].get("/XObject", {})) for page in pages)


def bring(desk: Desk, seals: Seals) -> None:
    """Let the signer start again with these seals."""
    desk.signer = SignerHere(desk.signing_by(seals))


def seen_by_service(desk: Desk) -> None:
    """Let the service look at the signer's seals, as it does before it reserves anything."""
    object.__setattr__(desk.issuing, "signer", desk.signer)


async def reserve(desk: Desk, case_id: str) -> Certificate:
    async with desk.units.database.reading() as session:
        draft = await desk.drafts.complete(session, await desk.case(case_id), KIND)
    key = desk.key(case_id, f"key-{case_id}")
    async with desk.units.open() as unit:
        made = await desk.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)
        found = await find_any(unit.session, made.certificate_id)
    assert found is not None
    return found


async def facts_of(desk: Desk, row: Certificate) -> Draft:
    key = desk.records.key_of(await desk.case(row.case_id))
    return Draft.from_json(key.open(row.sealed_facts, facts_context(row.id)))


async def refusal(desk: Desk, row: Certificate) -> str:
    with pytest.raises(ServiceError) as refused:
        await desk.signer.sign(row.id, row.attempt)
    return refused.value.code


async def test_a_certificate_bears_the_picture_and_its_log_and_register_say_which(
    pictured_desk: Desk,
) -> None:
    desk = pictured_desk
    case_id, row = await desk.certified_case()
    content = await desk.papers.content(row)
    assert images(content) == 1
    assert (await desk.verifying.of_row(row)).verdict == "genuine"
    assert (await facts_of(desk, row)).picture == DIGEST
    [said] = await desk.events(case_id, "certificate.issued")
    assert said["seal_picture"] == DIGEST


async def test_without_a_picture_the_seal_is_drawn_and_nothing_is_kept_of_one(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    assert images(await desk.papers.content(row)) == 0
    key = desk.records.key_of(await desk.case(case_id))
    assert "picture" not in key.open(row.sealed_facts, facts_context(row.id))
    [said] = await desk.events(case_id, "certificate.issued")
    assert said["seal_picture"] is None


async def test_the_same_place_gives_the_same_bytes(pictured_desk: Desk) -> None:
    row = await reserve(pictured_desk, await pictured_desk.ready_case())
    first, second = [await pictured_desk.signer.sign(row.id, row.attempt) for _ in range(2)]
    assert first == second


async def test_a_picture_that_came_after_the_reservation_is_refused_and_reserved_anew(
    desk: Desk, pictured: Seals
) -> None:
    case_id = await desk.ready_case()
    row = await reserve(desk, case_id)
    bring(desk, pictured)
    assert await refusal(desk, row) == "seal.changed"
    seen_by_service(desk)
    issued = await desk.issue(case_id, f"key-{case_id}")
    assert (issued.number, issued.attempt, issued.id) == (row.number, 2, row.id)
    assert (await facts_of(desk, issued)).picture == DIGEST
    assert images(await desk.papers.content(issued)) == 1


async def test_so_is_one_that_went_after_it(pictured_desk: Desk, seals: Seals) -> None:
    desk = pictured_desk
    case_id = await desk.ready_case()
    row = await reserve(desk, case_id)
    bring(desk, seals)
    assert await refusal(desk, row) == "seal.changed"
    seen_by_service(desk)
    issued = await desk.issue(case_id, f"key-{case_id}")
    assert (issued.number, issued.attempt) == (row.number, 2)
    assert images(await desk.papers.content(issued)) == 0


async def test_what_was_released_stays_as_it_is_whatever_comes_after(
    desk: Desk, pictured: Seals
) -> None:
    case_id, row = await desk.certified_case()
    bring(desk, pictured)
    seen_by_service(desk)
    again = await desk.issue(case_id, f"key-{case_id}")
    assert (again.sha256, again.attempt, again.state) == (row.sha256, 1, CertificateState.VALID)


async def test_a_service_that_reserves_a_picture_of_its_own_gets_no_signature(desk: Desk) -> None:
    row = await reserve(desk, await desk.ready_case())
    key = desk.records.key_of(await desk.case(row.case_id))
    forged = dataclasses.replace(await facts_of(desk, row), picture="0" * 64)
    async with desk.units.open() as unit:
        kept = await unit.session.get_one(Certificate, row.id)
        kept.sealed_facts = key.seal(forged.to_json(), facts_context(row.id))
    assert await refusal(desk, row) == "seal.changed"


async def test_an_approval_is_of_facts_and_outlasts_another_picture(
    desk: Desk, pictured: Seals
) -> None:
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    review_id = await reviewed(desk, case_id)
    bring(desk, pictured)
    seen_by_service(desk)
    issued = await desk.issue(case_id)
    assert issued.review_id == review_id
    assert images(await desk.papers.content(issued)) == 1


async def test_the_process_with_the_keys_refuses_another_picture_and_is_asked_which_it_has(
    pictured_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been started anew, after a picture was brought, below a signer that runs on."""
    _, row = await pictured_desk.certified_case()
    pictured, now = pictured_desk.seals, pictured_desk.units.clock()
    monkeypatch.setattr(pictured, "_pictures", {})
    with pytest.raises(ServiceError, match=r"seal\.changed"):
        await pictured.issue(order_of(row), now)
    assert pictured.pictures == {PICTURED: DIGEST}
    signed = await pictured.issue(dataclasses.replace(order_of(row), picture=DIGEST), now)
    assert images(signed.pdf) == 1


async def test_the_service_learns_digests_and_no_picture(
    pictured_desk: Desk, tmp_path: Path
) -> None:
    desk, socket = pictured_desk, tmp_path / "run" / "signer.sock"
    async with answering(desk.signer.signing, socket):
        remote = ask_at(desk, socket)
        # Nobody has told it of any picture yet.
        row = await desk.issue(await desk.ready_case())
        assert remote.picture_of(PICTURED) == DIGEST
    assert row.attempt == 1
    assert images(await desk.papers.content(row)) == 1


async def test_previews_have_no_seal_at_all(pictured_desk: Desk) -> None:
    case_id = await pictured_desk.ready_case()
    assert images(await pictured_desk.issuing.preview(AGENT, case_id, KIND)) == 0


async def test_a_picture_that_cannot_be_used_stops_the_start_and_is_named(tmp_path: Path) -> None:
    path = picture_file(tmp_path, PICTURED)
    path.parent.mkdir()
    path.write_bytes(b"no picture")
    path.chmod(0o600)
    broken = Seals(tmp_path, "words")
    with pytest.raises(KeyFolderError, match=r"huoqiu-hrss\.png: expected a PNG"):
        await broken.start(demo=True)
    await broken.close()
