"""People, organizations, the audit log and the outbox, for the operator."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.template.defaultfilters import urlize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from orgs.admin_base import LargeTableAdmin, ReadOnlyAdmin
from orgs.models import (
    AuditEvent,
    AuditLink,
    Invitation,
    Membership,
    Organization,
    OutboxMail,
    User,
)

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
        "deleted_at",
        "created_at",
    )
    inlines = (MembershipInline,)


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
            urlize(mail.body_text),
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
            mail.body_html,
        )
