"""What changed as CSV: the same figures as the page, all rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from billing.change_queries import Changes, KeyChange, Periods
from billing.change_words import PARTS
from billing.spend_changes import ModelChange
from core.csv_text import csv_text
from core.money import exact_usd


def models_csv(changes: Changes) -> str:
    """Return a line for each model, with the parts of its difference."""
    parts = [f"{name} (USD)" for name, _ in PARTS.values()]
    header = ["Model", *figure_names(changes.periods), "Difference (USD)", *parts]
    total = ModelChange("Total", changes.before, changes.after, changes.parts)
    lines = [model_line(each) for each in (*changes.models, total)]
    return csv_text([header, *lines])


def model_line(change: ModelChange) -> Sequence[str]:
    before, after = change.before, change.after
    parts = (getattr(change.parts, part) for part in PARTS)
    return [
        change.model or "No model",
        str(before.requests),
        str(after.requests),
        *map(exact_usd, (before.cost_nanos, after.cost_nanos, change.difference)),
        *map(exact_usd, parts),
    ]


def keys_csv(keys: Iterable[KeyChange], periods: Periods) -> str:
    """Return a line for each key that the viewer sees."""
    header = ["Key ID", "Key", *figure_names(periods), "Difference (USD)"]
    lines: list[Sequence[str]] = [header]
    for each in keys:
        before, after = each.before, each.after
        lines.append(
            [
                each.group.value,
                each.group.name,
                str(before.requests),
                str(after.requests),
                *map(exact_usd, (before.cost_nanos, after.cost_nanos, each.difference)),
            ]
        )
    return csv_text(lines)


def figure_names(periods: Periods) -> list[str]:
    days = [f"{span.first} to {span.last}" for span in (periods.before, periods.after)]
    return [
        *(f"Requests {each}" for each in days),
        *(f"Cost {each} (USD)" for each in days),
    ]
