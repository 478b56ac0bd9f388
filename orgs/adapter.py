"""How allauth behaves here: by invitation, its mails through the outbox."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from orgs.mail import queue_message


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether strangers may create an account: only invitations make one."""
        return False

    def format_email_subject(self, subject: str) -> str:
        """Leave a subject as it is; allauth would put the host before it."""
        return subject

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a reset mail: never from the request's Host header."""
        uid, _, secret = key.partition("-")
        path = reverse("account_reset_password_from_key", args=[uid, secret])
        return f"{settings.BASE_URL}{path}"

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        """Queue a mail of allauth's; each is of its own, so none is a repetition."""
        message = self.render_mail(template_prefix, email, {"email": email, **context})
        html = ""
        if isinstance(message, EmailMultiAlternatives):
            html = next((str(each[0]) for each in message.alternatives), "")
        queue_message(
            kind=template_prefix.rpartition("/")[2],
            recipients=[email],
            subject=message.subject,
            body_text=message.body,
            body_html=html,
            dedupe_key=f"account:{secrets.token_hex(16)}",
            organization=None,
            now=timezone.now(),
        )
