from __future__ import annotations

from dataclasses import replace

import pytest

from server.errors import ServiceError
from server.items.rules import Field, FieldType, Owner
from tests.support.desk import AGENT, CLERK, Desk

SINCE = Field("since", "起", Owner.LOCAL, FieldType.DATE, required=False)


@pytest.fixture
def dated_desk(desk: Desk) -> Desk:
    """Two halls whose pension item says that the figures' date follows another."""
    item = desk.items.current("pension-lump-sum")
    fields = [
        replace(field, not_before="since") if field.name == "as_of" else field
        for field in item.fields
    ]
    changed = replace(item, fields=(*fields, SINCE))
    object.__setattr__(desk.items, "by_version", {(item.code, item.version): changed})
    return desk


async def test_no_certificate_is_issued_on_dates_in_the_wrong_order(dated_desk: Desk) -> None:
    case_id = await dated_desk.ready_case()
    await dated_desk.write(CLERK, case_id, "since", "2026-11-20")
    await dated_desk.write(AGENT, case_id, "as_of", "2026-11-19")
    with pytest.raises(ServiceError) as refused:
        await dated_desk.issue(case_id)
    assert refused.value.code == "date.out_of_range"
    assert refused.value.details == {"field": "as_of", "earliest": "2026-11-20"}
    await dated_desk.write(AGENT, case_id, "as_of", "2026-11-20")
    await dated_desk.issue(case_id)
