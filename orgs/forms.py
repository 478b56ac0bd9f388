"""What people enter about members and themselves."""

from __future__ import annotations

import re

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from orgs.models import Role, User
from orgs.personal_forms import time_zones

MOST_ADDRESSES = 50
# `Ada Moss <ada@acme.example>`, as mail programs copy addresses.
NAMED_ADDRESS = re.compile(r"[^,;\n<>]*<([^<>]+)>")
ROLES = [
    (Role.READER, "Reader: makes requests, sees usage"),
    (Role.OWNER, "Owner: also changes limits, keys and members"),
]


def addresses_in(text: str) -> list[str]:
    """Return what stands between commas, semicolons or spaces, each once, in order."""
    plain = NAMED_ADDRESS.sub(r"\1", text)
    words = (word.lower() for word in re.split(r"[\s,;]+", plain) if word)
    return list(dict.fromkeys(words))


class InviteForm(forms.Form):
    emails = forms.CharField(
        label="E-mail addresses",
        max_length=20_000,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "ana@example.com, ben@example.com"}
        ),
        help_text="One or many, separated by commas or line breaks.",
    )
    role = forms.ChoiceField(
        label="Role", choices=ROLES, initial=Role.READER, widget=forms.RadioSelect
    )

    def clean_emails(self) -> list[str]:
        addresses = addresses_in(self.cleaned_data["emails"])
        if not addresses:
            raise ValidationError("Enter at least one address.")
        if len(addresses) > MOST_ADDRESSES:
            raise ValidationError(
                f"These are {len(addresses)} addresses; "
                f"at most {MOST_ADDRESSES} can be invited at once."
            )
        return addresses


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class NewPersonForm(forms.Form):
    """Name and password of a person who accepts an invitation without an account."""

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

    def __init__(self, *args: object, email: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.email = email

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        person = User(email=self.email, name=self.data.get("name", ""))
        validate_password(password, person)
        return password


class TimeZoneForm(forms.Form):
    """By which clock an organization's usage is shown."""

    time_zone = forms.ChoiceField(label="Time zone of usage", choices=time_zones)

    @property
    def zone_words(self) -> str:
        return str(dict(time_zones())[self.cleaned_data["time_zone"]])
