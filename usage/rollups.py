"""The SQL that turns usage records into sums by hour."""

from __future__ import annotations

from usage.counts import COUNTS
from usage.timing_buckets import BOUNDS_MS, BUCKETS

# Each sum of usage.models.UsageHour, over the records of one hour and dimension. A
# correction changes sums; it is no request. A client that left did not
# fail, nor did what the cache answered.
SUMS = {
    "requests": "count(*) FILTER (WHERE kind <> 'correction')",
    "failed_requests": (
        "count(*) FILTER (WHERE kind <> 'correction' "
        "AND outcome NOT IN ('succeeded', 'cached', 'client_left'))"
    ),
    "estimated_requests": "count(*) FILTER (WHERE kind = 'estimated')",
    **{name: f"sum({name})" for name in COUNTS},
    "cost_nanos": "sum(cost_nanos)",
}
DIMENSIONS = (
    "organization_id",
    "hour",
    "cycle_start",
    "api_key_id",
    "user_id",
    "model",
    "endpoint",
    "simulated",
)

# The last use of each key in each organization. Keys that were deleted have none.
NOTE_KEY_USES = """
INSERT INTO keys_keyuse (organization_id, api_key_id, last_used_at, model)
SELECT DISTINCT ON (record.organization_id, record.api_key_id)
    record.organization_id, record.api_key_id, record.occurred_at, record.model
FROM usage_usagerecord AS record
JOIN keys_apikey ON keys_apikey.id = record.api_key_id
JOIN orgs_organization ON orgs_organization.id = record.organization_id
WHERE record.sequence > %s AND record.sequence <= %s AND record.kind <> 'correction'
ORDER BY record.organization_id, record.api_key_id, record.occurred_at DESC
ON CONFLICT ON CONSTRAINT key_use_once DO UPDATE
SET last_used_at = excluded.last_used_at, model = excluded.model
WHERE excluded.last_used_at > keys_keyuse.last_used_at
"""


def add_hours(condition: str) -> str:
    """Return the statement that adds the records of a condition to the rollups."""
    added = ", ".join(
        f"{name} = usage_usagehour.{name} + excluded.{name}" for name in SUMS
    )
    # In one order, so that two statements never wait for each other.
    dimensions = ", ".join(DIMENSIONS)
    return f"""
INSERT INTO usage_usagehour ({dimensions}, {", ".join(SUMS)})
SELECT {dimensions}, {", ".join(SUMS.values())}
FROM (
    SELECT *, date_trunc('hour', occurred_at, 'UTC') AS hour FROM usage_usagerecord
) AS record
WHERE {condition}
GROUP BY {dimensions}
ORDER BY {dimensions}
ON CONFLICT ON CONSTRAINT usage_hour_once_per_dimension DO UPDATE SET {added}
"""  # noqa: S608 - our own names, and conditions of our own


def counted(bucket: str) -> str:
    """Return the expression of how many records are in each bucket."""
    counts = (f"count(*) FILTER (WHERE {bucket} = {n})" for n in range(BUCKETS))
    return f"ARRAY[{', '.join(counts)}]::integer[]"


# The sums of usage.models.TimingHour.
STREAMED = "FILTER (WHERE first_token_ms < latency_ms)"
TIMINGS = {
    "latency_counts": counted("latency_bucket"),
    "first_token_counts": counted("first_token_bucket"),
    "generated_tokens": f"coalesce(sum(output_tokens) {STREAMED}, 0)",
    "generation_ms": f"coalesce(sum(latency_ms - first_token_ms) {STREAMED}, 0)",
}


def added_counts(name: str) -> str:
    """Return the clause that adds counts bucket by bucket."""
    kept, new = f"usage_timinghour.{name}", f"excluded.{name}"
    return (
        f"{name} = ARRAY(SELECT kept + new FROM unnest({kept}, {new}) "  # noqa: S608
        "WITH ORDINALITY AS bucket (kept, new, place) ORDER BY place)"
    )


def add_timings(condition: str) -> str:
    """Return the statement that adds the records of a condition to the timings."""
    dimensions = ", ".join(DIMENSIONS)
    bounds = f"ARRAY[{', '.join(map(str, BOUNDS_MS))}]::bigint[]"
    return f"""
INSERT INTO usage_timinghour ({dimensions}, {", ".join(TIMINGS)})
SELECT {dimensions}, {", ".join(TIMINGS.values())}
FROM (
    SELECT *, date_trunc('hour', occurred_at, 'UTC') AS hour,
        width_bucket(latency_ms::bigint, {bounds}) AS latency_bucket,
        width_bucket(first_token_ms::bigint, {bounds}) AS first_token_bucket
    FROM usage_usagerecord
) AS record
WHERE {condition} AND kind <> 'correction' AND outcome = 'succeeded'
GROUP BY {dimensions}
ORDER BY {dimensions}
ON CONFLICT ON CONSTRAINT timing_hour_once_per_dimension DO UPDATE SET
    {added_counts("latency_counts")},
    {added_counts("first_token_counts")},
    generated_tokens = usage_timinghour.generated_tokens + excluded.generated_tokens,
    generation_ms = usage_timinghour.generation_ms + excluded.generation_ms
"""  # noqa: S608 - our own names, and conditions of our own
