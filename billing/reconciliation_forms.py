"""Which comparison is looked at, all of it in the page's address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django import forms
from django.http import QueryDict

from billing.reconciliation_queries import comparable_organizations
from core.periods import cycle_interval, cycle_of, days_of, previous_cycle
from orgs.models import Organization

MONTHS_OFFERED = 12


class ComparisonForm(forms.Form):
    """Whose days, and of which month. What is wrong leads to the first, to now."""

    organization = forms.ChoiceField(label="Provider key of", required=False)
    month = forms.ChoiceField(label="Month", required=False)
    only = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[("", "Everything"), ("differences", "Only differences")],
    )

    def __init__(self, query: QueryDict, *, now: datetime) -> None:
        super().__init__(query)
        self._organizations = {o.public_id: o for o in comparable_organizations()}
        self._today = now.date()
        self._months = months_back(cycle_of(now))
        self._choose(
            "organization",
            [
                (public_id, f"{each} ({each.get_environment_display()})")
                for public_id, each in self._organizations.items()
            ],
        )
        self._choose("month", [(f"{m:%Y-%m}", f"{m:%B %Y}") for m in self._months])
        self.is_valid()

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def chosen_organization(self) -> Organization | None:
        first = next(iter(self._organizations.values()), None)
        chosen = self.cleaned_data.get("organization", "")
        return self._organizations.get(chosen, first)

    @property
    def chosen_month(self) -> date:
        chosen = self.cleaned_data.get("month")
        named = {f"{month:%Y-%m}": month for month in self._months}
        return named.get(chosen or "", self._months[0])

    @property
    def only_differences(self) -> bool:
        return bool(self.cleaned_data.get("only"))

    @property
    def days(self) -> Sequence[date]:
        """Return the days of the month that have begun."""
        days = days_of(cycle_interval(self.chosen_month))
        return [day for day in days if day < self._today + timedelta(days=1)]


def months_back(month: date) -> Sequence[date]:
    """Return months from one on backwards."""
    months = [month]
    while len(months) < MONTHS_OFFERED:
        months.append(previous_cycle(months[-1]))
    return months
