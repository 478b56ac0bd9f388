"""Thresholds by percent and forecast, limits lifted, and who is told of each."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from billing.actions.alerts import evaluate_limits
from billing.actions.forecast_alerts import evaluate_forecasts
from billing.actions.limits import set_hard_limit
from billing.alert_models import ScopeRefusal
from billing.models import Alert, AlertNotice, BillingProfile, SoftLimit, SpendLimits
from core.periods import cycle_interval, cycle_of
from keys.actions.webhooks import add_endpoint
from keys.models import WebhookDelivery
from orgs.models import Organization, OutboxMail, User
from tests.billing.test_alerts import hard_limit, soft_limit, spend
from tests.factories import NOW, refuse_mail, usd
from tests.usage_factories import add_hour, make_key

pytestmark = pytest.mark.django_db

LONG_AGO = NOW - timedelta(days=90)


@pytest.fixture(autouse=True)
def _billed(acme: Organization) -> None:
    BillingProfile.objects.create(
        organization=acme, legal_name="Acme Inc.", billing_emails=["Bills@acme.example"]
    )


def threshold(organization: Organization, **values: object) -> SoftLimit:
    return SoftLimit.objects.create(
        organization=organization, created_at=LONG_AGO, **values
    )


def told(kind: str) -> list[str]:
    mails = OutboxMail.objects.filter(kind=kind).order_by("recipient")
    return list(mails.values_list("recipient", flat=True))


def notices(kind: str) -> set[tuple[str, str, str]]:
    found = AlertNotice.objects.filter(alert__kind=kind)
    return set(found.values_list("recipient", "role", "suppression"))


def test_a_percentage_is_of_the_lower_of_both_limits(acme: Organization) -> None:
    threshold(acme, percent=75)
    SpendLimits.objects.create(
        organization=acme, hard_limit_nanos=usd(400), approved_limit_nanos=usd(200)
    )
    spend(acme, 149)
    assert evaluate_limits(now=NOW) == 0
    spend(acme, 150)
    assert evaluate_limits(now=NOW) == 1
    assert Alert.objects.get().limit_nanos == usd(150)


def test_a_percentage_of_nothing_is_never_reached(acme: Organization) -> None:
    threshold(acme, percent=1)
    spend(acme, 9000)
    assert evaluate_limits(now=NOW) == 0


def test_a_percentage_and_an_amount_that_are_one_are_told_once(
    acme: Organization,
) -> None:
    threshold(acme, percent=50, recipients=["cfo@acme.example"])
    threshold(acme, amount_nanos=usd(100), recipients=["cto@acme.example"])
    hard_limit(acme, 200)
    spend(acme, 100)
    assert evaluate_limits(now=NOW) == 1
    assert told("soft_limit") == [
        *("ada@acme.example", "cfo@acme.example", "cto@acme.example")
    ]


def test_recipients_of_all_thresholds_crossed_at_once_get_the_one_mail(
    acme: Organization,
) -> None:
    threshold(acme, amount_nanos=usd(100), recipients=["cfo@acme.example"])
    soft_limit(acme, 200)
    spend(acme, 250)
    evaluate_limits(now=NOW)
    assert told("soft_limit") == ["ada@acme.example", "cfo@acme.example"]
    lower, highest = Alert.objects.order_by("limit_nanos")
    assert (lower.is_covered, highest.is_covered) == (True, False)
    covered = lower.notices.values_list("recipient", "suppression")
    assert set(covered) == {
        ("ada@acme.example", "covered"),
        ("cfo@acme.example", "covered"),
    }


def test_who_does_without_is_noted_with_the_reason(
    acme: Organization, ada: User
) -> None:
    refuse_mail(ada, acme, "soft_limit")
    threshold(acme, amount_nanos=usd(100), recipients=["cfo@acme.example"])
    spend(acme, 100)
    evaluate_limits(now=NOW)
    assert told("soft_limit") == ["cfo@acme.example"]
    assert notices("soft_limit") == {
        ("ada@acme.example", "owner", "opted_out"),
        ("cfo@acme.example", "recipient", ""),
    }


def test_a_forecast_is_told_before_the_amount_is_spent(acme: Organization) -> None:
    threshold(acme, amount_nanos=usd(300), basis="forecast")
    hard_limit(acme, 500)
    spend_by_day(acme, 11)
    assert evaluate_limits(now=NOW) == 0
    assert evaluate_forecasts(now=NOW) == 1
    assert evaluate_forecasts(now=NOW + timedelta(hours=1)) == 0
    alert, mail = Alert.objects.get(), OutboxMail.objects.get()
    assert alert.forecast_nanos is not None
    assert alert.spent_nanos < alert.limit_nanos < alert.forecast_nanos
    assert alert.reached_at is not None
    assert NOW < alert.reached_at < cycle_interval(cycle_of(NOW)).end
    assert "On course for $" in mail.subject
    for body in (mail.body_text, mail.body_html):
        assert "a forecast, not a charge" in body
        assert f"{alert.reached_at:%-d %B %Y}" in body
        assert "Does traffic continue? Yes" in body


def test_a_forecast_below_the_threshold_tells_nobody(acme: Organization) -> None:
    threshold(acme, amount_nanos=usd(300), basis="forecast")
    spend_by_day(acme, 5)
    assert evaluate_forecasts(now=NOW) == 0
    assert not Alert.objects.exists()


def test_actual_and_forecast_of_one_amount_are_two_events(acme: Organization) -> None:
    for basis in ("actual", "forecast"):
        threshold(acme, amount_nanos=usd(300), basis=basis)
    spend(acme, 300)
    assert (evaluate_limits(now=NOW), evaluate_forecasts(now=NOW)) == (1, 1)
    kinds = Alert.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["forecast_limit", "soft_limit"]


def test_a_hard_limit_is_told_to_billing_addresses_too(acme: Organization) -> None:
    hard_limit(acme, 300)
    spend(acme, 300)
    evaluate_limits(now=NOW)
    assert told("hard_limit") == ["ada@acme.example", "bills@acme.example"]


def test_who_raised_a_hard_limit_and_to_what_is_told_once(
    acme: Organization, ada: User
) -> None:
    hard_limit(acme, 300)
    spend(acme, 300)
    evaluate_limits(now=NOW)
    change = {"organization": acme, "acting_user": ada, "now": NOW}
    set_hard_limit(amount_nanos=usd(450), **change)  # type: ignore[arg-type]
    assert (evaluate_limits(now=NOW), evaluate_limits(now=NOW)) == (1, 0)
    mail = OutboxMail.objects.get(
        kind="hard_limit_lifted", recipient="ada@acme.example"
    )
    assert "The hard limit was raised to $450.00" in mail.subject
    assert "Ada Moss (ada@acme.example)" in mail.body_text
    assert "Do requests pass again? Yes" in mail.body_text
    assert told("hard_limit_lifted") == told("hard_limit")


def test_a_raise_that_still_leaves_nothing_lifts_nothing(acme: Organization) -> None:
    hard_limit(acme, 300)
    spend(acme, 400)
    evaluate_limits(now=NOW)
    hard_limit(acme, 350)
    evaluate_limits(now=NOW)
    assert not told("hard_limit_lifted")


def test_a_raise_above_the_approved_limit_does_not_say_that_requests_pass(
    acme: Organization,
) -> None:
    hard_limit(acme, 300)
    spend(acme, 300)
    evaluate_limits(now=NOW)
    SpendLimits.objects.update(hard_limit_nanos=None, approved_limit_nanos=usd(300))
    evaluate_limits(now=NOW)
    mail = OutboxMail.objects.filter(kind="hard_limit_lifted").first()
    assert mail is not None
    assert "Do requests pass again? No" in mail.body_text
    assert told("approved_limit_reached") == told("hard_limit")


def test_the_limit_of_a_member_is_told_to_them_without_what_others_spend(
    acme: Organization, rita: User
) -> None:
    refused(acme, "member", rita.pk)
    evaluate_limits(now=NOW)
    assert told("member_limit") == ["ada@acme.example", "rita@acme.example"]
    mail = OutboxMail.objects.filter(recipient=rita.email).get()
    assert "Rita Vale reached their limit of $5.00" in mail.subject
    assert "What cost most" not in mail.body_text + mail.body_html


def test_whose_key_it_was_is_not_told_once_they_left(
    acme: Organization, oscar: User
) -> None:
    refused(acme, "key", make_key("Oscar's", user=oscar).pk)
    evaluate_limits(now=NOW)
    assert told("key_limit") == ["ada@acme.example"]


def test_two_keys_at_the_same_limit_are_two_events(acme: Organization) -> None:
    for name in ("One", "Two"):
        refused(acme, "key", make_key(name, organization=acme).pk)
    assert evaluate_limits(now=NOW) == 2
    assert len(told("key_limit")) == 2


def test_each_alert_goes_to_the_webhooks_of_its_organization(
    acme: Organization, ada: User
) -> None:
    add_endpoint(
        organization=acme, url="https://hooks.acme.example/", acting_user=ada, now=NOW
    )
    soft_limit(acme, 100, 200)
    spend(acme, 250)
    for _ in range(2):
        evaluate_limits(now=NOW)
    deliveries = WebhookDelivery.objects.order_by("pk")
    bodies = [json.loads(each.body) for each in deliveries]
    assert [body["data"]["limit_usd"] for body in bodies] == ["200.00", "100.00"]
    assert {body["type"] for body in bodies} == {"alert.soft_limit"}
    ids = set(Alert.objects.values_list("public_id", flat=True))
    assert {each.event_id for each in deliveries} == ids


def spend_by_day(organization: Organization, dollars: int) -> None:
    """Spend as much on each day of November so far."""
    for day in range(1, NOW.day + 1):
        at = NOW.replace(day=day, hour=9)
        add_hour(organization, at=at, cost_nanos=usd(dollars))
    spend(organization, dollars * NOW.day)


def refused(organization: Organization, scope: str, subject_id: int) -> None:
    ScopeRefusal.objects.create(
        organization=organization,
        cycle_start=cycle_of(NOW),
        scope=scope,
        subject_id=subject_id,
        limit_nanos=usd(5),
        spent_nanos=usd("4.9"),
        refused_at=NOW,
    )
