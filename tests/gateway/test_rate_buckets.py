"""The arithmetic of rate limits: what it promises for any traffic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.rate_limits.buckets import (
    FULLEST_WINDOWS,
    WINDOW_MS,
    Level,
    correct,
    drained,
    take,
)
from tests.gateway.rates import bucket

LIMITS = st.integers(1, 10**9)
AMOUNTS = st.integers(1, 10**7)
PAUSES_MS = st.integers(0, 90_000)
TRAFFIC = st.lists(st.tuples(PAUSES_MS, AMOUNTS), min_size=1, max_size=40)


def admitted(limit: int, traffic: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return when, by a clock in milliseconds, which amounts were admitted."""
    level, now_ms, found = None, 0, []
    for pause_ms, amount in traffic:
        now_ms += pause_ms
        taken = take([bucket(limit, amount)], [level], now_ms=now_ms)
        level = Level(taken.used[0], now_ms)
        if taken.is_admitted:
            found.append((now_ms, amount))
    return found


@given(LIMITS, TRAFFIC)
def test_no_span_admits_more_than_the_allowance_and_what_drains_meanwhile(
    limit: int, traffic: list[tuple[int, int]]
) -> None:
    passed = admitted(limit, traffic)

    for index, (begins_ms, _) in enumerate(passed):
        total = 0
        for ends_ms, amount in passed[index:]:
            total += amount
            span_ms = ends_ms - begins_ms
            assert total * WINDOW_MS <= limit * (WINDOW_MS + span_ms)


@given(LIMITS, TRAFFIC)
def test_what_is_refused_would_have_been_too_much(
    limit: int, traffic: list[tuple[int, int]]
) -> None:
    level = None
    now_ms = 0
    for pause_ms, amount in traffic:
        now_ms += pause_ms
        asked = bucket(limit, amount)
        taken = take([asked], [level], now_ms=now_ms)
        before = drained(level, limit, now_ms=now_ms)
        assert taken.is_admitted == (before + amount * WINDOW_MS <= limit * WINDOW_MS)
        level = Level(taken.used[0], now_ms)


@given(LIMITS, TRAFFIC)
def test_who_waits_as_long_as_told_is_admitted_and_no_sooner(
    limit: int, traffic: list[tuple[int, int]]
) -> None:
    level, now_ms = None, 0
    for pause_ms, amount in traffic:
        now_ms += pause_ms
        asked = bucket(limit, min(amount, limit))
        taken = take([asked], [level], now_ms=now_ms)
        level = Level(taken.used[0], now_ms)
        if not taken.is_admitted:
            wait_ms = asked.wait_ms(taken.used[0])
            assert not take([asked], [level], now_ms=now_ms + wait_ms - 1).is_admitted
            assert take([asked], [level], now_ms=now_ms + wait_ms).is_admitted


@given(st.lists(st.tuples(LIMITS, AMOUNTS, st.integers(0, 10**14)), min_size=2))
def test_a_request_that_one_bucket_refuses_takes_nothing_from_the_others(
    asked: list[tuple[int, int, int]],
) -> None:
    buckets = [bucket(limit, amount) for limit, amount, _ in asked]
    levels = [Level(used, 0) for _, _, used in asked]

    taken = take(buckets, levels, now_ms=0)

    before = tuple(level.used for level in levels)
    pairs = list(zip(buckets, before, strict=True))
    assert taken.is_admitted == all(b.fits(used) for b, used in pairs)
    if not taken.is_admitted:
        assert taken.used == before


@given(LIMITS, st.integers(0, 10**14), st.integers(-(10**10), 10**10))
def test_a_correction_never_owes_more_than_a_further_minute(
    limit: int, used: int, difference: int
) -> None:
    corrected = correct(Level(used, 0), limit, difference, now_ms=0)

    assert 0 <= corrected <= FULLEST_WINDOWS * limit * WINDOW_MS
    later = Level(corrected, 0)
    after_ms = FULLEST_WINDOWS * WINDOW_MS
    assert drained(later, limit, now_ms=after_ms) == 0


@given(LIMITS, AMOUNTS, AMOUNTS)
def test_a_correction_leaves_what_was_really_used(
    limit: int, guessed: int, actual: int
) -> None:
    level = Level(min(guessed, limit) * WINDOW_MS, 0)
    difference = actual - min(guessed, limit)

    corrected = correct(level, limit, difference, now_ms=0)

    assert corrected == min(actual, FULLEST_WINDOWS * limit) * WINDOW_MS


def test_a_clock_that_went_back_neither_drains_nor_locks_out() -> None:
    level = Level(2 * WINDOW_MS, at_ms=10_000_000)
    asked = bucket(3)

    taken = take([asked], [level], now_ms=1000)

    assert taken.used == (3 * WINDOW_MS,)
    later = [Level(taken.used[0], 1000)]
    assert take([asked], later, now_ms=1000 + asked.wait_ms(taken.used[0])).is_admitted


def test_what_is_left_and_when_all_is_there_again() -> None:
    asked = bucket(60, 15)
    used = 20 * WINDOW_MS + 1

    assert asked.remaining(used) == 39
    assert asked.full_in_ms(used) == 20_001
    assert asked.wait_ms(used) == 0
    assert bucket(60, 61).can_ever_fit is False
