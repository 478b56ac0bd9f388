"""How allauth behaves here: who may sign up, mails by the outbox, the audit log."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from orgs import audit
from orgs.mail import Letter, one_line, queue_message, with_foot
from orgs.mail_secrets import CODE
from orgs.models import User
from orgs.queries import is_invited
from orgs.reach import whole_installation


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether strangers may make an account by themselves."""
        return bool(settings.SIGNUP == "open")

    def set_password(self, user: User, password: str) -> None:
        """Change a password, which ends all sessions that it began."""
        with transaction.atomic():
            super().set_password(user, password)
            audit.record(
                organization=None,
                actor=user,
                action="user.password_changed",
                target=user.public_id,
                now=timezone.now(),
            )

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

        def write(common: Mapping[str, Any]) -> Letter:
            values = {"email": email, **context}
            message = self.render_mail(template_prefix, email, values)
            return letter_of(message.subject, message.body, common)

        queue_message(
            kind=template_prefix.rpartition("/")[2],
            recipients=[email],
            write=write,
            dedupe_key=f"account:{secrets.token_hex(16)}",
            organization=None,
            now=timezone.now(),
        )


def letter_of(subject: str, text: str, common: Mapping[str, Any]) -> Letter:
    """Return a letter whose text is written: its HTML has the same paragraphs."""
    line = one_line(subject)
    values = {**common, "subject": line, "paragraphs": list(paragraphs_of(text))}
    html = render_to_string("emails/account.html", values)
    return Letter(line, with_foot(text, common), html.strip())


def paragraphs_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text's paragraphs, and whether each is a link, a code, or words."""
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith(("https://", "http://")):
            yield "link", paragraph
        elif CODE.fullmatch(paragraph):
            yield "code", paragraph
        else:
            yield "words", paragraph


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(
        self, request: HttpRequest, sociallogin: SocialLogin
    ) -> bool:
        """Admit strangers where sign-up is open, else those who are invited."""
        if settings.SIGNUP == "open":
            return True
        with whole_installation("an invitation of who signs up"):
            return any(
                address.verified and is_invited(address.email, now=timezone.now())
                for address in sociallogin.email_addresses
            )

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> User:
        """Take over address and name; addresses are kept in lower case."""
        user: User = super().populate_user(request, sociallogin, data)
        user.email = user.email.lower()
        parts = [data.get("first_name"), data.get("last_name")]
        name = data.get("name") or " ".join(filter(None, parts))
        longest = User._meta.get_field("name").max_length
        user.name = " ".join(str(name).split())[:longest]
        return user
