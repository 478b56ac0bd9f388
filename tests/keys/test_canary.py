"""Secrets go through every flow, and stay in none of the places that outlive it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.celery import app as celery
from keys.actions import issue_key, warn_of_expiry
from keys.models import ApiKey
from orgs.models import Organization, User
from orgs.outbox import send_due_mail
from tests.factories import PASSWORD
from tests.factors import set_up_app
from tests.keys import canary
from tests.keys.canary import Secret, Sinks, leaks
from tests.keys.test_page import FORM, revealed_in
from tests.visits import browser_of, confirm, link_mailed_to, log_in

pytestmark = pytest.mark.django_db

PROVIDER = {
    "base_url": "https://api.openai.com/v1",
    "secret": "sk-proj-CanaryOfTheProviderKey0123456789",
    "unverified": "on",
}
REFUSED = "sk-proj-CanaryThatIsRefused0123456789abc"
NEW_PASSWORD, LAST_PASSWORD = "canary quiet rivers 4711", "canary loud mountains 0815"
NORAS_PASSWORD = "canary gentle deserts 1234"
NORA = "nora@acme.example"
OWN_MAIL = (f"{canary.DATABASE} orgs_outboxmail",)


def keys_of_every_kind(browser: Client, acme: Organization, ada: User) -> list[Secret]:
    """Make, rotate and end keys, and set a provider key."""
    made = browser.post("/o/acme/keys/create", FORM).content.decode()
    address = f"/o/acme/keys/{ApiKey.objects.get().public_id}"
    rotated = browser.post(f"{address}/rotate", {"grace": "1"}).content.decode()
    ends_at = timezone.now() + timedelta(days=2)
    ApiKey.objects.update(expires_at=ends_at, rotated_at=ends_at - timedelta(days=90))
    warn_of_expiry(now=timezone.now())
    browser.post("/o/acme/keys/provider-key", PROVIDER)
    refused = {**PROVIDER, "base_url": "http://no/", "secret": REFUSED}
    browser.post("/o/acme/keys/provider-key", refused)
    browser.post(f"{address}/revoke")
    admin = issue_key(
        kind="admin",
        environment="production",
        name="Admin",
        organization=acme,
        user=None,
        acting_user=ada,
        expires_at=None,
        now=timezone.now(),
    )
    return [
        # The last four characters are shown, to tell keys apart.
        Secret("API key", revealed_in(made).rsplit("-", 1)[1][:-4]),
        Secret("rotated API key", revealed_in(rotated).rsplit("-", 1)[1][:-4]),
        Secret("admin key", admin.text.rsplit("-", 1)[1][:-4]),
        Secret("provider key", PROVIDER["secret"][8:-4]),
        Secret("refused provider key", REFUSED[8:-4]),
    ]


def factors_of(browser: Client, ada: User) -> list[Secret]:
    """Set up an app, look at the recovery codes, and draw new ones."""
    confirm(browser)
    app = set_up_app(browser)
    browser.get("/account/two-factor/recovery-codes/")
    browser.post("/account/two-factor/recovery-codes/new/")
    codes = Authenticator.objects.get(user=ada, type="recovery_codes").wrap()
    two = "\n".join(codes.get_unused_codes()[:2])
    return [Secret("second factor", app.secret), Secret("recovery codes", two)]


def passwords_of(browser: Client, ada: User) -> list[Secret]:
    """Log in, fail to, change the password, and replace a forgotten one."""
    log_in(Client(), ada, NEW_PASSWORD)
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    browser.post("/account/password/change/", {"oldpassword": PASSWORD, **new})
    Client().post("/account/password/reset/", {"email": ada.email})
    link = link_mailed_to(ada.email)
    visitor = Client()
    form = visitor.get(link, follow=True).redirect_chain[-1][0]
    last = {"password1": LAST_PASSWORD, "password2": LAST_PASSWORD}
    visitor.post(form, last)
    log_in(Client(), ada, LAST_PASSWORD)
    return [
        Secret("password", PASSWORD),
        Secret("changed password", NEW_PASSWORD),
        Secret("password after a reset", LAST_PASSWORD),
        Secret(
            "token of a reset",
            link.rstrip("/").rsplit("/", 1)[1].partition("-")[2],
            (*OWN_MAIL, "Choose a new password for Tokenhouse", "opened sessions"),
        ),
    ]


def invitation(browser: Client) -> list[Secret]:
    """Invite somebody, who makes an account."""
    browser.post("/o/acme/members/invite", {"emails": NORA, "role": "reader"})
    link = link_mailed_to(NORA)
    Client().post(link, {"name": "Nora", "password": NORAS_PASSWORD})
    token = link.rsplit("/", 1)[1]
    # Its own mail is where it belongs.
    allowed = (*OWN_MAIL, "invited you to Acme (Production) on Tokenhouse")
    return [
        Secret("token of an invitation", token, allowed),
        Secret("password of who is invited", NORAS_PASSWORD),
    ]


@pytest.fixture
def operator(op: User) -> User:
    User.objects.filter(pk=op.pk).update(is_superuser=True)
    return User.objects.get(pk=op.pk)


@pytest.fixture
def everything(
    acme: Organization,
    ada: User,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
) -> tuple[list[Secret], Client]:
    """Every secret, once it went through its flows; and a browser of Ada's."""
    settings.MAIL_LEADS_NOWHERE = False
    cache.clear()
    caplog.set_level(logging.DEBUG)
    browser = Client()
    log_in(browser, ada)
    found = [
        *keys_of_every_kind(browser, acme, ada),
        *invitation(browser),
        *factors_of(browser, ada),
        *passwords_of(browser, ada),
    ]
    # Another password since: the old one's sessions are void.
    ada.refresh_from_db()
    visitor = browser_of(ada)
    session = visitor.session.session_key
    assert session is not None
    found.append(Secret("session", session, canary.SESSIONS))
    send_due_mail(now=timezone.now())
    return found, visitor


def all_sinks(secrets: list[Secret], browser: Client, op: User, log: str) -> Sinks:
    sinks = Sinks()
    canary.look_at_pages(sinks, browser)
    canary.look_at_admin(sinks, op)
    canary.look_into_database(sinks)
    canary.look_into_redis(sinks)
    canary.look_into_mails(sinks)
    sinks.add("log", log)
    return sinks


def test_no_secret_stays_anywhere(
    everything: tuple[list[Secret], Client],
    operator: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets, browser = everything

    sinks = all_sinks(secrets, browser, operator, caplog.text)

    assert len(secrets) == 14
    assert len(sinks.found) > 60
    assert leaks(secrets, sinks) == set()
    # They did go through: what may be shown of them is there.
    assert b"6789" in sinks.found["page /o/acme/keys"]
    assert any("Choose a new password" in name for name in sinks.found)


def test_no_error_page_tells_a_secret(
    everything: tuple[list[Secret], Client], caplog: pytest.LogCaptureFixture
) -> None:
    secrets, browser = everything
    sinks = Sinks()

    canary.look_at_errors(sinks, browser, secrets)

    assert {"error 400", "error 403", "error 404"} <= sinks.found.keys()
    assert leaks(secrets, sinks) == set()


def test_an_error_of_ours_tells_nothing(
    acme: Organization,
    ada: User,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(**arguments: object) -> None:
        secret = arguments["secret"]
        raise RuntimeError(f"failed with {len(str(secret))} characters")

    monkeypatch.setattr("keys.views.store_provider_key", explode)
    browser = browser_of(ada)
    browser.raise_request_exception = False
    answer = browser.post("/o/acme/keys/provider-key", PROVIDER)

    sinks = Sinks()
    sinks.add("page", answer.content)
    sinks.add("log", caplog.text)
    canary.look_into_mails(sinks)
    assert answer.status_code == 500
    assert "RuntimeError" in caplog.text
    assert b"RuntimeError" not in answer.content
    assert leaks([Secret("provider key", PROVIDER["secret"])], sinks) == set()
    assert mail.outbox == [], "errors are not mailed: a mail would quote the request"


def into_database(text: str, acme: Organization) -> None:
    Organization.objects.filter(pk=acme.pk).update(name=text)


def into_redis(text: str, acme: Organization) -> None:
    cache.set("planted", text)


def into_queue(text: str, acme: Organization) -> None:
    celery.send_task("nobody.runs.this", args=[text], queue="canary")


def into_log(text: str, acme: Organization) -> None:
    logging.getLogger("canary").warning("said %s", text.encode().hex())


def into_mail(text: str, acme: Organization) -> None:
    mail.send_mail("Hello", text, "a@acme.example", ["b@acme.example"])


def into_key_name(text: str, acme: Organization) -> None:
    ApiKey.objects.update(name=text[::-1][:80])


PLANTED: list[tuple[Callable[[str, Organization], None], str]] = [
    (into_database, "database orgs_organization"),
    (into_database, "page /o/acme/overview"),
    (into_database, "admin /operator/admin/orgs/organization/"),
    (into_redis, "redis"),
    (into_queue, "queue canary"),
    (into_log, "log"),
    (into_mail, "mail Hello"),
    (into_key_name, "page /o/acme/keys"),
    (into_key_name, "admin /operator/admin/keys/apikey/"),
]


def test_control_what_is_planted_is_found_wherever_it_is(
    everything: tuple[list[Secret], Client],
    acme: Organization,
    operator: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets, browser = everything
    for plant in {plant for plant, _ in PLANTED}:
        plant(secrets[0].text, acme)
    sinks = all_sinks(secrets, browser, operator, caplog.text)
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.queue_purge("canary")
    cache.clear()

    expected = {(secrets[0].name, place) for _, place in PLANTED}
    assert expected <= leaks(secrets, sinks)


@pytest.mark.parametrize(
    "form", list(Secret("x", "canary-0123456789/abcdefghij").forms())
)
def test_every_form_of_a_secret_is_looked_for(form: bytes) -> None:
    secret = Secret("x", "canary-0123456789/abcdefghij")

    assert leaks([secret], Sinks({"there": b"before " + form})) == {("x", "there")}
