"""Usage records of the past three months, by the million."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, models

from keys.models import ApiKey
from orgs.models import Organization
from usage.models import UsageRecord
from usage.partitions import ensure_partitions

DAYS = 90
KEYS = 20
CHOICES = "ARRAY['gpt-4o-mini', 'gpt-4o', 'gpt-5', 'gpt-5-mini', 'o4-mini']"
# What differs between records; any other column is its type's nothing.
EXPRESSIONS = {
    "event_id": "uuidv7(at - clock_timestamp())",
    "sequence": "nextval('usage_usagerecord_sequence')",
    "occurred_at": "at",
    "booked_at": "at",
    "organization_id": "%(organization)s",
    "api_key_id": f"(%(keys)s::bigint[])[1 + number %% {KEYS}]",
    "user_id": "NULL::bigint",
    "endpoint": "'chat.completions'",
    "model": f"({CHOICES})[1 + (number * 7) %% 5]",
    "input_tokens": "50 + number %% 4000",
    "output_tokens": "10 + number %% 900",
    "cost_nanos": "(50 + number %% 4000) * 150 + (10 + number %% 900) * 600",
    "cycle_start": "date_trunc('month', at, 'UTC')::date",
    "kind": "'actual'",
    # Of any price: 0 would say that none has one, which is not what is timed.
    "price_id": "1",
    "corrects": "NULL::uuid",
    "outcome": "'succeeded'",
    "status_code": "200",
    "latency_ms": "200 + number %% 3000",
    "first_token_ms": "NULL::integer",
}
# In the order of time, as they were booked.
INSERT = """
INSERT INTO usage_usagerecord ({names})
SELECT {values} FROM (
    SELECT number, %(first)s::timestamptz + number * %(step)s::interval AS at
    FROM generate_series(0, %(count)s - 1) AS number
) AS place
"""


def add_records(organization: Organization, count: int) -> None:
    """Insert so many records, evenly over the last months."""
    last = datetime.now(UTC)
    first = last - timedelta(days=DAYS)
    ensure_partitions(first=first.date(), last=last.date())
    columns = {str(field.column): value_of(field) for field in UsageRecord._meta.fields}
    statement = INSERT.format(
        names=", ".join(columns), values=", ".join(columns.values())
    )
    parameters: dict[str, Any] = {
        "organization": organization.pk,
        "keys": [key.pk for key in keys_of(organization)],
        "first": first,
        "step": timedelta(days=DAYS) / count,
        "count": count,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        cursor.execute("ANALYZE usage_usagerecord")


def value_of(field: models.Field[Any, Any]) -> str:
    if field.column in EXPRESSIONS:
        return EXPRESSIONS[field.column]
    if field.null:
        return "NULL"
    if isinstance(field, models.BooleanField):
        return "false"
    return "0" if isinstance(field, models.IntegerField) else "''"


def keys_of(organization: Organization) -> list[ApiKey]:
    """Return the organization's keys, made if they are missing."""
    missing = KEYS - ApiKey.objects.filter(organization=organization).count()
    for number in range(missing):
        ApiKey.objects.create(
            kind="service",
            environment=organization.environment,
            organization=organization,
            name=f"Service {number}",
            handle=secrets.token_hex(6),
            digest=secrets.token_hex(32),
            last_four="wxyz",
        )
    return list(ApiKey.objects.filter(organization=organization)[:KEYS])
