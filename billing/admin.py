"""Prices, limits, budgets, holds and gateways, for the operator."""

from __future__ import annotations

from django.contrib import admin

from billing.models import (
    Alert,
    BillingProfile,
    Budget,
    CreditGrant,
    GatewayProcess,
    Hold,
    InvoiceCharge,
    PaymentAccount,
    PaymentEvent,
    Price,
    RateLimit,
    Report,
    SoftLimit,
    SpendLimits,
)
from billing.price_conditions import LONG_RATES, MEDIA_RATES, RATES
from orgs.admin_base import LargeTableAdmin, ReadOnlyAdmin, dollars

HARD_LIMIT = dollars("hard_limit")
APPROVED_LIMIT = dollars("approved_limit")
AMOUNT = dollars("amount")
LIMIT = dollars("limit")
SPENT = dollars("spent")
CONSUMED = dollars("consumed")
WRITTEN_OFF = dollars("written_off")
HELD = dollars("held")
BOUND = dollars("bound")


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    """Where to read them; the operator's page of prices adds to them."""

    list_display = (
        "model",
        "organization",
        "service_tier",
        "effective_from",
        *RATES,
        "source",
    )
    list_filter = ("source", "service_tier")
    search_fields = ("model",)
    list_select_related = ("organization",)
    ordering = ("model", "service_tier", "-effective_from")
    fields = (
        "organization",
        "model",
        "service_tier",
        "effective_from",
        *RATES,
        *MEDIA_RATES,
        "long_context_above",
        *LONG_RATES,
        "max_output_tokens",
        "context_window",
        "source",
        "source_version",
        "created_at",
        "created_by",
    )


@admin.register(SpendLimits)
class SpendLimitsAdmin(ReadOnlyAdmin):
    list_display = ("organization", HARD_LIMIT, APPROVED_LIMIT, "updated_at")
    search_fields = ("organization__name",)
    list_select_related = ("organization",)
    readonly_fields = (HARD_LIMIT, APPROVED_LIMIT)
    fields = (
        "organization",
        HARD_LIMIT,
        APPROVED_LIMIT,
        "updated_at",
        "updated_by",
    )


@admin.register(SoftLimit)
class SoftLimitAdmin(ReadOnlyAdmin):
    list_display = ("organization", AMOUNT, "created_at")
    list_select_related = ("organization",)
    readonly_fields = (AMOUNT,)
    fields = (
        *("public_id", "organization", AMOUNT, "percent", "basis", "recipients"),
        *("created_at", "created_by"),
    )


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "kind", "cycle_start", LIMIT)
    list_filter = ("kind", "cycle_start")
    list_select_related = ("organization",)
    ordering = ("-created_at",)
    readonly_fields = (LIMIT, SPENT)
    fields = ("organization", "kind", "cycle_start", LIMIT, SPENT, "created_at")


@admin.register(BillingProfile)
class BillingProfileAdmin(ReadOnlyAdmin):
    list_display = ("organization", "legal_name", "created_at")
    list_select_related = ("organization",)
    fields = (
        "organization",
        "legal_name",
        "address_line1",
        "address_line2",
        "postal_code",
        "city",
        "region",
        "country",
        "tax_id",
        "billing_emails",
        "reference",
        "created_at",
        "updated_at",
        "updated_by",
    )


@admin.register(CreditGrant)
class CreditGrantAdmin(ReadOnlyAdmin):
    list_display = ("organization", "name", "kind", AMOUNT, CONSUMED, "expires_at")
    list_filter = ("kind",)
    list_select_related = ("organization",)
    ordering = ("-created_at",)
    readonly_fields = (AMOUNT, CONSUMED, WRITTEN_OFF)
    fields = (
        "public_id",
        "organization",
        "name",
        "kind",
        "priority",
        AMOUNT,
        CONSUMED,
        WRITTEN_OFF,
        "effective_at",
        "expires_at",
        "created_at",
        "created_by",
        "voided_at",
        "voided_by",
        "void_reason",
        "written_off_at",
    )


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    list_display = ("organization", "cycle_start", SPENT, HELD)
    list_filter = ("cycle_start",)
    search_fields = ("organization__name",)
    list_select_related = ("organization",)
    ordering = ("-cycle_start", "organization__name")
    readonly_fields = (SPENT, HELD)
    fields = ("organization", "cycle_start", SPENT, HELD)


@admin.register(Hold)
class HoldAdmin(LargeTableAdmin):
    list_display = ("event_id", "organization", "model", BOUND, "created_at")
    list_select_related = ("organization",)
    ordering = ("-created_at",)
    readonly_fields = (BOUND,)
    fields = (
        "event_id",
        "organization",
        "api_key",
        "user",
        "model",
        BOUND,
        "created_at",
    )


@admin.register(GatewayProcess)
class GatewayProcessAdmin(ReadOnlyAdmin):
    list_display = ("host", "pid", "started_at", "beat_at")
    ordering = ("-beat_at",)
    fields = ("id", "host", "pid", "started_at", "beat_at")


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin):
    list_display = (
        "organization",
        "api_key",
        "model",
        "requests_per_minute",
        "tokens_per_minute",
        "updated_at",
    )
    search_fields = ("organization__name", "model")
    list_select_related = ("organization", "api_key")


@admin.register(PaymentAccount)
class PaymentAccountAdmin(ReadOnlyAdmin):
    list_display = ("organization", "customer_id", "brand", "last_four")
    search_fields = ("organization__name", "customer_id")
    list_select_related = ("organization",)
    ordering = ("organization__name",)
    fields = (
        *("organization", "customer_id", "method_id", "brand", "last_four"),
        *("expires_month", "expires_year", "card_as_of", "created_at"),
    )


@admin.register(InvoiceCharge)
class InvoiceChargeAdmin(LargeTableAdmin):
    list_display = ("invoice", "organization", "stage", "next_attempt_at", "reason")
    list_filter = ("stage",)
    search_fields = ("invoice__number", "charge_id")
    list_select_related = ("organization", "invoice")
    ordering = ("-pk",)
    fields = (
        *("organization", "invoice", "charge_id", "stage", "reason"),
        *("times_declined", "times_unanswered", "next_attempt_at", "created_at"),
    )


@admin.register(PaymentEvent)
class PaymentEventAdmin(LargeTableAdmin):
    list_display = ("received_at", "name", "organization", "outcome", "note")
    list_filter = ("outcome",)
    search_fields = ("event_id", "organization__name")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    fields = ("event_id", "name", "organization", "outcome", "note", "received_at")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "user", "kind", "begins_on", "told")
    list_filter = ("kind", "suppression")
    list_select_related = ("organization", "user")
    ordering = ("-created_at",)
    fields = (
        *("organization", "user", "kind", "begins_on", "suppression", "created_at"),
    )

    @admin.display(description="told")
    def told(self, report: Report) -> str:
        return report.get_suppression_display() or "Sent"
