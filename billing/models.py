"""What it costs: prices, limits, credit, budgets and holds, alerts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

# What funds, the tables beside money, and those of keys and members, are elsewhere.
from billing.funding_models import (
    BillingProfile,
    CreditGrant,
    CreditKind,
    CreditNotice,
)
from billing.gateway_models import GatewaySettings, KeptAnswer
from billing.invoice_models import (
    BillingCycle,
    Invoice,
    InvoiceLine,
    InvoicePayment,
    NumberSeries,
)
from billing.ledger_models import (
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    PostingWatermark,
)
from billing.price_conditions import (
    long_context_is_whole,
    rates_are_positive,
    something_is_priced,
)
from billing.quota_models import QuotaRequest, QuotaStatus, TemporaryRaise
from billing.reconciliation_models import Reconciliation, ReconciliationRow
from billing.scope_models import ScopeBudget, ScopeLimit
from billing.upkeep_models import PeriodicWork, Verification, WorkerProcess
from core import ids
from keys.models import ApiKey
from orgs.models import Organization, User

__all__ = [
    "BillingCycle",
    "BillingProfile",
    "CreditGrant",
    "CreditKind",
    "CreditNotice",
    "GatewaySettings",
    "Invoice",
    "InvoiceLine",
    "InvoicePayment",
    "KeptAnswer",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "NumberSeries",
    "PeriodicWork",
    "PostingWatermark",
    "QuotaRequest",
    "QuotaStatus",
    "Reconciliation",
    "ReconciliationRow",
    "ScopeBudget",
    "ScopeLimit",
    "TemporaryRaise",
    "Verification",
    "WorkerProcess",
]


def new_alert_id() -> str:
    return ids.public_id("alert_")


def new_rate_limit_id() -> str:
    return ids.public_id("rl_")


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
    charged as another without a rate of their own. Rows are never changed once used:
    a new price is a new row with a later `effective_from`.
    """

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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "service_tier", "effective_from"],
                name="price_once_per_tier_and_instant",
            ),
            models.CheckConstraint(
                condition=Q(service_tier__in=ServiceTier.values),
                name="price_service_tier_known",
            ),
            models.CheckConstraint(
                condition=something_is_priced(),
                name="price_of_something",
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
        ]

    def __str__(self) -> str:
        tier = f" ({self.service_tier})" if self.service_tier else ""
        return f"{self.model}{tier} from {self.effective_from:%Y-%m-%d}"


class SpendLimits(models.Model):
    """The limits of an organization for each billing cycle. Null means none."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="spend_limits"
    )
    # Set by owners: requests that could pass it are refused.
    hard_limit_nanos = models.BigIntegerField(null=True, blank=True)
    # Set by the operator: nobody in the organization can exceed it.
    approved_limit_nanos = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "spend limits"
        constraints = [
            models.CheckConstraint(
                condition=Q(hard_limit_nanos__isnull=True) | Q(hard_limit_nanos__gte=0),
                name="hard_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(approved_limit_nanos__isnull=True)
                | Q(approved_limit_nanos__gte=0),
                name="approved_limit_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"limits of {self.organization}"


class SoftLimit(models.Model):
    """An amount per cycle at which the owners want a mail. Traffic continues."""

    public_id = models.CharField(max_length=40, unique=True, default=new_alert_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="soft_limits"
    )
    amount_nanos = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "amount_nanos"], name="soft_limit_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_nanos__gt=0), name="soft_limit_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"soft limit of {self.organization}"


class AlertKind(models.TextChoices):
    SOFT_LIMIT = "soft_limit", "Soft limit reached"
    HARD_LIMIT = "hard_limit", "Hard limit reached"


class Alert(models.Model):
    """
    A limit that was reached in a cycle: the reason for mails, and for "enforcing".

    Unique by kind, amount and cycle, so that however often it is evaluated, people
    are told once. A hard limit that is raised and reached again is another amount.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="alerts"
    )
    kind = models.CharField(max_length=12, choices=AlertKind.choices)
    cycle_start = models.DateField()
    limit_nanos = models.BigIntegerField()
    spent_nanos = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "cycle_start", "limit_nanos"],
                name="alert_once_per_limit_and_cycle",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AlertKind.values), name="alert_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organization} in {self.cycle_start:%Y-%m}"


class LimitRefusal(models.Model):
    """
    A hard limit that refused a request because it was all but spent.

    Requests are refused before the last cents are spent, as soon as the most they can
    cost no longer fits. Written by the books with the refusal, once per amount.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    cycle_start = models.DateField()
    limit_nanos = models.BigIntegerField()
    refused_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cycle_start", "limit_nanos"],
                name="limit_refusal_once_per_amount",
            )
        ]

    def __str__(self) -> str:
        return f"refusal of {self.organization_id} in {self.cycle_start:%Y-%m}"


class RateLimit(models.Model):
    """
    Requests or tokens per minute, of an organization or of one key, by model or not.

    Each row is an allowance of its own that all requests it meets share; a request
    must fit into every one. The gateway counts them in Redis, never here.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_rate_limit_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="rate_limits"
    )
    # Null: every key that works in the organization.
    api_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # An exact model name, a prefix that ends in `*`, or nothing: every model.
    model = models.CharField(max_length=120, blank=True)
    requests_per_minute = models.BigIntegerField(null=True, blank=True)
    tokens_per_minute = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "api_key", "model"],
                name="rate_limit_once_per_key_and_model",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=False)
                | Q(tokens_per_minute__isnull=False),
                name="rate_limit_limits_something",
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=True)
                | Q(requests_per_minute__gt=0, requests_per_minute__lte=10**6),
                name="rate_limit_requests_in_range",
            ),
            models.CheckConstraint(
                condition=Q(tokens_per_minute__isnull=True)
                | Q(tokens_per_minute__gt=0, tokens_per_minute__lte=10**9),
                name="rate_limit_tokens_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"rate limit of {self.organization}"


class Budget(models.Model):
    """
    What an organization spent and holds in one billing cycle.

    The one row on which all its spending queues. Written only by `billing.booking`.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="budgets"
    )
    cycle_start = models.DateField()
    spent_nanos = models.BigIntegerField(default=0)
    held_nanos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cycle_start"], name="budget_once_per_cycle"
            ),
            models.CheckConstraint(
                condition=Q(held_nanos__gte=0), name="budget_held_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(spent_nanos__gte=0), name="budget_spent_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} in {self.cycle_start:%Y-%m}"


class GatewayProcess(models.Model):
    """A gateway that lives or lived; it says so every second by Postgres' clock."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "gateway processes"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Hold(models.Model):
    """
    Money set aside for one request under way, with all that a charge would need.

    Ends in a settlement (usage record) or in a release by the gateway that made it.
    """

    event_id = models.UUIDField(primary_key=True)
    # No database constraints: see usage.models.UsageFacts.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    budget_id = models.BigIntegerField()
    cycle_start = models.DateField()
    gateway_id = models.UUIDField()
    endpoint = models.CharField(max_length=24)
    model = models.CharField(max_length=120)
    simulated = models.BooleanField()
    streamed = models.BooleanField()
    price_id = models.BigIntegerField()
    bound_nanos = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(bound_nanos__gte=0), name="hold_bound_not_negative"
            )
        ]

    def __str__(self) -> str:
        return str(self.event_id)
