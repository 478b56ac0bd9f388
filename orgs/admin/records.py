"""The audit log and the outbox, for the operator."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import urlize
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orgs.admin_base import LargeTableAdmin
from orgs.mail_secrets import as_others_see_it
from orgs.models import (
    AuditEvent,
    AuditLink,
    OutboxMail,
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
