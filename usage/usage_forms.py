"""What the usage page is asked for, all of it in the page's address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from orgs.models import Membership
from usage.dimensions import IN_ROLLUPS, Dimension, Filter, Granularity, Metric
from usage.forms import CycleForm
from usage.names import FILTER_WORDS, Narrowing, narrowing_to
from usage.questions import Question
from usage.spans import Span

METRIC_CHOICES = [
    (Metric.COST, "Cost"),
    (Metric.TOKENS, "Tokens"),
    (Metric.REQUESTS, "Requests"),
    (Metric.ERRORS, "Errors"),
]
DIMENSION_CHOICES = [
    (Dimension.MODEL, "Model"),
    (Dimension.KEY, "API key"),
    (Dimension.MEMBER, "Member"),
    (Dimension.ENDPOINT, "Endpoint"),
]
KIND_CHOICE = (Dimension.KIND, "Kind of token")
PAIR_CHOICE = (Dimension.ENVIRONMENT, "Staging and production")
GRANULARITY_CHOICES = [
    (Granularity.DAY, "Day"),
    (Granularity.HOUR, "Hour"),
    (Granularity.WEEK, "Week"),
    (Granularity.MONTH, "Month"),
]
# Leap years included; and so many bars fit into a chart, and rows into a page.
DAYS_MAX = 366
PERIODS_MAX = 400
# So many things can be named in one filter.
FILTER_VALUES_MAX = 20
HALF_A_RANGE = "Enter both a first and a last day, or none."
BACKWARD = "The first day is after the last day."
TOO_LONG = f"A page shows {DAYS_MAX} days at most."
TOO_FINE = (
    "By the hour a page shows 16 days at most. "
    "Choose a first and a last day, or a longer piece of time."
)
TOKENS_ALONE = "Only tokens are of a kind: show tokens, or choose another “By”."


def day_field(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(
        label=label,
        required=False,
        widget=widget,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": f"{label}: a day is written like 2026-11-03."},
    )


class SpanForm(CycleForm):
    """Which days, in pieces of what length, narrowed to what."""

    per = forms.ChoiceField(label="Per", choices=GRANULARITY_CHOICES, required=False)
    first = day_field("First day")
    last = day_field("Last day")

    def __init__(
        self, query: QueryDict, *, cycles: Sequence[date], viewer: Membership
    ) -> None:
        super().__init__(query, cycles=cycles)
        self.query, self.viewer = query, viewer
        self.narrowings: list[Narrowing] = []

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for dimension in IN_ROLLUPS:
            self.clean_filter(dimension)
        first, last = values.get("first"), values.get("last")
        if "first" in self.errors or "last" in self.errors:
            return values | {"first": None, "last": None}
        problem = problem_of(first, last)
        if problem:
            self.add_error(None, problem)
            return values | {"first": None, "last": None}
        return values

    def clean_filter(self, dimension: Dimension) -> None:
        """Look up what a filter names; what is not there is an error, and no filter."""
        named = self.query.getlist(dimension.value)[:FILTER_VALUES_MAX]
        if not named:
            return
        narrowing = narrowing_to(dimension, named, self.viewer)
        for unknown in set(named) - {group.value for group in narrowing.groups}:
            word = FILTER_WORDS[dimension]
            self.add_error(None, f"There is no {word} “{unknown}” that you could see.")
        if narrowing.groups:
            self.narrowings.append(narrowing)

    @property
    def filters(self) -> tuple[Filter, ...]:
        self.is_valid()
        return tuple(each.filter for each in self.narrowings)

    @property
    def has_range(self) -> bool:
        self.is_valid()
        return self.cleaned_data.get("first") is not None

    @property
    def span(self) -> Span:
        """The span that is asked for, in the organization's time zone."""
        zone = self.viewer.organization.time_zone
        if self.has_range:
            days = self.cleaned_data
            return Span(days["first"], days["last"], zone_name=zone)
        return Span.of_cycle(self.chosen_cycle, zone)

    @property
    def granularity(self) -> Granularity:
        """How long a piece is; one that makes too many of them is an error."""
        self.is_valid()
        wanted = Granularity(self.cleaned_data.get("per") or Granularity.DAY)
        if len(self.span.periods(wanted)) <= PERIODS_MAX:
            return wanted
        if TOO_FINE not in self.non_field_errors():
            self.add_error(None, TOO_FINE)
        return Granularity.DAY


def problem_of(first: date | None, last: date | None) -> str:
    """Return what is wrong with a range, or nothing."""
    if first is None and last is None:
        return ""
    if first is None or last is None:
        return HALF_A_RANGE
    if first > last:
        return BACKWARD
    return TOO_LONG if (last - first).days >= DAYS_MAX else ""


class UsageForm(SpanForm):
    """Which metric, told apart by what, of which days."""

    metric = forms.ChoiceField(label="Show", choices=METRIC_CHOICES, required=False)
    by = forms.ChoiceField(label="By", choices=DIMENSION_CHOICES, required=False)
    compare = forms.BooleanField(label="Compare", required=False)
    field_order = ["metric", "by", "per", "cycle", "first", "last"]

    def __init__(
        self,
        query: QueryDict,
        *,
        cycles: Sequence[date],
        viewer: Membership,
        has_pair: bool,
    ) -> None:
        super().__init__(query, cycles=cycles, viewer=viewer)
        field = self.fields["by"]
        assert isinstance(field, forms.ChoiceField)
        pair = [PAIR_CHOICE] if has_pair else []
        field.choices = [*DIMENSION_CHOICES, KIND_CHOICE, *pair]

    @property
    def dimension_names(self) -> dict[str, str]:
        return dict([*DIMENSION_CHOICES, KIND_CHOICE, PAIR_CHOICE])

    def question(self) -> Question:
        """Return what is asked; what is wrong is told in `errors`, and the usual."""
        self.is_valid()
        metric = Metric(self.cleaned_data.get("metric") or Metric.COST)
        dimension = Dimension(self.cleaned_data.get("by") or Dimension.MODEL)
        if dimension is Dimension.KIND and metric is not Metric.TOKENS:
            self.add_error(None, TOKENS_ALONE)
            dimension = Dimension.MODEL
        return Question(
            metric,
            dimension,
            self.granularity,
            self.span,
            self.filters,
            compares=bool(self.cleaned_data.get("compare")),
        )
