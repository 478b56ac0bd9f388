"""Percentiles that come from buckets are near to those of the latencies themselves."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from usage.timing_buckets import (
    BOUNDS_MS,
    BUCKETS,
    ERROR_PERCENT,
    Histogram,
    middle_ms,
    together,
)

LATENCIES = st.lists(
    st.integers(BOUNDS_MS[0], BOUNDS_MS[-1]) | st.integers(100, 5_000), min_size=1
)


def histogram_of(latencies: list[int]) -> Histogram:
    counted = Counter(bisect_right(BOUNDS_MS, latency) for latency in latencies)
    return Histogram(tuple(counted[n] for n in range(BUCKETS)))


@settings(max_examples=25, deadline=None)
@given(latencies=LATENCIES, percent=st.sampled_from((50, 95, 99)))
def test_a_percentile_is_off_by_no_more_than_is_stated(
    latencies: list[int], percent: int
) -> None:
    exact = sorted(latencies)[ceil(len(latencies) * percent / 100) - 1]
    told = histogram_of(latencies).percentile_ms(percent)

    assert told is not None
    assert abs(told - exact) <= exact * ERROR_PERCENT / 100


def test_no_bucket_is_further_off_than_is_stated() -> None:
    for n in range(1, BUCKETS - 1):
        for edge in (BOUNDS_MS[n - 1], BOUNDS_MS[n] - 1):
            assert abs(middle_ms(n) - edge) <= edge * ERROR_PERCENT / 100, n


@settings(max_examples=25, deadline=None)
@given(one=LATENCIES, other=LATENCIES)
def test_histograms_together_are_the_histogram_of_all(
    one: list[int], other: list[int]
) -> None:
    both = together([histogram_of(one), histogram_of(other)])

    assert both == histogram_of(one + other)


def test_of_nothing_there_is_no_percentile() -> None:
    assert Histogram().percentile_ms(95) is None
    assert together([]) == Histogram()
