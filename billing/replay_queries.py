"""What a limit would have refused in past cycles, from the sums by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum

from billing.replay import Reached, passed_in, refused_by
from core.periods import cycle_of, previous_cycle
from orgs.models import Organization
from usage.dimensions import Dimension, Group
from usage.hours import usage_hours_in
from usage.names import named_groups
from usage.spans import Span

CYCLES_REPLAYED = 3
KEYS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """A key and what of its cost would have been refused."""

    group: Group
    nanos: int


@dataclass(frozen=True, slots=True)
class ReplayedCycle:
    """A cycle, what it cost, and what a limit would have refused of that."""

    cycle_start: date
    spent_nanos: int
    # The hour from which requests would have been refused; None if never.
    refused_from: datetime | None = None
    refused_nanos: int = 0
    keys: tuple[RefusedKey, ...] = ()
    # Of how many further keys requests would have been refused.
    more_keys: int = 0

    @property
    def refused_percent(self) -> int:
        return -(-100 * self.refused_nanos // self.spent_nanos)


def replay_of(
    organization: Organization, limit_nanos: int, *, now: datetime
) -> list[ReplayedCycle]:
    """Return what a hard limit would have refused in the last cycles, newest first."""
    cycles = []
    cycle = cycle_of(now)
    for _ in range(CYCLES_REPLAYED):
        cycle = previous_cycle(cycle)
        cycles.append(replayed(organization, cycle, limit_nanos))
    return [cycle for cycle in cycles if cycle.spent_nanos > 0]


def replayed(
    organization: Organization, cycle_start: date, limit_nanos: int
) -> ReplayedCycle:
    rows = usage_hours_in(Span.of_cycle(cycle_start), organization)
    hours = list(
        rows.order_by("hour").values_list("hour").annotate(nanos=Sum("cost_nanos"))
    )
    spent = sum(nanos for _, nanos in hours)
    reached = passed_in(hours, limit_nanos)
    if reached is None:
        return ReplayedCycle(cycle_start, spent)
    return with_keys(organization, cycle_start, spent, reached)


def with_keys(
    organization: Organization, cycle_start: date, spent_nanos: int, reached: Reached
) -> ReplayedCycle:
    """Return a cycle in which the limit was passed, with whose requests it stopped."""
    rows = usage_hours_in(Span.of_cycle(cycle_start), organization)
    sums = (
        rows.filter(hour__gte=reached.hour)
        .order_by()
        .values_list("api_key_id")
        .annotate(
            within=Sum("cost_nanos", filter=Q(hour=reached.hour), default=0),
            after=Sum("cost_nanos", filter=Q(hour__gt=reached.hour), default=0),
        )
    )
    within: defaultdict[int | None, int] = defaultdict(int)
    after: defaultdict[int | None, int] = defaultdict(int)
    for key, in_hour, later in sums:
        within[key], after[key] = in_hour, later
    refused = refused_by(within, after, reached)
    return ReplayedCycle(
        cycle_start,
        spent_nanos,
        refused_from=reached.hour,
        refused_nanos=sum(refused.values()),
        keys=tuple(named(list(refused.items())[:KEYS_SHOWN])),
        more_keys=max(len(refused) - KEYS_SHOWN, 0),
    )


def named(refused: Sequence[tuple[int | None, int]]) -> list[RefusedKey]:
    values = ["" if key is None else str(key) for key, _ in refused]
    groups = named_groups(Dimension.KEY, values)
    return [
        RefusedKey(groups[value], nanos)
        for value, (_, nanos) in zip(values, refused, strict=True)
    ]
