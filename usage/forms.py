"""Which billing cycle a page shows, and which records of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django import forms
from django.http import QueryDict


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
