"""What the audit log is asked for, all of it in the page's address."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from orgs.audit_log import NOBODY, EventSelection, actions_in, actors_in
from orgs.audit_models import LONGEST_TARGET
from orgs.models import Organization


class AuditForm(forms.Form):
    """Which events. What is missing or wrong does not narrow."""

    actor = forms.ChoiceField(label="Who", required=False)
    action = forms.ChoiceField(label="Action", required=False)
    target = forms.CharField(
        label="Target",
        required=False,
        max_length=LONGEST_TARGET,
        widget=forms.TextInput(attrs={"placeholder": "key_…"}),
    )
    since = forms.DateField(
        label="From (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    before = forms.CharField(
        required=False, max_length=40, widget=forms.HiddenInput, empty_value=""
    )

    def __init__(self, query: QueryDict, *, organization: Organization) -> None:
        super().__init__(query)
        people = [
            (each.public_id, each.get_full_name()) for each in actors_in(organization)
        ]
        actions = [(name, name) for name in actions_in(organization)]
        self.choose("actor", [("", "Anybody"), *people, (NOBODY, "Tokenhouse itself")])
        self.choose("action", [("", "Any"), *actions])

    def choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.error_messages["invalid_choice"] = (
            f"There are no events of {field.label.lower()} “%(value)s”."
            if field.label
            else ""
        )

    def selection(self) -> EventSelection:
        self.is_valid()
        chosen = self.cleaned_data
        return EventSelection(
            actor=chosen.get("actor", ""),
            action=chosen.get("action", ""),
            target=chosen.get("target", ""),
            since=chosen.get("since"),
            until=chosen.get("until"),
        )
