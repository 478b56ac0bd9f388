"""What a person enters who makes an account alone, besides address and password."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from orgs.models import User


class NameForm(forms.Form):
    """The fields that allauth's sign-up form begins with."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; allauth calls this in saving the person."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
