"""The forms of the alert ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from billing.alert_models import AlertSettings
from billing.forms import AmountField
from billing.mail_samples.sample import Sample
from billing.unusual import Sensitivity
from core.form_ids import NewIdField
from core.money import NANOS_PER_DOLLAR, cents_usd

# Minutes, and the words for them.
PAUSES = [
    (15, "15 minutes"),
    (30, "30 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (1440, "1 day"),
]


def minutes(value: Any) -> int | None:
    return int(value) if value else None


class AlertPageForm(forms.Form):
    """Where a page of the ledger begins."""

    before = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class EscalationForm(forms.Form):
    """After how long without an answer the next owner is asked."""

    after = forms.TypedChoiceField(
        label="Ask the next owner",
        choices=[("", "Never"), *((value, f"After {word}") for value, word in PAUSES)],
        coerce=minutes,
        empty_value=None,
        required=False,
    )

    @classmethod
    def showing(cls, settings: AlertSettings | None) -> EscalationForm:
        """Return the form as it is first shown: with what is in force."""
        return cls(initial={"after": settings.escalate_after_min if settings else None})


class UnusualSpendForm(forms.Form):
    """How unusual spend must be before people are told."""

    sensitivity = forms.TypedChoiceField(
        label="Tell when an hour or a day costs",
        choices=Sensitivity.choices,
        coerce=Sensitivity,
    )
    floor = AmountField(
        label="And so much more than usual, in USD",
        least_nanos=NANOS_PER_DOLLAR // 100,
    )

    @classmethod
    def showing(cls, settings: AlertSettings | None) -> UnusualSpendForm:
        """Return the form as it is first shown: with what is in force."""
        shown = settings or AlertSettings()
        floor = cents_usd(shown.unusual_floor_nanos)
        return cls(initial={"sensitivity": shown.unusual_spend, "floor": floor})


class TestMailForm(forms.Form):
    """Which mail an owner sends to themselves, to see what it looks like."""

    new_id = NewIdField("test_")
    mail = forms.ChoiceField(label="Mail")

    def __init__(self, *args: Any, samples: Sequence[Sample], **options: Any) -> None:
        super().__init__(*args, **options)
        self.samples = {each.name: each for each in samples}
        field = self.fields["mail"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, sample_label(name)) for name in self.samples]

    @property
    def sample(self) -> Sample:
        return self.samples[self.cleaned_data["mail"]]


def sample_label(name: str) -> str:
    kind, _, variant = name.replace("_", " ").partition("-")
    words = f"{kind}, {variant.replace('-', ', ')}" if variant else kind
    return words.capitalize()
