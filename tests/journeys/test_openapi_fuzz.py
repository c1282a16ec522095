"""Whatever the API's own document allows, sent to the whole service by all who have a login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from counter_client.client import Client, new_key
from tests.support.service import Service
from tests.support.story import Story, playing

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
EXAMPLES = 4  # For each operation; there are some sixty of them.
# It would end the login that everything else is asked with.
LEFT_OUT = {"/api/logout"}
QUICKLY = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@schemathesis.serializer("application/pdf", "image/jpeg", "image/png", "video/webm")
def as_it_is(_context: object, value: object) -> bytes:
    """A file is sent as the bytes that were made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture
async def story(service: Service) -> AsyncIterator[Story]:
    """A certified case with its screen and its citizen's phone, the call still going on."""
    async with playing(service.url) as played:
        await played.prepare()
        await played.issue()
        await played.hand_over()
        yield played


def cookies_of(*clients: Client) -> dict[str, str]:
    """Their cookies in one browser: which counts is decided by the path."""
    return {cookie.key: cookie.value for client in clients for cookie in client._http.cookie_jar}


def ask(
    operation: Any,  # noqa: ANN401 (schemathesis' own)
    base: str, who: list[dict[str, str]], known: Mapping[str, str],
) -> None:  # fmt: skip
    """Send generated requests of one operation, and judge each answer by the document."""

    @QUICKLY
    @given(case=operation.as_strategy(), cookies=st.sampled_from(who), ours=st.booleans())
    def send(case: Any, cookies: dict[str, str], ours: bool) -> None:  # noqa: ANN401, FBT001
        if ours:
            case.path_parameters = {**(case.path_parameters or {}), **{
                name: known[name] for name in case.path_parameters or {} if name in known
            }}  # fmt: skip
        headers = {"Origin": base, "Idempotency-Key": new_key()}
        answer = case.call(base_url=base, headers=headers, cookies=cookies, timeout=60)
        # 503 says that the service is busy or has no key; anything else above is a fault of ours.
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        operation.validate_response(answer, case=case)

    send()


async def test_every_answer_is_as_the_document_says(service: Service, story: Story) -> None:
    cast = story.cast
    [certificate] = await cast.agent.certificates(story.case_id)
    case = await cast.agent.case(story.case_id)
    known = {
        "case_id": story.case_id,
        "call_id": story.call_id,
        "certificate_id": certificate["id"],
        "material_id": case["materials"][0]["id"],
        "name": "balance",
    }
    who = [cookies_of(clerk, cast.screen, cast.citizen) for clerk in (cast.counter, cast.agent)]
    document = await cast.agent.fetch("/api/openapi.json")
    schema = schemathesis.openapi.from_file(document.decode())
    with capture_logs() as lines:
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path not in LEFT_OUT:
                await asyncio.to_thread(ask, operation, service.url, who, known)
    asked = [line for line in lines if line["event"] == "answered"]
    assert {line["status"] for line in asked} >= {200, 404, 409, 422}
    assert [line for line in lines if line["event"] == "crash"] == []
