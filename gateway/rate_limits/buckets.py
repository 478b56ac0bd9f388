"""
The arithmetic of rate limits: buckets that fill by requests and drain with time. Pure.

A bucket holds what was used, drains evenly by its limit in a minute, and takes what
still fits. Levels are whole numbers in units times milliseconds, so that nothing is
rounded: a drain of one millisecond is the limit itself. `gateway.rate_limits.store`
has the same arithmetic in Redis; a test holds the two to the same levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.rate_limits import RateRule

WINDOW_MS = 60_000
# How far a correction may overfill a bucket: then it is full for a minute more.
FULLEST_WINDOWS = 2
REQUESTS, TOKENS = "requests", "tokens"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One allowance that a request is counted in, and what the request asks of it."""

    rule: RateRule
    # Of requests or of tokens.
    kind: str
    key: str
    limit: int
    amount: int

    @property
    def can_ever_fit(self) -> bool:
        return self.amount <= self.limit

    def fits(self, used: int) -> bool:
        """Say whether the request fits beside what is used already."""
        return used + self.amount * WINDOW_MS <= self.limit * WINDOW_MS

    def remaining(self, used: int) -> int:
        """Return how many units are left, whole ones."""
        return max(0, self.limit - -(-used // WINDOW_MS))

    def full_in_ms(self, used: int) -> int:
        """Return when the whole allowance is there again."""
        return -(-used // self.limit)

    def wait_ms(self, used: int) -> int:
        """Return when the request fits, if nobody else comes before it."""
        excess = used + (self.amount - self.limit) * WINDOW_MS
        return max(0, -(-excess // self.limit))


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was counted: in which buckets, and whether all gateways' ones."""

    buckets: tuple[Bucket, ...]
    is_shared: bool

    @property
    def token_buckets(self) -> tuple[Bucket, ...]:
        return tuple(bucket for bucket in self.buckets if bucket.kind == TOKENS)


@dataclass(frozen=True, slots=True)
class Level:
    """What a bucket held at an instant of one clock."""

    used: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request was admitted, and what each bucket holds now."""

    is_admitted: bool
    used: tuple[int, ...]


def drained(level: Level | None, limit: int, *, now_ms: int) -> int:
    """Return what is left in a bucket; a clock that went back drains nothing."""
    if level is None:
        return 0
    elapsed_ms = max(0, now_ms - level.at_ms)
    return max(0, level.used - elapsed_ms * limit)


def take(
    buckets: Sequence[Bucket], levels: Sequence[Level | None], *, now_ms: int
) -> Taken:
    """Put a request into all of its buckets, or, if one has no room, into none."""
    pairs = zip(buckets, levels, strict=True)
    before = [drained(level, b.limit, now_ms=now_ms) for b, level in pairs]
    pairs_before = list(zip(buckets, before, strict=True))
    if not all(bucket.fits(used) for bucket, used in pairs_before):
        return Taken(False, tuple(before))
    return Taken(True, tuple(u + b.amount * WINDOW_MS for b, u in pairs_before))


def correct(level: Level | None, limit: int, difference: int, *, now_ms: int) -> int:
    """
    Return a bucket's level when a request used more (or less) than it took.

    It may overfill: then nothing fits for a while, `FULLEST_WINDOWS` minutes at most.
    """
    used = drained(level, limit, now_ms=now_ms) + difference * WINDOW_MS
    return min(max(0, used), FULLEST_WINDOWS * limit * WINDOW_MS)
