"""Usage records and rollups, for the operator."""

from __future__ import annotations

from django.contrib import admin

from orgs.admin_base import LargeTableAdmin, ReadOnlyAdmin, dollars
from usage.counts import COUNTS
from usage.models import RollupWatermark, UsageHour, UsageRecord

COST = dollars("cost")
WHOSE = ("organization", "api_key", "user", "endpoint", "model", "simulated")


class UsageAdmin(LargeTableAdmin):
    list_select_related = ("organization", "user")
    readonly_fields = (COST,)


@admin.register(UsageRecord)
class UsageRecordAdmin(UsageAdmin):
    list_display = ("occurred_at", "organization", "user", "model", "outcome", COST)
    list_filter = ("kind", "outcome", "endpoint", "simulated")
    ordering = ("-occurred_at", "-event_id")
    fields = (
        "event_id",
        "sequence",
        "occurred_at",
        "booked_at",
        "cycle_start",
        *WHOSE,
        "kind",
        "corrects",
        "outcome",
        "status_code",
        "streamed",
        *COUNTS,
        "service_tier",
        "price_id",
        COST,
        "held_nanos",
        "latency_ms",
        "first_token_ms",
    )


@admin.register(UsageHour)
class UsageHourAdmin(UsageAdmin):
    list_display = ("hour", "organization", "user", "model", "requests", COST)
    list_filter = ("endpoint", "simulated")
    ordering = ("-hour", "-pk")
    fields = (
        "hour",
        "cycle_start",
        *WHOSE,
        "requests",
        "failed_requests",
        "estimated_requests",
        *COUNTS,
        COST,
    )


@admin.register(RollupWatermark)
class RollupWatermarkAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "as_of")
    fields = ("sequence", "as_of")
