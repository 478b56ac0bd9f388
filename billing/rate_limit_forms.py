"""The form of rate limits."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import QuerySet

from billing.models import RateLimit
from billing.rate_limits import REQUESTS_MAX, TOKENS_MAX
from keys.models import ApiKey

# An exact name, or the beginning of one and a star.
PATTERN = re.compile(r"[!-)+-~]*\*?")


class CountField(forms.IntegerField):
    """A whole number that may be written with separators, or nothing at all."""

    def __init__(self, *, most: int, **options: Any) -> None:
        messages = {
            "invalid": "Enter a whole number.",
            "min_value": "The least is 1.",
            "max_value": f"The most is {most:,}.",
        }
        widget = forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "off",
                "placeholder": "no limit",
            }
        )
        super().__init__(
            required=False,
            min_value=1,
            max_value=most,
            widget=widget,
            error_messages=messages,
            **options,
        )

    def to_python(self, value: Any) -> int | None:
        return super().to_python(re.sub(r"[,_\s]", "", str(value or "")))


class KeyChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: ApiKey) -> str:
        owner = f", {obj.user.get_full_name()}" if obj.user else ""
        return f"{obj.name}{owner} ({obj.masked})"


class RateLimitForm(forms.Form):
    """What a key, or all of them, may ask of a model, or of all, in a minute."""

    api_key = KeyChoice(
        label="Who",
        queryset=ApiKey.objects.none(),
        required=False,
        empty_label="The whole organization",
        to_field_name="public_id",
    )
    model = forms.CharField(
        label="Model",
        required=False,
        max_length=120,
        help_text="A name; the beginning of names and <code>*</code>, such as "
        "<code>gpt-5*</code>; or nothing: all models together.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    requests_per_minute = CountField(label="Requests per minute", most=REQUESTS_MAX)
    tokens_per_minute = CountField(label="Tokens per minute", most=TOKENS_MAX)

    def __init__(self, *args: Any, keys: QuerySet[ApiKey], **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "id_rate_%s", **options})
        choice = self.fields["api_key"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = keys

    @staticmethod
    def values_of(limit: RateLimit) -> dict[str, Any]:
        """Return what the form shows of a rate limit that is to be changed."""
        return {
            "api_key": limit.api_key.public_id if limit.api_key else None,
            "model": limit.model,
            "requests_per_minute": limit.requests_per_minute,
            "tokens_per_minute": limit.tokens_per_minute,
        }

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"]
        if not PATTERN.fullmatch(model):
            text = "A name has no spaces, and a star only at its end."
            raise forms.ValidationError(text)
        return "" if model == "*" else model

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        limits = ("requests_per_minute", "tokens_per_minute")
        if not self.errors and not any(cleaned.get(name) for name in limits):
            self.add_error(limits[0], "Limit requests, tokens or both.")
        return cleaned
