"""The address of the page that makes the first operator: a secret of the log."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from orgs.models import FirstSetUp, User

SALT = "tokenhouse.first-set-up"


def is_open() -> bool:
    """Say whether the installation has never had an operator."""
    return not (
        FirstSetUp.objects.exists() or User.objects.filter(is_staff=True).exists()
    )


def set_up_token() -> str:
    """Return the token: the same in each process, so that each can log it."""
    return salted_hmac(SALT, "operator", algorithm="sha256").hexdigest()


def is_token(token: str) -> bool:
    return secrets.compare_digest(token.encode(), set_up_token().encode())


def set_up_address() -> str:
    """Return the page's address, as it is printed."""
    path = reverse("orgs:first_set_up", args=[set_up_token()])
    return f"{settings.BASE_URL}{path}"
