"""People, organizations, the audit log and the outbox, for the operator."""

from __future__ import annotations

from contextlib import suppress

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import urlize
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import action

from orgs.access import is_operator
from orgs.actions import (
    NoSecondFactor,
    reactivate_organization,
    reset_second_factors,
    suspend_organization,
)
from orgs.admin_base import LargeTableAdmin, ReadOnlyAdmin
from orgs.admin_questions import Question, ask
from orgs.mail_secrets import as_others_see_it
from orgs.models import (
    AuditEvent,
    AuditLink,
    Invitation,
    Membership,
    Organization,
    OutboxMail,
    User,
)
from orgs.queries import has_second_factor

# One log-in page, with its limits on guessing, for operators too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Not in use here, or secret, and writable as they come.
admin.site.unregister(
    [
        Group,
        EmailAddress,
        Authenticator,
        SocialAccount,
        SocialApp,
        SocialToken,
        UserSession,
    ]
)


def operator_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the admin admits nobody else"
    return request.user


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


@admin.register(AuditEvent)
class AuditEventAdmin(LargeTableAdmin):
    list_display = ("created_at", "action", "target", "organization", "actor", "door")
    list_filter = ("action", "door")
    search_fields = ("target", "organization__name", "actor__email")
    list_select_related = ("organization", "actor")
    ordering = ("-pk",)
    fields = (
        "created_at",
        "action",
        "target",
        "organization",
        "actor",
        "details",
        "door",
        "address",
        "user_agent",
        "place",
    )
    readonly_fields = ("place",)

    @admin.display(description="place in the chain")
    def place(self, event: AuditEvent) -> str:
        link = AuditLink.objects.filter(event=event).first()
        return str(link) if link else "not linked"


@admin.register(OutboxMail)
class OutboxMailAdmin(LargeTableAdmin):
    list_display = ("created_at", "kind", "recipient", "subject", "status", "sent_at")
    list_filter = ("status", "kind")
    search_fields = ("recipient", "subject")
    ordering = ("-created_at", "-pk")
    fields = (
        "subject",
        "recipient",
        "organization",
        "kind",
        "text",
        "rendered",
        "status",
        "created_at",
        "sent_at",
        "attempts",
        "next_attempt_at",
        "last_error",
    )
    readonly_fields = ("text", "rendered")

    @admin.display(description="text")
    def text(self, mail: OutboxMail) -> SafeString:
        """Return the mail's plain text, its links to be followed."""
        return format_html(
            '<pre style="white-space:pre-wrap;font:inherit">{}</pre>',
            urlize(as_others_see_it(mail.body_text)),
        )

    @admin.display(description="as it looks")
    def rendered(self, mail: OutboxMail) -> SafeString | str:
        """Return the mail's HTML in a frame where nothing of it can run."""
        if not mail.body_html:
            return "no HTML part"
        return format_html(
            '<iframe sandbox title="The mail as it looks" srcdoc="{}" '
            'style="width:100%;min-width:20rem;height:32rem;border:1px solid #cdd4df;'
            'border-radius:6px;background:#fff"></iframe>',
            as_others_see_it(mail.body_html),
        )
