"""The operator's admin: everything can be read, next to nothing written."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from core.templatetags.money import usd_exact
from orgs.access import is_operator


def dollars(field: str) -> Callable[[Model], str]:
    """Return a column that shows the field `<field>_nanos` in dollars."""

    @admin.display(description=field.replace("_", " "))
    def amount(row: Model) -> str:
        return usd_exact(getattr(row, f"{field}_nanos"))

    return amount


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """
    Shows rows to operators. Changes go through actions, which lock and audit.

    A subclass names its `fields`: what is not named, secrets above all, is not shown.
    """

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request.user)

    def has_view_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return is_operator(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False


class LargeTableAdmin(ReadOnlyAdmin):
    """For tables that must not be counted: pages go forth and back only."""

    paginator = InfinitePaginator
    show_full_result_count = False
