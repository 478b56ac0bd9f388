"""The operator's form of a price, and of what is taken over from genai-prices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from billing.models import Price, ServiceTier
from billing.price_conditions import EVERY_RATE, LONG_RATES, MEDIA_RATES, RATES
from billing.price_drafts import OF_MODEL, TERMS, PriceWish
from billing.quota_forms import DayInput
from billing.rate_words import SECONDS_PER_MINUTE, rate_label, unit_of, units_of
from core.money import NANOS_PER_DOLLAR, exact_usd
from core.periods import start_of_day
from orgs.models import Organization

MODEL_LONGEST = 120
# A model or a prefix: what providers call models, and a star at the end.
PATTERN = re.compile(r"[^\s*]{1,119}\*?|\*")
NUMBER = re.compile(r"\d{1,7}(\.\d{0,9})?|\.\d{1,9}", re.ASCII)
TOKENS_MAX = 2**31 - 1
DAYS_AHEAD_MAX = 3 * 366


class RateField(forms.CharField):
    """Dollars per million (or per minute) as nano-dollars for one, rounded up."""

    def __init__(self, *, units: int, **options: Any) -> None:
        self.units = units
        widget = forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "maxlength": 20}
        )
        super().__init__(required=False, widget=widget, **options)

    def clean(self, value: Any) -> int | None:
        text = str(value or "").strip().removeprefix("$").replace(",", "")
        if not text:
            return None
        if not NUMBER.fullmatch(text):
            raise forms.ValidationError("Enter dollars, such as 2.50.", code="rate")
        nanos = Decimal(text) * NANOS_PER_DOLLAR / self.units
        if nanos <= 0:
            raise forms.ValidationError(
                "A rate is above zero. Left empty, it is unpriced.", code="rate"
            )
        return int(nanos.to_integral_value(ROUND_CEILING))


def rate_field(name: str) -> RateField:
    units = units_of(name)
    help_text = f"USD {unit_of(name)}" if units == SECONDS_PER_MINUTE else ""
    return RateField(units=units, label=rate_label(name), help_text=help_text)


def written(nanos: int | None, name: str) -> str:
    """Write a rate as the form has it."""
    return "" if nanos is None else exact_usd(nanos * units_of(name))


def count_field(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=TOKENS_MAX,
        help_text=help_text,
    )


class StartForm(forms.Form):
    """From when on something holds: at once, or from a day in UTC."""

    starts_on = forms.DateField(
        label="From",
        required=False,
        widget=DayInput(),
        help_text="The first day, in UTC. Empty: at once.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, now: datetime, **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.now = now

    def clean_starts_on(self) -> date | None:
        day: date | None = self.cleaned_data["starts_on"]
        if day is not None and start_of_day(day) <= self.now:
            raise forms.ValidationError(
                "A price never begins in the past: choose a later day, or none."
            )
        if day is not None and (day - self.now.date()).days > DAYS_AHEAD_MAX:
            raise forms.ValidationError("That is more than three years away.")
        return day

    @property
    def starts(self) -> datetime:
        day = self.cleaned_data.get("starts_on")
        return self.now if day is None else start_of_day(day)


class PriceForm(StartForm):
    """A price to be: its name, for whom, from when on, and its rates."""

    model = forms.CharField(
        label="Model",
        max_length=MODEL_LONGEST,
        help_text=(
            "A name, or the beginning of names with a star: "
            "<code>gpt-5</code>, <code>gpt-5-2026-*</code>."
        ),
    )
    organization = forms.CharField(
        label="Organization",
        required=False,
        max_length=64,
        help_text="The ID of one that pays a price of its own. Empty: everybody.",
    )
    service_tier = forms.ChoiceField(
        label="Service tier", choices=ServiceTier.choices, required=False
    )
    ends = forms.BooleanField(
        label="End the price instead",
        required=False,
        help_text=(
            "From then on an organization pays what the list says; what the list does "
            "not price is unpriced."
        ),
    )
    percent = forms.DecimalField(
        label="Percent of the list price",
        required=False,
        min_value=Decimal(1),
        max_value=Decimal(1000),
        max_digits=6,
        decimal_places=2,
        help_text=(
            "For an organization, instead of rates: 90 is a tenth off, 115 a markup. "
            "Of the list as it is now, in every tier."
        ),
    )
    long_context_above = count_field(
        "Long context above", "Input tokens of a request above which long rates hold."
    )
    max_output_tokens = count_field(
        "Most output tokens", "The longest answer that the model gives."
    )
    context_window = count_field(
        "Context window", "In tokens. It bounds what a request can cost."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, auto_id="price_%s", **options)
        for name in EVERY_RATE:
            self.fields[name] = rate_field(name)

    @classmethod
    def filled_in(
        cls, price: Price | None, query: QueryDict, *, now: datetime
    ) -> PriceForm:
        """Return the form as it is first shown: with the price that is in force."""
        initial = {
            "model": query.get("model", "")[:MODEL_LONGEST],
            "organization": query.get("organization", "")[:64],
            "service_tier": query.get("tier", ""),
        }
        for name in EVERY_RATE if price else ():
            initial[name] = written(getattr(price, name), name)
        for name in OF_MODEL if price else ():
            initial[name] = getattr(price, name)
        return cls(initial=initial, now=now)

    @property
    def usual_rates(self) -> list[forms.BoundField]:
        return [self[name] for name in RATES]

    @property
    def media_rates(self) -> list[forms.BoundField]:
        return [self[name] for name in MEDIA_RATES]

    @property
    def long_rates(self) -> list[forms.BoundField]:
        return [self["long_context_above"], *(self[name] for name in LONG_RATES)]

    @property
    def has_media(self) -> bool:
        return any(field.value() or field.errors for field in self.media_rates)

    @property
    def has_long(self) -> bool:
        return any(field.value() or field.errors for field in self.long_rates)

    def clean_model(self) -> str:
        name: str = self.cleaned_data["model"]
        if not PATTERN.fullmatch(name):
            raise forms.ValidationError(
                "A name has no spaces, and a star at its end only."
            )
        return name

    def clean_organization(self) -> Organization | None:
        public_id = self.cleaned_data["organization"].strip()
        if not public_id:
            return None
        live = Organization.objects.filter(deleted_at__isnull=True)
        found = live.filter(public_id=public_id).first()
        if found is None:
            raise forms.ValidationError("There is no organization with this ID.")
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if cleaned["percent"] is not None:
            self.check_percentage(cleaned)
        elif not cleaned["ends"]:
            self.check_rates(cleaned)
        return cleaned

    def check_percentage(self, cleaned: dict[str, Any]) -> None:
        if cleaned["organization"] is None:
            self.add_error("percent", "The list is no percentage of itself: set rates.")
        elif cleaned["ends"]:
            self.add_error("percent", "A price that ends is no percentage.")

    def check_rates(self, cleaned: dict[str, Any]) -> None:
        """Say of rates what the database would refuse."""
        units = ("input_nanos", "character_nanos", "second_nanos")
        if all(cleaned[name] is None for name in units):
            self.add_error(
                "input_nanos",
                "A price has a rate for input, per token, character or minute.",
            )
        above = cleaned["long_context_above"]
        for name, long_name in zip(RATES, LONG_RATES, strict=True):
            if above is None and cleaned[long_name] is not None:
                self.add_error("long_context_above", "From what length on?")
                return
            if above is not None and (cleaned[name] is None) != (
                cleaned[long_name] is None
            ):
                self.add_error(
                    long_name, "With long rates, each rate of text has a long one."
                )

    def wish(self) -> PriceWish:
        cleaned = self.cleaned_data
        return PriceWish(
            organization=cleaned["organization"],
            model=cleaned["model"],
            service_tier=cleaned["service_tier"],
            effective_from=self.starts,
            terms={name: cleaned[name] for name in TERMS},
            percent=cleaned["percent"],
            ends=cleaned["ends"],
        )
