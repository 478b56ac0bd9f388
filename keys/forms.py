"""What people enter about keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.form_ids import NewIdField
from keys.admin_access import AdminAccess
from keys.allowed_models import UnusablePatterns, read_patterns
from keys.models import ApiKeyKind, ProviderAdminKey, ProviderKey
from keys.origins import UnusableUrl, vet_base_url

NEVER = "never"
ON_DATE = "date"
EXPIRIES = [
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "365 days"),
    (ON_DATE, "On a date"),
    (NEVER, "Never (not advised: nothing ends a key that leaked)"),
]
LATEST = timedelta(days=3650)
GRACES = [
    ("0", "No grace: the old text ends now"),
    ("1", "1 hour"),
    ("24", "24 hours"),
    ("168", "7 days"),
]
PERSONAL = (ApiKeyKind.PERSONAL, "Personal: yours, in every organization you are in")
SERVICE = (ApiKeyKind.SERVICE, "Service: of this organization, for a program")
DEFAULT_BASE_URL = "https://api.openai.com/v1"
# What can stand in an HTTP header as it is.
PRINTABLE = re.compile(r"[!-~]+")


class ApiKeyForm(forms.Form):
    new_id = NewIdField("key_")
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
    expires_on = forms.DateField(
        label="Expires on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The key's last day (UTC), if you chose a date.",
    )
    models_allowed = forms.CharField(
        label="Models",
        max_length=4000,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Those it may ask for, such as <code>gpt-4o-mini, o3*</code>. "
        "Empty: all.",
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_models_allowed(self) -> list[str]:
        try:
            return read_patterns(self.cleaned_data["models_allowed"])
        except UnusablePatterns as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("expires_in") != ON_DATE:
            return
        day, today = self.cleaned_data.get("expires_on"), timezone.now().date()
        if day is None or not today <= day <= today + LATEST:
            self.add_error(
                "expires_on", "Choose a day from today on, in ten years at most."
            )

    def expires_at(self, *, now: datetime) -> datetime | None:
        """Return when the key ends by the choice made, or None for never."""
        choice = self.cleaned_data["expires_in"]
        if choice == ON_DATE:
            next_day = self.cleaned_data["expires_on"] + timedelta(days=1)
            return datetime.combine(next_day, time(), UTC)
        return None if choice == NEVER else now + timedelta(days=int(choice))


class ReaderApiKeyForm(ApiKeyForm):
    """A reader makes personal keys only."""

    kind = forms.ChoiceField(
        choices=[PERSONAL], initial=ApiKeyKind.PERSONAL, widget=forms.HiddenInput
    )


class RotationForm(forms.Form):
    grace = forms.ChoiceField(
        label="The old text works on for", choices=GRACES, initial="24"
    )

    # Of the text that is to be replaced.
    handle = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    @property
    def grace_period(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["grace"]))


class ProviderKeyForm(forms.Form):
    base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        initial=DEFAULT_BASE_URL,
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
    # Offered after a check that failed; see `without_offer`.
    unverified = forms.BooleanField(
        label="Store it all the same",
        required=False,
        help_text="For keys that may not list models. Nobody has seen it work.",
    )

    def without_offer(self) -> ProviderKeyForm:
        """Take away the offer to store a key that was not verified."""
        del self.fields["unverified"]
        return self

    def clean_base_url(self) -> str:
        return vetted(self.cleaned_data["base_url"])

    def clean_secret(self) -> str:
        return printable(self.cleaned_data["secret"])


class AdminKeyForm(forms.Form):
    """Its fields have names of their own: it stands beside the provider key's form."""

    admin_base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        help_text="Of the provider's Admin API. The key is bound to it.",
    )
    admin_secret = forms.CharField(
        label="Admin key",
        min_length=8,
        max_length=400,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown again. One that may only read usage "
        "and costs is enough.",
    )
    admin_project = forms.RegexField(
        label="Project",
        regex=r"\A[\w-]+\Z",
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "proj_…"}),
        help_text="The provider's project that the provider key is of. Empty: the "
        "whole account, with all that others use it for.",
    )
    admin_unverified = forms.BooleanField(
        label="Store it all the same",
        required=False,
        help_text="Nobody has seen it work.",
    )

    @classmethod
    def beside(
        cls, provider_key: ProviderKey | None, admin_key: ProviderAdminKey | None
    ) -> AdminKeyForm:
        """Return an empty form that begins with what is known already."""
        known = admin_key or provider_key
        return cls(
            initial={
                "admin_base_url": known.base_url if known else DEFAULT_BASE_URL,
                "admin_project": admin_key.project_id if admin_key else "",
            }
        )

    def without_offer(self) -> AdminKeyForm:
        """Take away the offer to store a key that was not verified."""
        del self.fields["admin_unverified"]
        return self

    def clean_admin_base_url(self) -> str:
        return vetted(self.cleaned_data["admin_base_url"])

    def clean_admin_secret(self) -> str:
        return printable(self.cleaned_data["admin_secret"])

    @property
    def access(self) -> AdminAccess:
        """What was entered, once it is valid."""
        return AdminAccess(
            self.cleaned_data["admin_base_url"],
            self.cleaned_data["admin_secret"],
            self.cleaned_data["admin_project"],
        )


def vetted(base_url: str) -> str:
    try:
        return vet_base_url(
            base_url, allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS
        )
    except UnusableUrl as error:
        raise ValidationError(str(error)) from error


def printable(secret: str) -> str:
    if not PRINTABLE.fullmatch(secret):
        raise ValidationError("A key has no spaces and no special letters.")
    return secret
