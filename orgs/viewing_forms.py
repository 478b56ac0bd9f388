"""Why an operator looks at an organization."""

from __future__ import annotations

from django import forms

from orgs.viewing_models import LONGEST_REASON, SHORTEST_REASON


class ViewingForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        help_text="Its owners read it in their mail and in their audit log.",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )
