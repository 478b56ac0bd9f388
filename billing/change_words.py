"""How a change of spend is shown: its steps in words, and its sentence. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import accumulate, pairwise

from billing.change_queries import Changes
from core.templatetags.money import usd_change, usd_exact
from usage.spans import Span

# Each part: its name, and what it means, in the order of the steps.
PARTS: dict[str, tuple[str, str]] = {
    "volume": ("Volume", "More or fewer requests, at what one cost before"),
    "mix": ("Model mix", "Requests that moved to dearer or cheaper models"),
    "length": ("Length", "More or fewer tokens in a request"),
    "cache": ("Cache", "How much of the input the provider had cached"),
    "price": ("Price", "Prices that changed"),
    "other": (
        "Other",
        "Service tiers, long contexts, answers from the gateway’s cache, estimates",
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """
    A part, and its bar between the spend before and after it.

    `begins_at` and `width` are in percent of the longest of all bars.
    """

    name: str
    meaning: str
    nanos: int
    begins_at: float
    width: float


def steps_of(changes: Changes) -> list[Step]:
    """Return every part on the way from before to after, also those of nothing."""
    reached = reached_by_step(changes)
    steps = []
    for (name, meaning), (begins, ends) in zip(
        PARTS.values(), pairwise(reached), strict=True
    ):
        left, right = (bar_percent(each, changes) for each in sorted((begins, ends)))
        steps.append(Step(name, meaning, ends - begins, left, round(right - left, 2)))
    return steps


def reached_by_step(changes: Changes) -> list[int]:
    """Return the spend before, and after each of the parts."""
    before = changes.before.cost_nanos
    return [*accumulate(astuple(changes.parts), initial=before)]


def bar_percent(nanos: int, changes: Changes) -> float:
    """Return how long the bar of an amount is, in percent of the longest."""
    longest = max(*reached_by_step(changes), 1)
    return round(100 * max(nanos, 0) / longest, 2)


def days_named(span: Span) -> str:
    """Return the days of a span as people say them."""
    if span.cycle_start is not None:
        return f"{span.cycle_start:%B %Y}"
    if span.first == span.last:
        return f"{span.first:%-d %B %Y}"
    if span.first.year == span.last.year:
        return f"{span.first:%-d %B} to {span.last:%-d %B %Y}"
    return f"{span.first:%-d %B %Y} to {span.last:%-d %B %Y}"


def change_sentence(changes: Changes) -> str:
    """Return what changed, by how much, and mostly why."""
    before, after = changes.before.cost_nanos, changes.after.cost_nanos
    difference = changes.difference
    if not difference:
        return f"Both periods cost the same: {usd_exact(after)}."
    verb = "rose" if difference > 0 else "fell"
    by = usd_exact(abs(difference))
    if before > 0:
        by = f"{by} ({round(100 * difference / before):+,} %)"
    name, nanos = largest_part(changes)
    return (
        f"Spend {verb} by {by}, from {usd_exact(before)} to {usd_exact(after)}. "
        f"The largest part of it is {name.lower()}: {usd_change(nanos)}."
    )


def largest_part(changes: Changes) -> tuple[str, int]:
    """Return what pushed the same way as the whole did, the most of all."""
    sign = 1 if changes.difference > 0 else -1
    nanos, (name, _) = max(
        zip(astuple(changes.parts), PARTS.values(), strict=True),
        key=lambda part: sign * part[0],
    )
    return name, nanos
