"""Buckets of this process alone, for while Redis is away. The same arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.rate_limits.buckets import Bucket, Level, Taken, correct, take

# Beyond that the oldest are forgotten, which lets their callers start anew.
BUCKETS_MAX = 10_000


class LocalBuckets:
    """
    Levels by key, by a clock that never goes back.

    What Redis last said is remembered, so that its loss does not hand out a full
    allowance again. Each gateway counts for itself meanwhile.
    """

    def __init__(self) -> None:
        self._levels: dict[str, Level] = {}

    def take(self, buckets: Sequence[Bucket], *, now_ms: int) -> Taken:
        """Put a request into all of its buckets, or into none."""
        levels = [self._levels.get(bucket.key) for bucket in buckets]
        taken = take(buckets, levels, now_ms=now_ms)
        self.remember(buckets, taken.used, now_ms=now_ms)
        return taken

    def correct(
        self, buckets: Sequence[Bucket], difference: int, *, now_ms: int
    ) -> None:
        """Add what a request used more (or less) than it took."""
        used = [
            correct(
                self._levels.get(bucket.key), bucket.limit, difference, now_ms=now_ms
            )
            for bucket in buckets
        ]
        self.remember(buckets, used, now_ms=now_ms)

    def remember(
        self, buckets: Sequence[Bucket], used: Sequence[int], *, now_ms: int
    ) -> None:
        """Keep the levels of buckets."""
        for bucket, level in zip(buckets, used, strict=True):
            self._levels[bucket.key] = Level(level, now_ms)
        while len(self._levels) > BUCKETS_MAX:
            del self._levels[next(iter(self._levels))]
