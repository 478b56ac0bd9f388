"""Which two periods are compared, all of it in the page's address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.http import QueryDict

from billing.change_queries import Periods
from billing.overview_queries import days_to_compare
from core.periods import cycle_of, previous_cycle
from orgs.models import Membership
from usage.spans import Span
from usage.usage_forms import SpanForm, day_field, problem_of

AGAINST = ("against_first", "against_last")
AGAINST_WHAT = "Choose the first and last day of what is compared as well."


class ChangesForm(SpanForm):
    """
    A cycle or some days, and the days to compare them with.

    Without a choice: this cycle so far. A cycle is compared with the one before, the
    current one by as many whole days; other days with as many before them, on the
    same days of the week.
    """

    # Nothing is shown in pieces.
    per = None  # type: ignore[assignment]
    against_first = day_field("Against: first day")
    against_last = day_field("Against: last day")
    field_order = ["cycle", "first", "last", *AGAINST]

    def __init__(
        self,
        query: QueryDict,
        *,
        cycles: Sequence[date],
        viewer: Membership,
        now: datetime,
    ) -> None:
        super().__init__(query, cycles=cycles, viewer=viewer)
        self.now = now

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        days = [values.get(name) for name in AGAINST]
        problem = ""
        if not any(name in self.errors for name in AGAINST):
            problem = problem_of(*days)
            if not problem and days[0] is not None and values.get("first") is None:
                problem = AGAINST_WHAT
        if problem:
            self.add_error(None, problem)
        if problem or any(name in self.errors for name in AGAINST):
            values |= dict.fromkeys(AGAINST)
        return values

    @property
    def periods(self) -> Periods:
        """The periods that are asked for, in the organization's time zone."""
        zone = self.viewer.organization.time_zone
        if self.has_range:
            first, last = (self.cleaned_data.get(name) for name in AGAINST)
            against = Span(first, last, zone_name=zone) if first and last else None
            return Periods(against or self.span.before(), self.span)
        so_far = days_to_compare(self.now, zone)
        if so_far is not None and self.chosen_cycle == cycle_of(self.now):
            return Periods(so_far[1], so_far[0])
        return whole_cycles(self.whole_cycle, zone)

    @property
    def whole_cycle(self) -> date:
        """The cycle that is compared as a whole: on its first day, the one before."""
        cycle = self.chosen_cycle
        return previous_cycle(cycle) if cycle == cycle_of(self.now) else cycle


def whole_cycles(cycle: date, zone_name: str) -> Periods:
    """Return what a cycle and the one before pay for, as their invoices say."""
    return Periods(
        Span.of_cycle(previous_cycle(cycle), zone_name),
        Span.of_cycle(cycle, zone_name),
    )
