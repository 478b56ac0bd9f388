"""Visits to pages: who comes, and what the mail sent them to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.test import Client

from orgs.models import OutboxMail, User


def browser_of(user: User | None) -> Client:
    """Return a browser in which a person is logged in, or nobody."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def link_mailed_to(email: str) -> str:
    """Return the path of the link in the newest mail to an address."""
    mail = OutboxMail.objects.filter(recipient=email).latest("pk")
    found = re.search(r"^(https?://\S+)$", mail.body_text, re.MULTILINE)
    assert found, mail.body_text
    return urlsplit(found[1]).path
