from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.relays.rules import WORKER_LEASE, Load, choose_worker, must_renew


def test_the_worker_with_the_smallest_part_of_its_capacity_taken_is_chosen() -> None:
    assert choose_worker([Load("a", 10, 5), Load("b", 100, 20)]) == "b"
    assert choose_worker([Load("a", 10, 1), Load("b", 100, 20)]) == "a"


def test_a_full_worker_takes_no_leg() -> None:
    assert choose_worker([Load("a", 2, 2), Load("b", 0, 0), Load("c", 100, 99)]) == "c"
    assert choose_worker([Load("a", 2, 3)]) is None
    assert choose_worker([]) is None


def test_of_equals_every_process_chooses_the_same() -> None:
    loads = [Load("b", 10, 1), Load("a", 10, 1), Load("c", 20, 2)]
    assert choose_worker(loads) == choose_worker(reversed(loads)) == "a"


def test_a_lease_is_written_at_half_time() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert not must_renew(now + WORKER_LEASE, now)
    assert not must_renew(now + WORKER_LEASE / 2, now)
    assert must_renew(now + WORKER_LEASE / 2 - timedelta(microseconds=1), now)
