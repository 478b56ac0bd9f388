"""What people enter about themselves."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms

from orgs.person_models import OptionalMail


@cache
def time_zones() -> list[tuple[str, str]]:
    """Return the zones named by a place, and UTC, as choices."""
    named = {
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/"))
    }
    return [(zone, zone.replace("_", " ")) for zone in ("UTC", *sorted(named))]


class ProfileForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=time_zones,
        help_text="For times on your own pages. Billing cycles and days are in UTC.",
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class MailForm(forms.Form):
    wanted = forms.MultipleChoiceField(
        choices=OptionalMail.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def unwanted(self) -> list[str]:
        wanted: list[Any] = self.cleaned_data["wanted"]
        return [kind for kind in OptionalMail.values if kind not in wanted]
