"""Latency and health for programs: the numbers of the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.csv_text import csv_text
from usage.tables import column_name
from usage.timings import Health

PERCENTILES = (
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "first_token_p50_ms",
    "first_token_p95_ms",
)
COUNTS = ("requests", "failed_requests", "refused_requests")


def health_rows(found: Iterable[Health]) -> list[dict[str, Any]]:
    """Return a row for each group; None is what is not known."""
    return [
        {
            "id": row.group.value or None,
            "name": row.group.name,
            "requests": row.amounts.requests,
            "failed_requests": row.amounts.failed_requests,
            "refused_requests": row.refused,
            **dict(zip(PERCENTILES, row.percentiles, strict=True)),
            "tokens_per_second": row.timing.tokens_per_second,
        }
        for row in found
    ]


def health_csv(found: tuple[Health, ...], dimension_name: str) -> str:
    """Return the groups as CSV; an empty cell is what is not known."""
    fields = (*COUNTS, *PERCENTILES, "tokens_per_second")
    lines = [[dimension_name, *fields]]
    for health, row in zip(found, health_rows(found), strict=True):
        values = (row[field] for field in fields)
        cells = ["" if value is None else str(value) for value in values]
        lines.append([column_name(health.group), *cells])
    return csv_text(lines)
