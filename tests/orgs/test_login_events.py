"""Who logged in, how and whence, is written down; who failed to, only logged."""

from __future__ import annotations

import logging

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import AuditEvent, User
from tests.factors import give_app
from tests.visits import log_in

pytestmark = pytest.mark.django_db

FACTOR = "/account/two-factor/authenticate/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def events_of(user: User) -> list[tuple[str, object]]:
    events = AuditEvent.objects.filter(actor=user, action__contains=".succeeded")
    return [(each.action, each.details) for each in events.order_by("pk")]


def test_logging_in_and_out_is_in_the_audit_log(ada: User) -> None:
    browser = Client()
    log_in(browser, ada)
    browser.post("/account/logout/")
    assert events_of(ada) == [
        ("login.succeeded", {"methods": ["password"]}),
        ("logout.succeeded", {}),
    ]
    assert AuditEvent.objects.filter(address="127.0.0.1").count() == 2


def test_a_second_factor_is_named(ada: User) -> None:
    code = give_app(ada).code()
    browser = Client()
    log_in(browser, ada)
    assert events_of(ada) == []
    browser.post(FACTOR, {"code": code})
    assert events_of(ada) == [("login.succeeded", {"methods": ["password", "mfa"]})]


def test_a_failed_log_in_is_logged_and_writes_nothing(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "orgs.login_events")
    for email in (ada.email, "eve@x.example"):
        form = {"login": email, "password": "not hers at all"}
        Client().post("/account/login/", form)
    said = [each.getMessage() for each in caplog.records if "login" in each.msg]
    assert said == ["login.failed from=127.0.0.1"] * 2
    assert not AuditEvent.objects.exists()
