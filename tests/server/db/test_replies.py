from __future__ import annotations

import asyncio

import pytest

from server.db.replies import KEPT_FOR, claim, forget_old, remember
from server.db.unit import Units
from server.errors import ServiceError
from tests.support.database import SetClock


async def run_once(units: Units, effects: list[int], fingerprint: str = "f") -> str:
    """A command under one key: its effect, unless the key was used before."""
    async with units.open() as unit:
        known = await claim(unit, "clerk:key", fingerprint)
        if known is not None:
            return known
        await asyncio.sleep(0)
        effects.append(len(effects) + 1)
        answer = f'{{"effect": {effects[-1]}}}'
        await remember(unit, "clerk:key", answer)
    return answer


async def test_a_key_gives_the_first_answer_again(either_units: Units) -> None:
    effects: list[int] = []
    assert await run_once(either_units, effects) == '{"effect": 1}'
    assert await run_once(either_units, effects) == '{"effect": 1}'
    assert effects == [1]


async def test_of_ten_commands_with_one_key_at_once_one_has_an_effect(
    either_units: Units,
) -> None:
    effects: list[int] = []
    answers = await asyncio.gather(*(run_once(either_units, effects) for _ in range(10)))
    assert effects == [1]
    assert set(answers) == {'{"effect": 1}'}


async def test_a_key_used_for_something_else_is_refused(either_units: Units) -> None:
    effects: list[int] = []
    await run_once(either_units, effects)
    with pytest.raises(ServiceError, match=r"idempotency_key\.reused"):
        await run_once(either_units, effects, "another body")
    assert effects == [1]


async def test_a_command_that_was_refused_leaves_its_key_free(either_units: Units) -> None:
    async def fail() -> None:
        async with either_units.open() as unit:
            await claim(unit, "clerk:key", "f")
            raise ServiceError("ticket.gone")

    with pytest.raises(ServiceError, match=r"ticket\.gone"):
        await fail()
    assert await run_once(either_units, []) == '{"effect": 1}'


async def test_answers_are_kept_for_a_week(either_units: Units, clock: SetClock) -> None:
    effects: list[int] = []
    await run_once(either_units, effects)
    for passed, count in ((KEPT_FOR, 1), (KEPT_FOR * 1.001, 2)):
        clock.now = SetClock.now + passed
        async with either_units.open() as unit:
            await forget_old(unit)
        await run_once(either_units, effects)
        assert len(effects) == count
