"""What follows, once committed, when somebody's second factors change."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import OutboxMail, User
from tests.factors import set_up_app
from tests.visits import confirm, log_in

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def browser(ada: User) -> Client:
    cache.clear()
    browser = Client()
    log_in(browser, ada)
    confirm(browser)
    return browser


def test_sessions_from_before_the_factor_end(ada: User, browser: Client) -> None:
    older = Client()
    log_in(older, ada)
    assert older.get("/account/").status_code == 200
    set_up_app(browser)
    assert browser.get("/account/").status_code == 200
    assert older.get("/account/").status_code == 302


def test_the_person_is_told_of_the_new_factor(ada: User, browser: Client) -> None:
    set_up_app(browser)
    mail = OutboxMail.objects.get(recipient=ada.email)
    assert mail.subject == "Two-factor authentication is on"
    assert "If it was not you" in mail.body_text
