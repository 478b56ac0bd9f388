"""What the operator's admin does: suspend, end that, take off lost second factors."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from orgs.actions import NoSecondFactor, reset_second_factors
from orgs.models import AuditEvent, Organization, OutboxMail, User
from orgs.origin import Door
from tests.architecture.routes import everything_written
from tests.factories import NOW, suspend
from tests.factors import give_app
from tests.visits import browser_of, is_logged_in, log_in

pytestmark = pytest.mark.django_db

REASON = "Lost her phone, called back on her desk number."


def at_work(op: User) -> Client:
    """Return a browser of the operator, whose entry is in the audit log already."""
    browser = browser_of(op)
    browser.get(reverse("admin:index"))
    return browser


def deeds() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.exclude(action="operator.entered")


def deed(name: str, row: Organization | User) -> str:
    return f"/operator/admin/orgs/{row._meta.model_name}/{row.pk}/{name}/"


def test_the_operator_suspends_with_a_message(acme: Organization, op: User) -> None:
    browser = browser_of(op)
    assert "within a second" in browser.get(deed("suspend", acme)).content.decode()
    browser.post(deed("suspend", acme), {"reason": "A bill is  open."})
    acme.refresh_from_db()
    assert acme.suspended_message == "A bill is open."
    event = deeds().get()
    assert (event.actor, event.door) == (op, Door.ADMIN)


def test_without_a_message_nothing_happens(acme: Organization, op: User) -> None:
    browser = at_work(op)
    before = everything_written()
    answer = browser.post(deed("suspend", acme), {"reason": "  "})
    assert answer.status_code == 422
    assert everything_written() == before


def test_the_operator_ends_a_suspension(acme: Organization, op: User) -> None:
    suspend(acme)
    browser_of(op).post(deed("reactivate", acme))
    acme.refresh_from_db()
    assert not acme.is_suspended


def test_only_what_can_be_done_is_offered(acme: Organization, op: User) -> None:
    browser = browser_of(op)
    page = reverse("admin:orgs_organization_change", args=[acme.pk])
    assert deed("reactivate", acme) not in browser.get(page).content.decode()
    assert browser.post(deed("reactivate", acme)).status_code == 403
    suspend(acme)
    assert deed("reactivate", acme) in browser.get(page).content.decode()


@pytest.mark.parametrize("name", ["suspend", "reactivate"])
def test_an_owner_does_neither(acme: Organization, ada: User, name: str) -> None:
    suspend(acme)
    browser = browser_of(ada)
    before = everything_written()
    answer = browser.post(deed(name, acme), {"reason": "I say so."})
    assert answer.status_code in {302, 403}
    assert everything_written() == before


def test_a_lost_second_factor_is_taken_off(ada: User, op: User) -> None:
    give_app(ada)
    browser_of(op).post(deed("reset-factors", ada), {"reason": REASON})
    assert not Authenticator.objects.exists()
    cache.clear()
    browser = Client()
    log_in(browser, ada)
    assert is_logged_in(browser)


def test_whose_factor_was_taken_off_is_told(ada: User, op: User) -> None:
    give_app(ada)
    browser_of(op).post(deed("reset-factors", ada), {"reason": REASON})
    mail = OutboxMail.objects.get()
    assert (mail.recipient, mail.kind) == (ada.email, "two_factor_reset")
    assert REASON in mail.body_text
    assert "If you did not ask for it" in mail.body_text


def test_whose_factor_was_taken_off_is_logged_out(ada: User, op: User) -> None:
    cache.clear()
    browser = Client()
    log_in(browser, ada)
    give_app(ada)
    assert browser.get("/account/").status_code == 200
    browser_of(op).post(deed("reset-factors", ada), {"reason": REASON})
    assert browser.get("/account/").status_code == 302
    assert not UserSession.objects.filter(user=ada).exists()


def test_the_audit_log_says_who_took_it_off_and_why(ada: User, op: User) -> None:
    give_app(ada)
    browser_of(op).post(deed("reset-factors", ada), {"reason": REASON})
    event = AuditEvent.objects.get(action="user.two_factor_reset")
    assert (event.actor, event.target) == (op, ada.public_id)
    assert event.details["reason"] == REASON
    removed = AuditEvent.objects.filter(action="user.two_factor_removed")
    assert {each.actor for each in removed} == {op}


def test_a_reason_is_asked_for(ada: User, op: User) -> None:
    give_app(ada)
    browser = at_work(op)
    before = everything_written()
    assert browser.post(deed("reset-factors", ada)).status_code == 422
    assert everything_written() == before
    assert Authenticator.objects.filter(user=ada).count() == 2


def test_who_has_none_loses_none(ada: User, op: User) -> None:
    assert browser_of(op).post(deed("reset-factors", ada)).status_code == 403
    with pytest.raises(NoSecondFactor):
        reset_second_factors(user=ada, reason=REASON, acting_user=op, now=NOW)
    assert not deeds().exists()


def test_a_member_takes_off_nobodys(ada: User, rita: User) -> None:
    give_app(ada)
    answer = browser_of(rita).post(deed("reset-factors", ada), {"reason": REASON})
    assert answer.status_code in {302, 403}
    assert Authenticator.objects.filter(user=ada).count() == 2
    assert not OutboxMail.objects.exists()
