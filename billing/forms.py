"""Forms of the limits page and of the settings page."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.actions.gateway_settings import GatewayWish
from billing.amounts import NotAnAmount, amount_from
from billing.gateway_models import GatewaySettings

CONFIRM_TEXT = "Yes, refuse requests at once"


class AmountField(forms.CharField):
    """Dollars with at most cents, as nano-dollars. What was typed stays in the form."""

    def __init__(self, *, least_nanos: int = 0, **options: Any) -> None:
        self.least_nanos = least_nanos
        widget = forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00"}
        )
        # Whether it is empty is for `amount_from` to say.
        super().__init__(required=True, widget=widget, **options)

    def clean(self, value: Any) -> int:
        try:
            return amount_from(str(value or ""), least_nanos=self.least_nanos)
        except NotAnAmount as error:
            raise forms.ValidationError(str(error), code="amount") from error


class HardLimitForm(forms.Form):
    """
    A new hard limit.

    One that is at or below `used_nanos` stops requests at once: it must be confirmed
    with the checkbox that only then appears.
    """

    amount = AmountField(label="Hard limit in USD per cycle")
    confirmed = forms.BooleanField(
        label=CONFIRM_TEXT, required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, used_nanos: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.used_nanos = used_nanos
        self.needs_confirmation = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount = cleaned.get("amount")
        if amount is not None and amount <= self.used_nanos:
            self.needs_confirmation = not cleaned.get("confirmed")
        if self.needs_confirmation:
            self.fields["confirmed"].widget = forms.CheckboxInput()
            self.add_error("confirmed", "Tick the box to confirm.")
        return cleaned


class ScopeLimitForm(HardLimitForm):
    """A new limit of a key or a member; confirmed as a hard limit is."""

    amount = AmountField(label="Limit in USD per cycle")


class ReplayForm(forms.Form):
    """A hard limit to try on past cycles. Changes nothing."""

    trying = AmountField(label="Hard limit to try, in USD per cycle")


# How long a cached answer is good for: seconds, and the words for them.
CACHE_TIMES = [
    (300, "5 minutes"),
    (3600, "1 hour"),
    (6 * 3600, "6 hours"),
    (24 * 3600, "24 hours"),
]


class GatewaySettingsForm(forms.Form):
    """How the gateway treats the organization's requests."""

    clamps_output = forms.BooleanField(
        label="Shorten answers to what fits",
        required=False,
        widget=forms.CheckboxInput(attrs={"aria-describedby": "clamp-help"}),
    )
    caches_answers = forms.BooleanField(
        label="Answer identical requests from the cache",
        required=False,
        widget=forms.CheckboxInput(attrs={"aria-describedby": "cache-help"}),
    )
    cache_s = forms.TypedChoiceField(
        label="Keep cached answers for", choices=CACHE_TIMES, coerce=int
    )

    @classmethod
    def showing(cls, settings: GatewaySettings) -> GatewaySettingsForm:
        """Return the form as it is first shown: with the settings in force."""
        return cls(
            initial={
                "clamps_output": settings.clamps_output,
                "caches_answers": settings.caches_answers,
                "cache_s": settings.cache_s,
            }
        )

    def wish(self) -> GatewayWish:
        return GatewayWish(**self.cleaned_data)
