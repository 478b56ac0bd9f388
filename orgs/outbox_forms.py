"""What the outbox is asked for, all of it in the page's address."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from orgs.models import MailStatus
from orgs.outbox_list import MailSelection, kinds_in_outbox


class OutboxForm(forms.Form):
    """Which mails. What is missing or wrong does not narrow."""

    find = forms.CharField(
        label="Address or subject",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    status = forms.ChoiceField(
        label="State", required=False, choices=[("", "Any"), *MailStatus.choices]
    )
    kind = forms.ChoiceField(label="Kind", required=False)
    before = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.HiddenInput,
    )

    def __init__(self, query: QueryDict) -> None:
        super().__init__(query)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any"), *((kind, kind) for kind in kinds_in_outbox())]

    def selection(self) -> MailSelection:
        self.is_valid()
        chosen = self.cleaned_data
        return MailSelection(
            status=chosen.get("status", ""),
            kind=chosen.get("kind", ""),
            find=chosen.get("find", ""),
        )
