"""The SQL that turns usage records into sums by hour."""

from __future__ import annotations

from usage.counts import COUNTS

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
