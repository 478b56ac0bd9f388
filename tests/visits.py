"""Visits to pages: who comes, and what the mail sent them to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.test import Client

from orgs.models import Organization, OutboxMail, User
from tests.factories import PASSWORD


def browser_of(user: User | None) -> Client:
    """Return a browser in which a person is logged in, or nobody."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def viewing_browser_of(op: User, organization: Organization, *, reason: str) -> Client:
    """Return a browser in which an operator views an organization."""
    client = browser_of(op)
    path = f"/operator/organizations/{organization.public_id}/view/begin"
    assert client.post(path, {"reason": reason}).status_code == 302
    return client


def log_in(browser: Client, user: User, password: str = PASSWORD) -> None:
    """Send the form of the log-in page; a second factor may be asked for next."""
    browser.post("/account/login/", {"login": user.email, "password": password})


def confirm(browser: Client) -> None:
    """Say once more who one is, as changes of factors ask."""
    browser.post("/account/reauthenticate/", {"password": PASSWORD})


def is_logged_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def link_mailed_to(email: str) -> str:
    """Return the path of the link in the newest mail to an address."""
    mail = OutboxMail.objects.filter(recipient=email).latest("pk")
    found = re.search(r"^(https?://\S+)$", mail.body_text, re.MULTILINE)
    assert found, mail.body_text
    return urlsplit(found[1]).path
