"""The alert ledger: who was told, who took note, and who is asked next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.actions.acknowledging import (
    acknowledge_alert,
    escalate_alerts,
    set_escalation,
)
from billing.actions.alerts import evaluate_limits
from billing.alert_models import AlertNotice
from billing.models import Alert, BillingProfile, SoftLimit
from orgs.models import (
    AuditEvent,
    MailStatus,
    Membership,
    Organization,
    OutboxMail,
    Role,
    User,
)
from tests.billing.test_alerts import hard_limit, soft_limit, spend
from tests.factories import NOW, join, make_user, refuse_mail, usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

URL = "/o/acme/alerts"
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _billed(acme: Organization) -> None:
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")


@pytest.fixture
def eve(acme: Organization, ada: User) -> User:
    """Another owner, of later than Ada."""
    user = make_user("eve@acme.example", name="Eve")
    join(user, acme, Role.OWNER)
    Membership.objects.filter(user=ada).update(created_at=NOW - timedelta(days=9))
    return user


def reach(organization: Organization) -> Alert:
    soft_limit(organization, 300)
    spend(organization, 300)
    evaluate_limits(now=NOW)
    return Alert.objects.get()


def page_of(user: User) -> str:
    return browser_of(user).get(URL).content.decode()


def escalations() -> list[str]:
    mails = OutboxMail.objects.filter(kind="alert_escalation").order_by("pk")
    return list(mails.values_list("recipient", flat=True))


def test_nothing_was_reached_yet(acme: Organization, ada: User) -> None:
    assert "Nothing was reached yet" in page_of(ada)


def test_an_event_shows_to_whom_it_went_and_whether_it_arrived(
    acme: Organization, ada: User, eve: User
) -> None:
    refuse_mail(eve, acme, "soft_limit")
    reach(acme)
    OutboxMail.objects.update(status=MailStatus.FAILED, last_error="550 no such user")
    page = page_of(ada)
    assert "Soft limit of $300.00 reached: $300.00 spent in November" in page
    assert "550 no such user" in page
    assert "Does without such mails" in page


def test_who_takes_note_is_shown_and_in_the_audit_log(
    acme: Organization, ada: User
) -> None:
    alert = reach(acme)
    browser_of(ada).post(f"{URL}/{alert.public_id}/acknowledge")
    alert.refresh_from_db()
    assert alert.acknowledged_by == ada
    event = AuditEvent.objects.get(action="alert.acknowledged")
    assert (event.actor, event.target) == (ada, alert.public_id)
    assert "Take note" not in page_of(ada)


def test_the_first_who_takes_note_is_noted(
    acme: Organization, ada: User, eve: User
) -> None:
    alert = reach(acme)
    took = [
        acknowledge_alert(alert=alert, acting_user=user, now=NOW) for user in (ada, eve)
    ]
    alert.refresh_from_db()
    assert (took, alert.acknowledged_by) == ([True, False], ada)
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 1


def test_the_link_in_the_mail_leads_to_the_event(acme: Organization, ada: User) -> None:
    alert = reach(acme)
    link = f"http://localhost:8000{URL}#{alert.public_id}"
    mail = OutboxMail.objects.get()
    assert link in mail.body_text
    assert link in mail.body_html
    assert f'id="{alert.public_id}"' in page_of(ada)


def test_without_escalation_nobody_is_asked(acme: Organization, eve: User) -> None:
    reach(acme)
    assert escalate_alerts(now=NOW + timedelta(days=3)) == 0
    assert escalations() == []


def test_each_owner_is_asked_once_in_turn(
    acme: Organization, ada: User, eve: User
) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    reach(acme)
    asked = []
    for turn in range(1, 6):
        escalate_alerts(now=NOW + turn * HALF_AN_HOUR - timedelta(seconds=1))
        escalate_alerts(now=NOW + turn * HALF_AN_HOUR)
        asked.append(len(escalations()))
    assert escalations() == ["ada@acme.example", "eve@acme.example"]
    assert asked == [1, 2, 2, 2, 2]
    assert AuditEvent.objects.filter(action="alert.escalated").count() == 2
    assert Alert.objects.get().next_escalation_at is None


def test_who_was_not_told_is_asked_first(
    acme: Organization, ada: User, eve: User
) -> None:
    refuse_mail(eve, acme, "soft_limit")
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    reach(acme)
    escalate_alerts(now=NOW + HALF_AN_HOUR)
    assert escalations() == ["eve@acme.example"]


def test_once_somebody_took_note_nobody_is_asked(
    acme: Organization, ada: User, eve: User
) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    acknowledge_alert(alert=reach(acme), acting_user=ada, now=NOW)
    assert escalate_alerts(now=NOW + timedelta(days=1)) == 0
    assert escalations() == []


def test_escalation_that_is_turned_off_ends_at_once(
    acme: Organization, ada: User, eve: User
) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    reach(acme)
    set_escalation(organization=acme, after_min=None, acting_user=ada, now=NOW)
    assert escalate_alerts(now=NOW + HALF_AN_HOUR) == 0
    assert escalations() == []
    assert Alert.objects.get().next_escalation_at is None


def test_the_same_escalation_again_records_nothing(
    acme: Organization, ada: User
) -> None:
    for _ in range(2):
        browser_of(ada).post(f"{URL}/escalation", {"after": "30"})
    assert AuditEvent.objects.filter(action="alert_settings.updated").count() == 1


def test_a_pause_that_is_not_offered_is_refused(acme: Organization, ada: User) -> None:
    answer = browser_of(ada).post(f"{URL}/escalation", {"after": "1"})
    assert answer.status_code == 422
    assert not AuditEvent.objects.filter(action="alert_settings.updated").exists()


def test_a_hard_limit_that_is_lifted_is_nothing_to_take_note_of(
    acme: Organization, ada: User
) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    hard_limit(acme, 300)
    spend(acme, 300)
    evaluate_limits(now=NOW)
    hard_limit(acme, 400)
    evaluate_limits(now=NOW)
    lifted = Alert.objects.get(kind="hard_limit_lifted")
    assert lifted.next_escalation_at is None


def test_older_alerts_are_on_the_next_page(acme: Organization, ada: User) -> None:
    for amount in range(1, 33):
        Alert.objects.create(
            organization=acme,
            kind="soft_limit",
            cycle_start=NOW.date().replace(day=1),
            limit_nanos=usd(amount),
            spent_nanos=usd(40),
            created_at=NOW,
        )
    first = page_of(ada)
    assert first.count("Soft limit of $") == 60  # headline and its button
    oldest = Alert.objects.order_by("-pk")[29].pk
    assert f"?before={oldest}" in first
    rest = browser_of(ada).get(f"{URL}?before={oldest}").content.decode()
    assert rest.count("<tr id=") == 2


# The soft limits' form.


def add(user: User, **fields: str) -> int:
    return browser_of(user).post("/o/acme/limits/soft", fields).status_code


def test_a_percentage_of_the_forecast_with_addresses_is_added(
    acme: Organization, ada: User
) -> None:
    fields = {"amount": "80 %", "unit": "percent", "basis": "forecast"}
    assert add(ada, **fields, recipients="CFO@acme.example, cto@acme.example") == 302
    limit = SoftLimit.objects.get()
    assert (limit.amount_nanos, limit.percent, limit.basis) == (None, 80, "forecast")
    assert limit.recipients == ["cfo@acme.example", "cto@acme.example"]
    details = AuditEvent.objects.get(action="spend_alert.created").details
    assert details["after"]["percent"] == 80


@pytest.mark.parametrize("amount", ["0", "101", "7.5", "", "-3", "٣"])
def test_what_is_no_percentage_is_refused(
    acme: Organization, ada: User, amount: str
) -> None:
    assert add(ada, amount=amount, unit="percent") == 422
    assert not SoftLimit.objects.exists()


def test_what_is_no_address_is_refused(acme: Organization, ada: User) -> None:
    assert add(ada, amount="10", recipients="cfo@acme.example cto") == 422
    assert not SoftLimit.objects.exists()


def test_a_soft_limit_that_one_person_is_told_of_is_pointed_out(
    acme: Organization, ada: User
) -> None:
    add(ada, amount="10")
    page = browser_of(ada).get("/o/acme/limits").content.decode()
    assert "Only ada@acme.example gets this mail" in page
    refuse_mail(ada, acme, "soft_limit")
    page = browser_of(ada).get("/o/acme/limits").content.decode()
    assert "Nobody gets this mail" in page


def test_with_two_recipients_nothing_is_pointed_out(
    acme: Organization, ada: User
) -> None:
    add(ada, amount="10", recipients="cfo@acme.example")
    page = browser_of(ada).get("/o/acme/limits").content.decode()
    assert "Owners and cfo@acme.example" in page
    assert "gets this mail" not in page


def test_the_ledger_shows_what_its_organization_was_told(
    acme: Organization, globex: Organization, ada: User
) -> None:
    for organization in (acme, globex):
        soft_limit(organization, 300)
        spend(organization, 300)
    evaluate_limits(now=NOW)
    told = AlertNotice.objects.values_list("organization__name", "recipient")
    assert set(told) == {
        ("Acme", "ada@acme.example"),
        ("Globex", "oscar@globex.example"),
    }
    assert "oscar@globex.example" not in page_of(ada)
