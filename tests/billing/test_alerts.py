"""Owners are told of a limit once per amount and cycle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from billing.actions.alerts import evaluate_limits
from billing.models import (
    Alert,
    AlertKind,
    BillingProfile,
    Budget,
    SoftLimit,
    SpendLimits,
)
from core.periods import cycle_of
from orgs.models import Organization, OutboxMail, Role, User
from tests.factories import NOW, join, make_user, usd
from tests.usage_factories import add_hour

pytestmark = pytest.mark.django_db


def spend(organization: Organization, dollars: int, *, at: datetime = NOW) -> None:
    Budget.objects.update_or_create(
        organization=organization,
        cycle_start=cycle_of(at),
        defaults={"spent_nanos": usd(dollars)},
    )


def soft_limit(organization: Organization, *amounts: int) -> None:
    for amount in amounts:
        SoftLimit.objects.create(
            organization=organization,
            amount_nanos=usd(amount),
            created_at=NOW - timedelta(days=90),
        )


def hard_limit(organization: Organization, amount: int) -> None:
    SpendLimits.objects.update_or_create(
        organization=organization, defaults={"hard_limit_nanos": usd(amount)}
    )


@pytest.fixture(autouse=True)
def _billed(acme: Organization) -> None:
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")


def test_a_soft_limit_that_is_reached_is_told_to_each_owner(
    acme: Organization, rita: User
) -> None:
    join(make_user("eve@acme.example"), acme, Role.OWNER)
    soft_limit(acme, 300)
    spend(acme, 300)
    assert evaluate_limits(now=NOW) == 1
    alert = Alert.objects.get()
    assert (alert.kind, alert.limit_nanos) == (AlertKind.SOFT_LIMIT, usd(300))
    recipients = OutboxMail.objects.values_list("recipient", flat=True)
    assert set(recipients) == {"ada@acme.example", "eve@acme.example"}


def test_below_the_limit_nobody_is_told(acme: Organization) -> None:
    soft_limit(acme, 300)
    hard_limit(acme, 300)
    spend(acme, 300)
    Budget.objects.update(spent_nanos=usd(300) - 1)
    assert evaluate_limits(now=NOW) == 0
    assert not OutboxMail.objects.exists()


def test_however_often_it_is_evaluated_people_are_told_once(
    acme: Organization,
) -> None:
    soft_limit(acme, 300)
    hard_limit(acme, 400)
    for dollars in (300, 310, 400, 420):
        spend(acme, dollars)
        evaluate_limits(now=NOW)
    kinds = OutboxMail.objects.values_list("kind", flat=True)
    assert sorted(kinds) == ["hard_limit", "soft_limit"]


def test_several_crossed_at_once_are_one_mail_for_the_highest(
    acme: Organization,
) -> None:
    soft_limit(acme, 100, 300, 200, 900)
    spend(acme, 350)
    assert evaluate_limits(now=NOW) == 3
    mail = OutboxMail.objects.get()
    assert "Soft limit of $300.00 reached" in mail.subject
    assert "Also reached:  $200.00" in mail.body_text
    assert "Also reached:  $100.00" in mail.body_text


def test_the_next_cycle_tells_again(acme: Organization) -> None:
    soft_limit(acme, 300)
    later = NOW + timedelta(days=20)
    for now in (NOW, later):
        spend(acme, 300, at=now)
        evaluate_limits(now=now)
    assert OutboxMail.objects.count() == 2


def test_a_hard_limit_raised_and_reached_again_is_told_again(
    acme: Organization,
) -> None:
    for amount in (400, 500):
        hard_limit(acme, amount)
        spend(acme, amount)
        evaluate_limits(now=NOW)
    assert Alert.objects.filter(kind=AlertKind.HARD_LIMIT).count() == 2
    assert OutboxMail.objects.count() == 2


def test_the_soft_limit_mail_says_what_an_owner_asks(acme: Organization) -> None:
    soft_limit(acme, 300)
    hard_limit(acme, 500)
    spend(acme, 320)
    add_hour(acme, at=NOW, model="gpt-5", cost_nanos=usd(320))
    evaluate_limits(now=NOW)
    mail = OutboxMail.objects.get()
    assert mail.subject == (
        "[Acme (Production)] Soft limit of $300.00 reached: $320.00 spent in November"
    )
    for body in (mail.body_text, mail.body_html):
        assert "$500.00 (64 % spent)" in body
        assert "Does traffic continue? Yes" in body
        assert "1 December 2026, 00:00 UTC, in 8 days" in body
        assert "gpt-5" in body
        assert "http://localhost:8000/o/acme/limits" in body


def test_the_hard_limit_mail_says_what_is_refused_and_until_when(
    acme: Organization,
) -> None:
    hard_limit(acme, 300)
    spend(acme, 320)
    evaluate_limits(now=NOW)
    mail = OutboxMail.objects.get()
    assert mail.subject == (
        "[Acme (Production)] Requests are being refused: hard limit of $300.00 reached"
    )
    for body in (mail.body_text, mail.body_html):
        assert "organization_spend_limit_exceeded" in body
        assert acme.public_id in body
        assert "1 December 2026, 00:00 UTC" in body
        assert "$20.00" in body


def test_a_soft_limit_mail_never_says_that_refused_traffic_continues(
    acme: Organization,
) -> None:
    soft_limit(acme, 300)
    hard_limit(acme, 300)
    spend(acme, 300)
    evaluate_limits(now=NOW)
    mail = OutboxMail.objects.get(kind="soft_limit")
    assert "Does traffic continue? No" in mail.body_text
    assert "Does traffic continue? No" in mail.body_html


def test_names_are_escaped_in_html_and_plain_in_text(acme: Organization) -> None:
    acme.name = "R&D <b>\nBcc: eve@acme.example"
    acme.save(update_fields=["name"])
    soft_limit(acme, 3)
    spend(acme, 3)
    evaluate_limits(now=NOW)
    mail = OutboxMail.objects.get()
    assert "R&amp;D &lt;b&gt;" in mail.body_html
    assert "<b>" not in mail.body_html
    assert "R&D <b>" in mail.body_text
    assert "\n" not in mail.subject


def test_a_charge_booked_just_after_the_cycle_is_still_told(
    acme: Organization,
) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    soft_limit(acme, 300)
    hard_limit(acme, 300)
    spend(acme, 300, at=midnight - timedelta(seconds=1))
    evaluate_limits(now=midnight + timedelta(minutes=9))
    alert = Alert.objects.get()
    assert (alert.kind, f"{alert.cycle_start}") == ("soft_limit", "2026-11-01")
    assert "The billing cycle is over" in OutboxMail.objects.get().body_text


def test_a_soft_limit_set_after_a_cycle_is_not_told_for_it(
    acme: Organization,
) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    spend(acme, 300, at=midnight - timedelta(seconds=1))
    SoftLimit.objects.create(
        organization=acme, amount_nanos=usd(100), created_at=midnight
    )
    assert evaluate_limits(now=midnight + timedelta(minutes=9)) == 0


def test_one_organization_is_not_told_of_another(
    acme: Organization, globex: Organization
) -> None:
    soft_limit(acme, 300)
    spend(acme, 300)
    spend(globex, 900)
    evaluate_limits(now=NOW)
    assert OutboxMail.objects.get().organization == acme


def test_an_organization_that_fails_does_not_delay_the_others(
    acme: Organization, globex: Organization, oscar: User
) -> None:
    for organization in (acme, globex):
        soft_limit(organization, 300)
        spend(organization, 300)
    refuse_alerts_of(acme)

    with pytest.raises(ExceptionGroup) as failures:
        evaluate_limits(now=NOW)

    assert len(failures.value.exceptions) == 1
    assert [alert.organization for alert in Alert.objects.all()] == [globex]
    recipients = OutboxMail.objects.values_list("recipient", flat=True)
    assert list(recipients) == ["oscar@globex.example"]


def refuse_alerts_of(organization: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_alert() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse_alert BEFORE INSERT ON billing_alert FOR EACH ROW "
            f"WHEN (NEW.organization_id = {organization.pk}) "
            "EXECUTE FUNCTION refuse_alert()"
        )
