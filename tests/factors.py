"""Second factors of the cast: an authenticator app, held in the test's hand."""

from __future__ import annotations

import time
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from orgs.models import User

STEP_S = 30
# What a test needs from reading a code to sending it, on a slow machine.
SPARE_S = 8


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app that knows a secret."""

    secret: str

    def code(self) -> str:
        """Return the code that is shown now, and will be for a while."""
        left_s = STEP_S - time.time() % STEP_S
        if left_s < SPARE_S:
            time.sleep(left_s + 0.05)
        (counter,) = yield_hotp_counters_from_time()
        return str(format_hotp_value(hotp_value(self.secret, counter)))


def give_app(user: User) -> App:
    """Set up an authenticator app and recovery codes for a person."""
    app = App(generate_totp_secret())
    TOTP.activate(user, app.secret)
    RecoveryCodes.activate(user)
    return app


def recovery_code_of(user: User) -> str:
    """Return an unused recovery code."""
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    return str(codes.get_unused_codes()[0])


def set_up_app(browser: Client) -> App:
    """Set up an app on the page, for somebody who has just confirmed who they are."""
    page = "/account/two-factor/app/"
    browser.get(page)
    app = App(browser.session["mfa.totp.secret"])
    browser.post(page, {"code": app.code()})
    return app
