from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.cases.rules import CaseState, ConsentState
from server.citizens.rules import SHOWN_AFTER, AtCounter, Step, choose_case, step_of

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def case(
    name: str,
    state: CaseState,
    consent: ConsentState = ConsentState.NONE,
    ago: timedelta = timedelta(0),
    *,
    opened: timedelta = timedelta(hours=4),
    has_call: bool = False,
) -> AtCounter:
    return AtCounter(name, state, consent, NOON - opened, NOON - ago, has_call)


@pytest.mark.parametrize(
    ("state", "consent", "step"),
    [
        (CaseState.DRAFT, ConsentState.NONE, Step.IDLE),
        (CaseState.DRAFT, ConsentState.ASKED, Step.CONSENT),
        (CaseState.DRAFT, ConsentState.GIVEN, Step.IDLE),
        (CaseState.WAITING, ConsentState.NONE, Step.WAITING),
        (CaseState.WAITING, ConsentState.ASKED, Step.CONSENT),
        (CaseState.IN_CALL, ConsentState.NONE, Step.IN_CALL),
        (CaseState.IN_CALL, ConsentState.ASKED, Step.CONSENT),
        (CaseState.IN_CALL, ConsentState.REFUSED, Step.IN_CALL),
        (CaseState.CERTIFIED, ConsentState.GIVEN, Step.CERTIFICATE),
        (CaseState.CERTIFIED, ConsentState.ASKED, Step.CERTIFICATE),
        (CaseState.SETTLED, ConsentState.GIVEN, Step.DONE),
        (CaseState.RETURNED, ConsentState.NONE, Step.DONE),
        (CaseState.REFUSED, ConsentState.GIVEN, Step.DONE),
        (CaseState.PROMISED, ConsentState.GIVEN, Step.DONE),
        (CaseState.WITH_JURISDICTION, ConsentState.GIVEN, Step.DONE),
        (CaseState.WITHDRAWN, ConsentState.ASKED, Step.IDLE),
    ],
)
def test_each_state_has_its_step(state: CaseState, consent: ConsentState, step: Step) -> None:
    assert step_of(case("a", state, consent)) is step


def test_an_empty_counter_shows_nothing() -> None:
    assert choose_case([], NOON) is None


def test_the_case_in_a_call_comes_before_any_other() -> None:
    long_ago = case("call", CaseState.IN_CALL, ago=timedelta(hours=3))
    asked = case("asked", CaseState.DRAFT, ConsentState.ASKED)
    assert choose_case([asked, long_ago], NOON) is long_ago


def test_the_case_asked_for_consent_comes_before_one_that_waits() -> None:
    waits = case("waits", CaseState.WAITING)
    asked = case("asked", CaseState.DRAFT, ConsentState.ASKED, ago=timedelta(minutes=1))
    assert choose_case([waits, asked], NOON) is asked


def test_of_two_that_wait_the_one_touched_last_is_shown() -> None:
    old = case("old", CaseState.WAITING, ago=timedelta(minutes=2))
    new = case("new", CaseState.WAITING, ago=timedelta(minutes=1))
    assert choose_case([old, new], NOON) is new


@pytest.mark.parametrize("state", [CaseState.CERTIFIED, CaseState.SETTLED, CaseState.REFUSED])
def test_the_next_citizen_does_not_see_the_last_ones_case(state: CaseState) -> None:
    shown = case("a", state, ago=SHOWN_AFTER - timedelta(seconds=1))
    gone = case("a", state, ago=SHOWN_AFTER)
    assert choose_case([shown], NOON) is shown
    assert choose_case([gone], NOON) is None


def test_a_case_leaves_the_screen_when_the_next_citizens_is_opened() -> None:
    minute = timedelta(minutes=1)
    last = case("last", CaseState.SETTLED, ago=2 * minute)
    draft = case("next", CaseState.DRAFT, opened=minute)
    assert choose_case([last, draft], NOON) is None
    # Who comes back with an older case finds it there when it is worked on.
    assert choose_case([case("last", CaseState.RETURNED), draft], NOON) is not None
    talking = case("last", CaseState.CERTIFIED, ago=2 * minute, has_call=True)
    assert choose_case([talking, draft], NOON) is talking


def test_while_its_call_goes_on_a_certificate_stays_and_comes_first() -> None:
    talking = case("call", CaseState.CERTIFIED, ago=timedelta(hours=1), has_call=True)
    waits = case("waits", CaseState.WAITING)
    assert choose_case([waits, talking], NOON) is talking


def test_one_that_waits_stays_on_the_screen() -> None:
    waits = case("a", CaseState.WAITING, ago=timedelta(hours=2))
    assert choose_case([waits], NOON) is waits
