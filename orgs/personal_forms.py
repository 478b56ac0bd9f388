"""What people enter about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import QueryDict

from orgs.models import User


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
        help_text=(
            "For the times on pages and in mails. Billing cycles, days and files are "
            "in UTC."
        ),
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class OperatorForm(forms.Form):
    """Who runs the installation."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, not a common one.",
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        """Hold the password against the rules, the name and the address too."""
        values = super().clean() or {}
        person = User(email=values.get("email", ""), name=values.get("name", ""))
        try:
            validate_password(values.get("password", ""), person)
        except forms.ValidationError as error:
            self.add_error("password", error)
        return values


class MailForm(forms.Form):
    """Which optional mails of which organization; see `orgs.mail_preferences`."""

    wanted = forms.MultipleChoiceField(required=False)

    def __init__(self, data: QueryDict, *, offered: Iterable[str]) -> None:
        super().__init__(data)
        field = self.fields["wanted"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(each, each) for each in offered]
