"""
What this process counts of itself, for Prometheus. docs/operations.md explains each.

No label takes a value from outside: no organization, key or model.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

# Half a millisecond to ten seconds: a commit, up to a database that hangs.
SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 1, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

REQUESTS = Counter(
    "tokenhouse_requests",
    "Requests to a model that ended in the books.",
    ["endpoint", "outcome"],
)
REFUSALS = Counter(
    "tokenhouse_refusals", "Requests answered with an error of ours.", ["code"]
)
REFUSALS_UNTOLD = Counter(
    "tokenhouse_refusals_untold",
    "Refusals that no page tells of: too many at once, or not written.",
)
UPSTREAM_ERRORS = Counter(
    "tokenhouse_upstream_errors", "Calls in which the provider failed.", ["kind"]
)
BOUND_VIOLATIONS = Counter(
    "tokenhouse_bound_violations", "Calls that cost more than their bound: a bug."
)
STREAMS_OPEN = Gauge("tokenhouse_streams_open", "Streams that are being relayed.")
ADDED_SECONDS = Histogram(
    "tokenhouse_added_seconds",
    "From a request's arrival until it goes to the provider.",
    buckets=SECONDS,
)
HOLD_SECONDS = Histogram(
    "tokenhouse_hold_seconds",
    "From asking for a hold until it is decided, committed.",
    buckets=SECONDS,
)
SETTLE_SECONDS = Histogram(
    "tokenhouse_settle_seconds",
    "From a call's end until its settlement is committed.",
    buckets=SECONDS,
)
BOOKING_BATCH = Histogram(
    "tokenhouse_booking_batch",
    "Holds, settlements and releases that share a transaction.",
    buckets=SIZES,
)
BOOKINGS_WAITING = Gauge(
    "tokenhouse_bookings_waiting", "Bookings that wait for the next transaction."
)
HOLDS_OPEN = Gauge("tokenhouse_holds_open", "Holds of this process under way.")
BOOKS_REACHABLE = Gauge(
    "tokenhouse_books_reachable", "1 while this process can book, 0 while it cannot."
)
CACHE_LOOKUPS = Counter(
    "tokenhouse_cache_lookups", "Looks for an answer in the cache.", ["result"]
)
RATE_CHECKS = Counter(
    "tokenhouse_rate_checks", "Requests held against a rate limit.", ["store"]
)
RATE_STORE_REACHABLE = Gauge(
    "tokenhouse_rate_store_reachable",
    "1 while Redis counts rates, 0 while this process counts alone.",
)
RATE_STORE_REACHABLE.set(1)


@cache
def requests_of(endpoint: str, outcome: str) -> Counter:
    """Return the counter of an endpoint's outcome: to look it up costs half of it."""
    return REQUESTS.labels(endpoint, outcome)
