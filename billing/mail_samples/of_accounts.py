"""The mails about accounts, as allauth sends them by our adapter and templates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings

from billing.mail_samples.cast import Cast
from billing.mail_samples.sample import Sample

OCCASIONS = {
    "account/email/account_already_exists": "Somebody signs up again.",
    "account/email/email_confirmation": "Somebody logs in with a new address.",
    "account/email/email_confirmation_signup": "Somebody signs up.",
    "account/email/password_changed": "A password was changed.",
    "account/email/password_reset": "A password was reset by a link.",
    "account/email/password_reset_key": "Somebody asks for a new password.",
    "account/email/password_set": "An account without a password got one.",
    "account/email/unknown_account": "A password is asked for that nobody has.",
    "mfa/email/recovery_codes_generated": "New recovery codes were made.",
    "mfa/email/totp_activated": "An authenticator app was added.",
    "mfa/email/totp_deactivated": "An authenticator app was removed.",
    "mfa/email/webauthn_added": "A passkey was added.",
    "mfa/email/webauthn_removed": "A passkey was removed.",
    "socialaccount/email/account_connected": "Single sign-on was connected.",
    "socialaccount/email/account_disconnected": "Single sign-on was disconnected.",
}


def samples(cast: Cast) -> Iterator[Sample]:
    for prefix, occasion in OCCASIONS.items():
        name = prefix.rpartition("/")[2]
        yield Sample(name, occasion, partial(send, prefix, cast))


def send(prefix: str, cast: Cast) -> None:
    get_adapter().send_mail(prefix, cast.ada.email, context_of(cast))


def context_of(cast: Cast) -> dict[str, Any]:
    """Return what allauth gives to its templates, of all mails together."""
    return {
        "user": cast.ada,
        "code": "ABCD-EFGH",
        "password_reset_url": (
            f"{settings.BASE_URL}/account/password/reset/key/1-sample/"
        ),
        "timestamp": cast.now,
        "ip": "192.0.2.7",
        "user_agent": "Firefox on Linux",
    }
