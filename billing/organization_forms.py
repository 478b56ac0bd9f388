"""Forms that create, rename, pair and delete organizations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from core.form_ids import NewIdField
from orgs.models import Environment, Organization, User
from orgs.queries import possible_siblings

# Leaves room for what a sibling's name adds.
LONGEST_NAME = 60
ENVIRONMENTS = [
    (
        Environment.PRODUCTION,
        "Production: for the live application, at the provider you name",
    ),
    (Environment.STAGING, "Staging: for trying things out, on the built-in sandbox"),
]


class NameField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "organization"})
        super().__init__(
            label="Name", max_length=LONGEST_NAME, widget=widget, **options
        )

    def clean(self, value: Any) -> str:
        return " ".join(str(super().clean(value)).split())


class NewOrganizationForm(forms.Form):
    new_id = NewIdField("org-")
    name = NameField(help_text="What people see. It can be changed later.")
    environment = forms.ChoiceField(
        label="Environment",
        choices=ENVIRONMENTS,
        initial=Environment.PRODUCTION,
        widget=forms.RadioSelect,
        help_text="It cannot be changed later: every key is of one environment.",
    )
    with_sibling = forms.BooleanField(
        label="Also create its sibling of the other environment",
        required=False,
        initial=True,
    )


class RenameForm(forms.Form):
    name = NameField()


class PairForm(forms.Form):
    """Which organization, among those the person owns too, becomes the pair."""

    sibling = forms.ModelChoiceField(
        label="Organization",
        queryset=Organization.objects.none(),
        to_field_name="public_id",
        empty_label=None,
    )

    def __init__(self, *args: Any, organization: Organization, user: User) -> None:
        super().__init__(*args)
        choice = self.fields["sibling"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = possible_siblings(organization, user)

    @property
    def has_choices(self) -> bool:
        choice = self.fields["sibling"]
        assert isinstance(choice, forms.ModelChoiceField)
        return bool(choice.queryset)


class DeleteForm(forms.Form):
    """The organization's name, typed by whoever is sure."""

    name = forms.CharField(
        label="Name of the organization",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self, data: QueryDict | None = None, *, organization: Organization
    ) -> None:
        # Beside a form with a name of its own.
        super().__init__(data, auto_id="delete_%s")
        self.organization = organization

    def clean_name(self) -> str:
        typed = " ".join(str(self.cleaned_data["name"]).split())
        if typed != self.organization.name:
            raise forms.ValidationError(
                f"Type the name as it is: {self.organization.name}"
            )
        return typed
