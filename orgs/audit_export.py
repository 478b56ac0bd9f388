"""Audit events as CSV and JSON, a piece at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from core.csv_text import csv_text
from orgs.models import AuditEvent

COLUMNS = (
    "id",
    "created_at",
    "action",
    "target",
    "actor_id",
    "actor_email",
    "door",
    "address",
    "user_agent",
    "details",
    "sequence",
    "previous_hash",
    "hash",
)


def facts_of(event: AuditEvent) -> dict[str, Any]:
    """Return an event as both formats tell it."""
    # An event whose transaction has not ended has no link yet.
    link = getattr(event, "link", None)
    values = (
        event.public_id,
        event.created_at.isoformat(),
        event.action,
        event.target,
        event.actor.public_id if event.actor else None,
        event.actor.email if event.actor else None,
        event.door,
        event.address,
        event.user_agent,
        event.details,
        link.sequence if link else None,
        link.previous_hash if link else None,
        link.hash if link else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(chunks: Iterable[list[AuditEvent]]) -> Iterator[str]:
    """Yield CSV with a head; details are JSON in one column."""
    yield csv_text([COLUMNS])
    for chunk in chunks:
        yield csv_text([csv_line(facts_of(event)) for event in chunk])


def csv_line(facts: dict[str, Any]) -> list[str]:
    facts["details"] = json.dumps(facts["details"], ensure_ascii=False, sort_keys=True)
    return ["" if value is None else str(value) for value in facts.values()]


def as_json(chunks: Iterable[list[AuditEvent]]) -> Iterator[str]:
    """Yield one JSON array, an event on each line."""
    mark = "[\n"
    for chunk in chunks:
        lines = (json.dumps(facts_of(event), ensure_ascii=False) for event in chunk)
        yield mark + ",\n".join(lines)
        mark = ",\n"
    yield "[]\n" if mark == "[\n" else "\n]\n"
