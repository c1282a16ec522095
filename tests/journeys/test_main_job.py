"""The main job between two halls, with real peers, a real case and a real certificate."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from counter_client.client import Client, Refusal
from counter_client.rehearsal import rehearse
from server.certificates.models import CertificateSm2
from server.supervision.audit import Audit, copied
from tests.support.media_worker import until
from tests.support.service import ACCOUNTS, Service

pytestmark = pytest.mark.journey


async def faults(service: Service, folder: Path) -> list[object]:
    """Everything that `kuayu verify-store` would name."""
    async with copied(service.settings.database_url, folder) as database:
        house = service.house
        audit = Audit(database, house.files, house.vault, house.drawing, house.units.clock())
        return list(await audit.walk())


async def is_signed_with_sm2(service: Service) -> bool:
    """Whether the one certificate has its SM2 signature, which comes after the release."""
    async with service.house.database.reading() as session:
        return len((await session.scalars(select(CertificateSm2))).all()) == 1


@pytest.mark.whole_pictures
async def test_two_halls_do_the_whole_story(service: Service, tmp_path: Path) -> None:
    result = await rehearse(service.url, ACCOUNTS, tmp_path)
    assert result.frames["counter"] >= 45
    assert result.frames["agent"] >= 45
    assert json.dumps(result.as_json())
    signature = await asyncio.to_thread(
        subprocess.run, ["pdfsig", str(result.pdf)], capture_output=True, text=True, check=False
    )
    assert "Signature is Valid" in signature.stdout
    assert "Total document signed" in signature.stdout
    await until(lambda: is_signed_with_sm2(service))
    assert await faults(service, tmp_path) == []


@pytest.mark.parametrize("item", ["school-household-proof", "enterprise-move-no-violations",
                                  "statement-of-facts", "pension-transfer"])  # fmt: skip
async def test_every_item_can_be_played(service: Service, tmp_path: Path, item: str) -> None:
    result = await rehearse(service.url, ACCOUNTS, tmp_path, item_code=item)
    assert result.pdf.read_bytes().startswith(b"%PDF")
    assert await faults(service, tmp_path) == []


async def refusal_of(client: Client, method: str, path: str, body: object = None) -> Refusal:
    """How a request is refused."""
    with pytest.raises(Refusal) as refused:
        await client.command(method, path, body, key="k" * 16)
    return refused.value


def is_unknown(refusal: Refusal) -> bool:
    """Whether it looks as if there were no such thing."""
    return refusal.status == 404 and refusal.code.endswith(".unknown")


async def test_a_clerk_of_a_third_region_learns_of_nothing(
    service: Service, tmp_path: Path
) -> None:
    result = await rehearse(service.url, ACCOUNTS, tmp_path)
    case = f"/api/cases/{result.case_id}"
    certificate = f"/api/certificates/{result.certificate_id}"
    async with (
        service.signed_in("deqing-clerk") as stranger,
        service.signed_in("huoqiu-agent") as agent,
    ):
        known = await agent.find(case)
        assert known is not None
        material = f"{case}/materials/{known['materials'][0]['id']}"
        reads = [
            case, f"{case}/events", f"{case}/ticket", f"{case}/call", f"{case}/certificates",
            f"{case}/settlement", f"{material}/file", f"{material}/picture", f"{certificate}/file",
        ]  # fmt: skip
        for path in reads:
            assert is_unknown(await refusal_of(stranger, "GET", path)), path
        changes = [
            (f"{case}/fields/balance", "PATCH", {"value": "1", "version": 1}),
            (f"{case}/reveals", "POST", {"name": "applicant_id_number"}),
            (f"{material}/tick", "POST", {"accepted": True}),
            (f"{material}/removal", "POST", {"reason": "x"}),
            (f"{case}/checks", "POST", {"kind": "identity", "passed": True}),
            (f"{case}/consent-requests", "POST", {}),
            (f"{case}/return", "POST", {"missing": [{"what": "x"}]}),
            (f"{case}/refusal", "POST", {"reason": "x", "basis": "x"}),
            (f"{case}/deferral", "POST", {"due_on": "2030-01-01"}),
            (f"{case}/promise", "POST", {"text": "x"}),
            (f"{case}/withdrawal", "POST", {"reason": "x"}),
            (f"{case}/ticket", "POST", {}),
            (f"{case}/certificate-previews", "POST", {"kind": "pension-balance"}),
            (f"{case}/certificates", "POST", {"kind": "pension-balance"}),
            (f"{case}/settlement", "POST", {"certificate_id": "0" * 32, "reference": "x"}),
            (f"{case}/pickup-links", "POST", {}),
            (f"{certificate}/verification", "POST", {}),
            (f"{certificate}/revocation", "POST", {"reason": "x"}),
        ]
        for path, method, body in changes:
            assert is_unknown(await refusal_of(stranger, method, path, body)), path
        assert (await stranger.find("/api/cases?scope=jurisdiction"))["cases"] == []
        await stranger.listen("staff")
        call_id = next(
            event["data"]["call_id"]
            for event in (await agent.find(f"{case}/events"))["events"]
            if event["kind"] == "offer.accepted"
        )
        for event, said in [
            ("case.watched", {"case_id": result.case_id}),
            ("field.edited", {"case_id": result.case_id, "name": "balance", "editing": True}),
            ("seat.taken", {"call_id": call_id}),
            ("seat.reported", {"call_id": call_id, "state": "connected"}),
            ("signal.sent", {"call_id": call_id, "to": "0" * 32, "candidate": None}),
        ]:
            with pytest.raises(Refusal) as refused:
                await stranger.emit(event, said)
            assert refused.value.code.endswith(".unknown"), event
