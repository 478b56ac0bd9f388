"""What people enter about keys."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from keys.models import ApiKeyKind
from keys.origins import UnusableUrl, vet_base_url

NEVER = "never"
EXPIRIES = [
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "365 days"),
    (NEVER, "Never (somebody has to remember to replace it)"),
]
PERSONAL = (ApiKeyKind.PERSONAL, "Personal: yours, in every organization you are in")
SERVICE = (ApiKeyKind.SERVICE, "Service: of this organization, for a program")
# What can stand in an HTTP header as it is.
PRINTABLE = re.compile(r"[!-~]+")


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=80,
        help_text="What it is for, such as “search service”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label="Kind",
        choices=[PERSONAL, SERVICE],
        initial=ApiKeyKind.PERSONAL,
        widget=forms.RadioSelect,
    )
    expires_in = forms.ChoiceField(label="Expires", choices=EXPIRIES, initial="90")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def expires_at(self, *, now: datetime) -> datetime | None:
        """Return when the key ends by the choice made, or None for never."""
        choice = self.cleaned_data["expires_in"]
        return None if choice == NEVER else now + timedelta(days=int(choice))


class ReaderApiKeyForm(ApiKeyForm):
    """A reader makes personal keys only."""

    kind = forms.ChoiceField(
        choices=[PERSONAL], initial=ApiKeyKind.PERSONAL, widget=forms.HiddenInput
    )


class ProviderKeyForm(forms.Form):
    base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        initial="https://api.openai.com/v1",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        help_text="Of an OpenAI-compatible API. The key is bound to it.",
    )
    secret = forms.CharField(
        label="Key",
        min_length=8,
        max_length=400,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown again.",
    )

    def clean_base_url(self) -> str:
        try:
            return vet_base_url(
                self.cleaned_data["base_url"],
                allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
            )
        except UnusableUrl as error:
            raise ValidationError(str(error)) from error

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if not PRINTABLE.fullmatch(secret):
            raise ValidationError("A key has no spaces and no special letters.")
        return secret
