"""What it costs: prices, limits, credit, budgets and holds, alerts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

# What funds and what is told, the tables beside money, and those of keys and members,
# are elsewhere.
from billing.alert_models import (
    Alert,
    AlertKind,
    AlertNotice,
    AlertSettings,
    LimitRefusal,
    ScopeRefusal,
    SoftLimit,
    new_alert_id,
)
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
from billing.payment_models import InvoiceCharge, PaymentAccount, PaymentEvent
from billing.price_models import Price, PriceSource, ServiceTier
from billing.quota_models import QuotaRequest, QuotaStatus, TemporaryRaise
from billing.reconciliation_models import Reconciliation, ReconciliationRow
from billing.report_models import Report
from billing.scope_models import ScopeBudget, ScopeLimit
from billing.upkeep_models import PeriodicWork, Verification, WorkerProcess
from core import ids
from keys.models import ApiKey
from orgs.models import Organization, User

__all__ = [
    "Alert",
    "AlertKind",
    "AlertNotice",
    "AlertSettings",
    "BillingCycle",
    "BillingProfile",
    "CreditGrant",
    "CreditKind",
    "CreditNotice",
    "GatewaySettings",
    "Invoice",
    "InvoiceCharge",
    "InvoiceLine",
    "InvoicePayment",
    "KeptAnswer",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "LimitRefusal",
    "NumberSeries",
    "PaymentAccount",
    "PaymentEvent",
    "PeriodicWork",
    "PostingWatermark",
    "Price",
    "PriceSource",
    "QuotaRequest",
    "QuotaStatus",
    "Reconciliation",
    "ReconciliationRow",
    "Report",
    "ScopeBudget",
    "ScopeLimit",
    "ScopeRefusal",
    "ServiceTier",
    "SoftLimit",
    "TemporaryRaise",
    "Verification",
    "WorkerProcess",
    # Named by a migration.
    "new_alert_id",
]


def new_rate_limit_id() -> str:
    return ids.public_id("rl_")


class SpendLimits(models.Model):
    """The limits of an organization for each billing cycle. Null means none."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="spend_limits"
    )
    # Set by owners: requests that could pass it are refused.
    hard_limit_nanos = models.BigIntegerField(null=True, blank=True)
    # Set by the operator: nobody in the organization can exceed it.
    approved_limit_nanos = models.BigIntegerField(null=True, blank=True)
    # Set by owners: what each key, each member may spend that has no limit of its own.
    key_default_nanos = models.BigIntegerField(null=True, blank=True)
    member_default_nanos = models.BigIntegerField(null=True, blank=True)
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
            models.CheckConstraint(
                condition=Q(key_default_nanos__isnull=True)
                | Q(key_default_nanos__gte=0),
                name="key_default_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(member_default_nanos__isnull=True)
                | Q(member_default_nanos__gte=0),
                name="member_default_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"limits of {self.organization}"


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
