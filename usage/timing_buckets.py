"""
Buckets of latencies, so that percentiles of any span come from sums. Pure.

Sixty-five buckets: below 16 ms, then four for each doubling, up to 881 s and beyond.
A percentile is at most 10 % off what the records themselves say (nearest rank), as
long as that lies between 16 ms and 881 s: a bucket's bounds are a factor of 1.21 apart
at most, and its geometric middle is what is told of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, sqrt

# Where a bucket ends and the next begins, in milliseconds.
BOUNDS_MS = tuple(round(16 * 2 ** (n / 4)) for n in range(64))
BUCKETS = len(BOUNDS_MS) + 1
ERROR_PERCENT = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many requests took how long."""

    counts: tuple[int, ...] = (0,) * BUCKETS

    @property
    def requests(self) -> int:
        return sum(self.counts)

    def percentile_ms(self, percent: int) -> int | None:
        """Return the latency that so many percent of the requests did not pass."""
        if not self.requests:
            return None
        rank = max(ceil(self.requests * percent / 100), 1)
        reached = accumulate(self.counts)
        return middle_ms(next(n for n, sofar in enumerate(reached) if sofar >= rank))


def middle_ms(bucket: int) -> int:
    """Return what is told of a bucket's latencies; of the last one, its beginning."""
    if bucket == 0:
        return BOUNDS_MS[0] // 2
    first = BOUNDS_MS[bucket - 1]
    if bucket == BUCKETS - 1:
        return first
    return round(sqrt(first * (BOUNDS_MS[bucket] - 1)))


def together(histograms: Iterable[Histogram]) -> Histogram:
    """Add histograms up."""
    columns: Sequence[tuple[int, ...]] = [each.counts for each in histograms]
    return Histogram(tuple(map(sum, zip(*columns, strict=True)))) if columns else NONE


NONE = Histogram()
