"""Usage for tests: records as the gateway books them, and their hourly sums."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from core.periods import cycle_of
from keys.models import ApiKey, ApiKeyKind
from orgs.models import Organization, User
from usage.models import (
    Endpoint,
    Outcome,
    RecordKind,
    RefusedMinute,
    RefusedRequest,
    UsageHour,
    UsageRecord,
)


def make_key(
    name: str, *, user: User | None = None, organization: Organization | None = None
) -> ApiKey:
    """Make a personal key of `user`, or a service key of `organization`."""
    return ApiKey.objects.create(
        kind=ApiKeyKind.PERSONAL if user else ApiKeyKind.SERVICE,
        environment="production",
        organization=None if user else organization,
        user=user,
        name=name,
        handle=secrets.token_hex(6),
        digest=secrets.token_hex(32),
        last_four="wxyz",
    )


def number_records_from_one() -> None:
    """Begin the booking order again, as in a new house; there must be no records."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('usage_usagerecord_sequence', 1, false)")


def event_id_at(instant: datetime) -> uuid.UUID:
    """Return a UUID version 7 that carries an instant."""
    milliseconds = round(instant.timestamp() * 1000)
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def add_record(
    organization: Organization,
    *,
    at: datetime,
    cost_nanos: int,
    api_key: ApiKey | None = None,
    **facts: Any,
) -> UsageRecord:
    """Book one record. It is not in the hourly sums until they are made."""
    event_id = event_id_at(at)
    values = record_defaults(at) | facts
    columns = {
        "event_id": event_id,
        "organization_id": organization.pk,
        "api_key_id": api_key.pk if api_key else None,
        "user_id": api_key.user_id if api_key else None,
        "cost_nanos": cost_nanos,
        **values,
    }
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO usage_usagerecord ({names}) VALUES ({marks})",
            list(columns.values()),
        )
    return UsageRecord.objects.get(event_id=event_id)


def record_defaults(at: datetime) -> dict[str, Any]:
    return {
        "occurred_at": at,
        "endpoint": Endpoint.CHAT_COMPLETIONS,
        "model": "gpt-4o-mini",
        "simulated": False,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 50,
        "reasoning_tokens": 0,
        "cycle_start": cycle_of(at),
        "kind": RecordKind.ACTUAL,
        "outcome": Outcome.SUCCEEDED,
        "status_code": 200,
        "streamed": False,
        "price_id": 0,
        "held_nanos": 0,
        "latency_ms": 420,
    }


def add_hour(
    organization: Organization,
    *,
    at: datetime,
    cost_nanos: int = 0,
    api_key: ApiKey | None = None,
    **facts: Any,
) -> UsageHour:
    """Add the sums of an hour."""
    values: dict[str, Any] = {
        "cycle_start": cycle_of(at),
        "endpoint": Endpoint.CHAT_COMPLETIONS,
        "model": "gpt-4o-mini",
        "simulated": False,
        "input_tokens": 0,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 0,
        "reasoning_tokens": 0,
        "requests": 1,
        "failed_requests": 0,
        "estimated_requests": 0,
    }
    return UsageHour.objects.create(
        organization=organization,
        hour=at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
        api_key=api_key,
        user_id=api_key.user_id if api_key else None,
        cost_nanos=cost_nanos,
        **(values | facts),
    )


def add_refusal(
    organization: Organization, *, at: datetime, api_key: ApiKey, **facts: Any
) -> RefusedRequest:
    """Keep one refused request, by the hard limit, and count it in its minute."""
    values: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "code": "organization_spend_limit_exceeded",
        "status_code": 429,
        "message": "You exceeded your current quota.",
        "limit_nanos": 1_000,
        "spent_nanos": 900,
        "held_nanos": 60,
        "bound_nanos": 50,
    } | facts
    count_refusals(organization, at=at, api_key=api_key, **values)
    return RefusedRequest.objects.create(
        event_id=event_id_at(at),
        occurred_at=at,
        organization=organization,
        api_key=api_key,
        user_id=api_key.user_id,
        endpoint=Endpoint.RESPONSES,
        latency_ms=3,
        **values,
    )


def count_refusals(
    organization: Organization,
    *,
    at: datetime,
    api_key: ApiKey,
    requests: int = 1,
    kept: int = 1,
    **facts: Any,
) -> None:
    """Count refused requests in their minute, as many of them `kept` one by one."""
    minute, _ = RefusedMinute.objects.get_or_create(
        organization=organization,
        api_key=api_key,
        user=api_key.user,
        minute=at.replace(second=0, microsecond=0),
        model=facts.get("model", "gpt-4o-mini"),
        code=facts.get("code", "organization_spend_limit_exceeded"),
        status_code=facts.get("status_code", 429),
        defaults={"requests": 0, "kept": 0},
    )
    minute.requests += requests
    minute.kept += kept
    minute.save(update_fields=["requests", "kept"])
