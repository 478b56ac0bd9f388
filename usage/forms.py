"""What a usage page is asked for, all of it in the page's address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django import forms
from django.http import QueryDict

from usage.dimensions import Dimension, Metric

METRIC_CHOICES = [
    (Metric.COST, "Cost"),
    (Metric.TOKENS, "Tokens"),
    (Metric.REQUESTS, "Requests"),
]
DIMENSION_CHOICES = [
    (Dimension.MODEL, "Model"),
    (Dimension.KEY, "API key"),
    (Dimension.MEMBER, "Member"),
]


def cycle_name(cycle_start: date) -> str:
    """Return a cycle as people say it: `November 2026`."""
    return f"{cycle_start:%B %Y}"


def cycle_value(cycle_start: date) -> str:
    """Return a cycle as an address says it: `2026-11`."""
    return f"{cycle_start:%Y-%m}"


class CycleForm(forms.Form):
    """Which billing cycle. What is missing or wrong is the current one."""

    cycle = forms.ChoiceField(label="Billing cycle", required=False)

    def __init__(self, query: QueryDict, *, cycles: Sequence[date]) -> None:
        """Take the cycles to choose from, the current one first."""
        super().__init__(query)
        self.cycles = {cycle_value(cycle): cycle for cycle in cycles}
        field = self.fields["cycle"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(value, cycle_name(c)) for value, c in self.cycles.items()]
        field.error_messages["invalid_choice"] = (
            "There is no usage in the cycle “%(value)s”. "
            f"Cycles are months from {min(self.cycles)} to {max(self.cycles)}."
        )

    @property
    def chosen_cycle(self) -> date:
        self.is_valid()
        value = self.cleaned_data.get("cycle") or next(iter(self.cycles))
        return self.cycles[value]

    def neighbor(self, step: int) -> date | None:
        """Return the cycle so many steps newer (negative: older) than the chosen."""
        cycles = list(self.cycles.values())
        place = cycles.index(self.chosen_cycle) - step
        return cycles[place] if 0 <= place < len(cycles) else None


class UsageForm(CycleForm):
    """Which metric, told apart by what, in which cycle."""

    metric = forms.ChoiceField(label="Show", choices=METRIC_CHOICES, required=False)
    by = forms.ChoiceField(label="By", choices=DIMENSION_CHOICES, required=False)
    field_order = ["metric", "by", "cycle"]

    @property
    def chosen_metric(self) -> Metric:
        self.is_valid()
        return Metric(self.cleaned_data.get("metric") or Metric.COST)

    @property
    def chosen_dimension(self) -> Dimension:
        self.is_valid()
        return Dimension(self.cleaned_data.get("by") or Dimension.MODEL)


class RecordsForm(CycleForm):
    """Which records of a cycle."""

    day = forms.DateField(required=False)
    model = forms.CharField(required=False, max_length=120)
    key = forms.CharField(required=False, max_length=40)
    member = forms.CharField(required=False, max_length=40)
    before = forms.CharField(required=False, max_length=40)
