"""Keys for the operator: whose they are, never what opens them."""

from __future__ import annotations

from django.contrib import admin

from keys.models import ApiKey, ProviderAdminKey, ProviderKey
from orgs.admin_base import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "masked",
        "kind",
        "environment",
        "organization",
        "user",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", "environment")
    search_fields = ("name", "handle", "public_id", "organization__name", "user__email")
    list_select_related = ("organization", "user")
    ordering = ("-created_at",)
    readonly_fields = ("masked",)
    fields = (
        "name",
        "public_id",
        "masked",
        "kind",
        "environment",
        "organization",
        "user",
        "created_by",
        "created_at",
        "expires_at",
        "revoked_at",
    )


@admin.register(ProviderKey)
class ProviderKeyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "base_url", "created_at", "replaced_at")
    search_fields = ("organization__name", "base_url")
    list_select_related = ("organization",)
    ordering = ("organization__name",)
    fields = ("organization", "base_url", "created_by", "created_at", "replaced_at")


@admin.register(ProviderAdminKey)
class ProviderAdminKeyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "base_url", "project_id", "verified_at")
    search_fields = ("organization__name", "base_url")
    list_select_related = ("organization",)
    ordering = ("organization__name",)
    fields = (
        "organization",
        "base_url",
        "project_id",
        "created_by",
        "created_at",
        "replaced_at",
        "verified_at",
    )
