"""Prices: the list, and what the operator agreed with single organizations."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.price_conditions import (
    ends_or_prices,
    long_context_is_whole,
    rates_are_positive,
)
from orgs.models import Organization, User


class PriceSource(models.TextChoices):
    GENAI_PRICES = "genai-prices", "genai-prices"
    SANDBOX = "sandbox", "Sandbox"
    OPERATOR = "operator", "Operator"


class ServiceTier(models.TextChoices):
    """How fast a provider serves a request, by the names that OpenAI answers with."""

    STANDARD = "", "Standard"
    FLEX = "flex", "Flex"
    PRIORITY = "priority", "Priority"
    BATCH = "batch", "Batch"


class Price(models.Model):
    """
    Rates of a model and service tier from an instant on, by kind, in nano-dollars.

    A null rate means *unpriced*, never free; billing/README.md says which kinds are
    charged as another without a rate of their own. A trigger keeps rows as they are,
    and those that have begun for good: a new price is a new row with a later
    `effective_from`.
    """

    # Whose own price it is, which wins over the list; null in the list.
    organization = models.ForeignKey(
        Organization,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="own_prices",
    )
    # An exact model name, or a prefix that ends in `*` (the longest match wins).
    model = models.CharField(max_length=120)
    # Another price of the model that has a standard one under the same name.
    service_tier = models.CharField(
        max_length=12,
        choices=ServiceTier.choices,
        default=ServiceTier.STANDARD,
        db_default="",
        blank=True,
    )
    effective_from = models.DateTimeField()
    # From then on there is no price of this name and tier here: an organization pays
    # what the list says, and what the list does not price is unpriced.
    ends = models.BooleanField(default=False, db_default=False)
    input_nanos = models.BigIntegerField(null=True, blank=True)
    cached_input_nanos = models.BigIntegerField(null=True, blank=True)
    cache_write_nanos = models.BigIntegerField(null=True, blank=True)
    output_nanos = models.BigIntegerField(null=True, blank=True)
    # Sound and images, per token; text to be read aloud, per character; sound that
    # is not counted in tokens, per second.
    audio_input_nanos = models.BigIntegerField(null=True, blank=True)
    cached_audio_input_nanos = models.BigIntegerField(null=True, blank=True)
    image_input_nanos = models.BigIntegerField(null=True, blank=True)
    cached_image_input_nanos = models.BigIntegerField(null=True, blank=True)
    audio_output_nanos = models.BigIntegerField(null=True, blank=True)
    image_output_nanos = models.BigIntegerField(null=True, blank=True)
    character_nanos = models.BigIntegerField(null=True, blank=True)
    second_nanos = models.BigIntegerField(null=True, blank=True)
    # Long context: with more input tokens than this, every token of the request is
    # charged at the long rates. Null where one rate holds at any length.
    long_context_above = models.PositiveIntegerField(null=True, blank=True)
    long_input_nanos = models.BigIntegerField(null=True, blank=True)
    long_cached_input_nanos = models.BigIntegerField(null=True, blank=True)
    long_cache_write_nanos = models.BigIntegerField(null=True, blank=True)
    long_output_nanos = models.BigIntegerField(null=True, blank=True)
    # The most tokens that one answer can have, where the model's maker states it;
    # else its context window bounds the answer.
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    context_window = models.PositiveIntegerField(null=True, blank=True)
    source = models.CharField(max_length=16, choices=PriceSource.choices)
    source_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "model", "service_tier", "effective_from"],
                nulls_distinct=False,
                name="price_once_per_owner_and_instant",
            ),
            models.CheckConstraint(
                condition=Q(service_tier__in=ServiceTier.values),
                name="price_service_tier_known",
            ),
            models.CheckConstraint(
                condition=ends_or_prices(),
                name="price_of_something_or_ends",
                violation_error_message=(
                    "A price has a rate for input, per token, character or second."
                ),
            ),
            models.CheckConstraint(
                condition=rates_are_positive(),
                name="price_rates_positive",
                violation_error_message="A rate is above zero, or left empty.",
            ),
            models.CheckConstraint(
                condition=long_context_is_whole(),
                name="price_long_context_whole",
                violation_error_message=(
                    "Long rates need a threshold, and it needs one for each rate."
                ),
            ),
            models.CheckConstraint(
                condition=Q(source__in=PriceSource.values), name="price_source_known"
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=True)
                | Q(effective_from__gte=F("created_at")),
                name="own_price_not_of_the_past",
            ),
        ]

    def __str__(self) -> str:
        tier = f" ({self.service_tier})" if self.service_tier else ""
        return f"{self.model}{tier} from {self.effective_from:%Y-%m-%d}"
