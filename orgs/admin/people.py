"""People, for the operator."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.decorators import action

from orgs.access import is_operator
from orgs.actions import (
    NoSecondFactor,
    reset_second_factors,
)
from orgs.admin.sign_in import operator_of
from orgs.admin_base import ReadOnlyAdmin
from orgs.admin_questions import Question, ask
from orgs.models import User
from orgs.queries import has_second_factor


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name", "public_id")
    ordering = ("email",)
    fields = (
        "email",
        "name",
        "public_id",
        "default_organization",
        "is_active",
        "is_staff",
        "date_joined",
        "last_login",
    )
    actions_detail = ("reset_factors",)

    def has_reset_factors_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        user = User.objects.filter(pk=object_id or 0).first()
        return is_operator(request.user) and bool(user and has_second_factor(user))

    @action(  # type: ignore[untyped-decorator]
        description="Take off second factors",
        url_path="reset-factors",
        permissions=["reset_factors"],
    )
    def reset_factors(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take off what a person lost, once somebody made sure that it is they."""
        user = get_object_or_404(User, pk=object_id)

        def act(reason: str) -> None:
            # Taken off in the meantime: that is what was wanted.
            with suppress(NoSecondFactor):
                reset_second_factors(
                    user=user,
                    reason=reason,
                    acting_user=operator_of(request),
                    now=timezone.now(),
                )

        question = Question(
            title=f"Take off the second factors of {user}?",
            explanation=(
                "Their app, passkeys and recovery codes are gone, they are logged out "
                "everywhere, and their password alone logs in. They are told by mail. "
                "Make sure by another way than mail that it is they who ask."
            ),
            reason_label="Reason, for the audit log and the mail",
            button="Take off second factors",
            act=act,
            done=f"{user} logs in by password alone now.",
        )
        return ask(self, request, user, question)
