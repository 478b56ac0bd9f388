"""Organizations with their members and invitations, for the operator."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import action

from orgs.access import is_operator
from orgs.actions import (
    reactivate_organization,
    suspend_organization,
)
from orgs.admin.sign_in import operator_of
from orgs.admin_base import ReadOnlyAdmin
from orgs.admin_questions import Question, ask
from orgs.models import (
    Invitation,
    Membership,
    Organization,
)


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    fields = ("user", "role", "created_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, *args: object) -> bool:
        return False

    def has_view_permission(self, *args: object) -> bool:
        return True


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "environment", "public_id", "suspended_at", "deleted_at")
    list_filter = ("environment", "is_demo")
    search_fields = ("name", "slug", "public_id")
    ordering = ("name",)
    fields = (
        "name",
        "public_id",
        "slug",
        "environment",
        "sibling",
        "is_demo",
        "suspended_at",
        "suspended_message",
        "deleted_at",
        "created_at",
    )
    inlines = (MembershipInline,)
    actions_detail = ("suspend", "reactivate")

    def has_suspend_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = Organization.objects.filter(pk=object_id or 0, deleted_at__isnull=True)
        return is_operator(request.user) and found.exists()

    def has_reactivate_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = Organization.objects.filter(
            pk=object_id or 0, deleted_at__isnull=True, suspended_at__isnull=False
        )
        return is_operator(request.user) and found.exists()

    @action(  # type: ignore[untyped-decorator]
        description="Suspend", url_path="suspend", permissions=["suspend"]
    )
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refuse an organization's requests, or say anew why."""
        organization = get_object_or_404(Organization, pk=object_id)
        name = organization.full_name

        def act(message: str) -> None:
            suspend_organization(
                organization=organization,
                message=message,
                acting_user=operator_of(request),
                now=timezone.now(),
            )

        question = Question(
            title=f"Suspend {name}?",
            explanation=(
                "Its API requests are refused within a second, nobody is invited to "
                "it, and it gets no new keys. Its pages stay to be read. Its owners "
                "get a mail."
            ),
            reason_label="Why, for its members to read",
            button=f"Suspend {name}",
            act=act,
            done=f"{name} is suspended.",
        )
        return ask(self, request, organization, question)

    @action(  # type: ignore[untyped-decorator]
        description="End the suspension",
        url_path="reactivate",
        permissions=["reactivate"],
    )
    def reactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer an organization's requests again."""
        organization = get_object_or_404(Organization, pk=object_id)
        name = organization.full_name

        def act(_: str) -> None:
            reactivate_organization(
                organization=organization,
                acting_user=operator_of(request),
                now=timezone.now(),
            )

        question = Question(
            title=f"End the suspension of {name}?",
            explanation=(
                "Its API requests are answered again, with the same keys. Its owners "
                "get a mail."
            ),
            button="End the suspension",
            act=act,
            done=f"{name} is not suspended any more.",
        )
        return ask(self, request, organization, question)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "organization", "role", "expires_at", "accepted_at")
    list_filter = ("role",)
    search_fields = ("email", "organization__name")
    list_select_related = ("organization",)
    ordering = ("-created_at",)
    fields = (
        "public_id",
        "email",
        "organization",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
