"""
Compare what was booked with what a provider billed, by UTC day and model. Pure.

Providers bill line items (`gpt-5-2025-08-07, cached input`), of snapshots; here a model
is booked as it was asked for. A rule leads from one to the other. What it does not know
is shown under the provider's own name, and never dropped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from billing.reconciliation_models import Verdict
from core.money import NANOS_PER_DOLLAR
from keys.provider_figures import Cost, Count

# What follows a model's name in a line item: `, cached input`, `, output_tokens`.
KIND = re.compile(
    r"(?:[a-z]+[ _])*(?:input|output|cached|tokens|characters|images?|audio|text"
    r"|seconds|minutes|training)(?:[ _][a-z0-9]+)*"
)
# A snapshot's date, at the end of a name or before what is fine-tuned of it.
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}(?=$|:)")
NAMELESS = "(no line item)"
LINE_ITEMS_MAX = 50


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked on a day for a model."""

    day: date
    model: str
    cost_nanos: int
    requests: int
    estimated_requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much two figures may differ: an amount, or a share of the provider's."""

    nanos: int
    percent: Decimal

    def covers(self, ours_nanos: int, theirs_nanos: int) -> bool:
        allowed = max(Decimal(self.nanos), abs(theirs_nanos) * self.percent / 100)
        return abs(theirs_nanos - ours_nanos) <= allowed


@dataclass(slots=True)
class Side:
    """What both say of a day and model, while it is summed up."""

    ours_nanos: int | None = None
    ours_requests: int = 0
    ours_estimated: int = 0
    ours_tokens: int = 0
    theirs_dollars: Decimal | None = None
    theirs_requests: int | None = None
    theirs_tokens: int | None = None
    line_items: set[str] = field(default_factory=set)

    @property
    def theirs_nanos(self) -> int | None:
        """What they billed, rounded once, to a nano-dollar, halves to the even one."""
        if self.theirs_dollars is None:
            return None
        nanos = self.theirs_dollars * NANOS_PER_DOLLAR
        return int(nanos.to_integral_value(rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class Compared:
    """A day and model, and what came of the comparison."""

    day: date
    model: str
    verdict: Verdict
    ours_nanos: int | None
    theirs_nanos: int | None
    ours_requests: int
    ours_estimated: int
    ours_tokens: int
    theirs_requests: int | None
    theirs_tokens: int | None
    line_items: Sequence[str]


def family(model: str) -> str:
    """Return a model's name without the date of its snapshot."""
    return SNAPSHOT.sub("", model.strip().lower())


def name_of(line_item: str, known: Collection[str]) -> str:
    """Return the model that a line item is of, or the line item itself."""
    name, comma, kind = line_item.rpartition(", ")
    if comma and KIND.fullmatch(kind.strip().lower()):
        return family(name)
    bare = family(line_item)
    return bare if bare in known else line_item.strip() or NAMELESS


def compare(
    *,
    booked: Iterable[Booked],
    costs: Iterable[Cost],
    counts: Iterable[Count],
    tolerance: Tolerance,
) -> list[Compared]:
    """Return what came of each day and model that either side knows, in order."""
    sides: defaultdict[tuple[date, str], Side] = defaultdict(Side)
    for row in booked:
        add_ours(sides[row.day, family(row.model)], row)
    known = {model for _, model in sides}
    for cost in costs:
        side = sides[cost.day, name_of(cost.line_item, known)]
        side.theirs_dollars = (side.theirs_dollars or Decimal(0)) + cost.dollars
        side.line_items.add(cost.line_item)
    for count in counts:
        # Counts explain what was billed or booked; alone they are no difference.
        counted = sides.get((count.day, family(count.model)))
        if counted is not None:
            counted.theirs_requests = (counted.theirs_requests or 0) + count.requests
            counted.theirs_tokens = (counted.theirs_tokens or 0) + count.tokens
    found = (
        compared(day, model, side, tolerance)
        for (day, model), side in sorted(sides.items())
    )
    return [row for row in found if row is not None]


def add_ours(side: Side, row: Booked) -> None:
    side.ours_nanos = (side.ours_nanos or 0) + row.cost_nanos
    side.ours_requests += row.requests
    side.ours_estimated += row.estimated_requests
    side.ours_tokens += row.tokens


def compared(
    day: date, model: str, side: Side, tolerance: Tolerance
) -> Compared | None:
    """Return what came of a day and model; None where nobody has an amount."""
    ours, theirs = side.ours_nanos, side.theirs_nanos
    if not ours and not theirs:
        return None
    if tolerance.covers(ours or 0, theirs or 0):
        ours, theirs, verdict = ours or 0, theirs or 0, Verdict.MATCHED
    elif theirs is None:
        verdict = Verdict.OURS_ONLY
    elif ours is None:
        verdict = Verdict.THEIRS_ONLY
    else:
        verdict = Verdict.DIFFERS
    return Compared(
        day=day,
        model=model,
        verdict=verdict,
        ours_nanos=ours,
        theirs_nanos=theirs,
        ours_requests=side.ours_requests,
        ours_estimated=side.ours_estimated,
        ours_tokens=side.ours_tokens,
        theirs_requests=side.theirs_requests,
        theirs_tokens=side.theirs_tokens,
        line_items=sorted(side.line_items)[:LINE_ITEMS_MAX],
    )
