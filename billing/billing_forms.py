"""The form of billing information."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billing.actions.funding import BillingDetails
from billing.countries import country_choices, country_name
from billing.funding_models import BILLING_EMAILS_MAX, BillingProfile
from billing.tax_ids import WrongTaxId, checked_tax_id

LONGEST_EMAIL = 254


def line(label: str, length: int, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=length, widget=widget, **options)


class EmailsField(forms.CharField):
    """Several addresses, separated by lines, commas or spaces."""

    def clean(self, value: Any) -> list[str]:
        text = str(super().clean(value) or "")
        entered = text.replace(",", " ").replace(";", " ").split()
        emails = list(dict.fromkeys(each.lower() for each in entered))
        if len(emails) > BILLING_EMAILS_MAX:
            raise ValidationError(f"At most {BILLING_EMAILS_MAX} addresses.")
        for each in emails:
            self.check(each)
        return emails

    def check(self, email: str) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise ValidationError(
                f"“{email[:80]}” is not an e-mail address."
            ) from error
        if len(email) > LONGEST_EMAIL:
            raise ValidationError("An address is too long.")


class BillingForm(forms.Form):
    """Whom an invoice is for, where it goes, and what stands on it."""

    legal_name = line("Legal name", 200, "organization")
    address_line1 = line("Address", 200, "address-line1")
    address_line2 = line("Address, second line", 200, "address-line2", required=False)
    postal_code = line("Postal code", 20, "postal-code", required=False)
    city = line("City", 120, "address-level2")
    region = line("State or region", 120, "address-level1", required=False)
    country = forms.ChoiceField(label="Country")
    tax_id = line(
        "Tax id",
        40,
        "off",
        required=False,
        help_text="Such as a VAT number; checked by the country's rules.",
    )
    billing_emails = EmailsField(
        label="E-mail addresses for invoices",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text=f"At most {BILLING_EMAILS_MAX}. The owners get invoices anyway.",
    )
    reference = line(
        "Purchase order or cost center",
        120,
        "off",
        required=False,
        help_text="Printed on invoices as it is.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", "Choose a country"), *country_choices()]

    @classmethod
    def showing(cls, profile: BillingProfile | None) -> BillingForm:
        """Return the form as it is first shown: with what is entered already."""
        if profile is None:
            return cls()
        initial = {name: getattr(profile, name) for name in cls.base_fields}
        return cls(
            initial=initial | {"billing_emails": "\n".join(profile.billing_emails)}
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        country = cleaned.get("country", "")
        try:
            cleaned["tax_id"] = checked_tax_id(country, cleaned.get("tax_id", ""))
        except WrongTaxId:
            where = country_name(country) or "the country"
            self.add_error("tax_id", f"This is not a tax id of {where}.")
        return cleaned

    def details(self) -> BillingDetails:
        rest = {k: v for k, v in self.cleaned_data.items() if k != "legal_name"}
        return BillingDetails(**rest)
