"""Unusual spend is told once a day: by mail, webhook and in the ledger."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from billing.actions.unusual_alerts import evaluate_spend
from billing.models import Alert, AlertSettings
from keys.actions.webhooks import add_endpoint
from keys.models import ApiKey, WebhookDelivery
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, refuse_mail, usd
from tests.usage_factories import add_hour, make_key
from tests.visits import browser_of

db = pytest.mark.django_db
DAY = timedelta(days=1)


def used(acme: Organization, key: ApiKey, *, dollars: int) -> None:
    """Let a key cost a dollar in this hour of five weeks, and so much now."""
    for days in range(1, 36):
        add_hour(acme, at=NOW - days * DAY, cost_nanos=usd(1), api_key=key)
    add_hour(acme, at=NOW, cost_nanos=usd(dollars), api_key=key)


@pytest.fixture
def ritas(acme: Organization, rita: User) -> ApiKey:
    return make_key("Rita's", user=rita)


def told() -> list[str]:
    mails = OutboxMail.objects.filter(kind="unusual_spend").order_by("recipient")
    return list(mails.values_list("recipient", flat=True))


@db
def test_owners_are_told_once_with_who_spends(
    acme: Organization, ada: User, ritas: ApiKey
) -> None:
    used(acme, ritas, dollars=40)

    assert [evaluate_spend(now=NOW) for _ in range(3)] == [1, 0, 0]

    mail = OutboxMail.objects.get()
    assert mail.recipient == ada.email
    assert "Unusual spend: $40.00 in an hour, usually $1.00" in mail.subject
    assert "$40.00  Rita's" in mail.body_text
    assert "usage?first=2026-11-23&last=2026-11-23&per=hour&by=key" in mail.body_text
    address = mail.body_text.partition("See the usage:     ")[2].split()[0]
    page = browser_of(ada).get(address.partition("8000")[2]).content.decode()
    assert "$40.00" in page


@db
def test_another_day_is_told_again(acme: Organization, ritas: ApiKey) -> None:
    used(acme, ritas, dollars=40)
    evaluate_spend(now=NOW)
    add_hour(acme, at=NOW + DAY, cost_nanos=usd(50), api_key=ritas)

    assert evaluate_spend(now=NOW + DAY) == 1
    assert Alert.objects.count() == 2


@db
def test_a_key_is_told_of_where_the_whole_is_as_usual(
    acme: Organization, ada: User, rita: User, ritas: ApiKey
) -> None:
    used(acme, ritas, dollars=40)
    large = make_key("Large", organization=acme)
    for days in range(35):
        add_hour(acme, at=NOW - days * DAY, cost_nanos=usd(90), api_key=large)

    assert evaluate_spend(now=NOW) == 1

    assert told() == [ada.email, rita.email]
    body = OutboxMail.objects.get(recipient=rita.email).body_text
    assert "Rita's" in body
    assert "Large" not in body
    assert f"key={ritas.public_id}" in body
    assert Alert.objects.get().subject_id == ritas.pk


@db
def test_programs_are_told(acme: Organization, ada: User, ritas: ApiKey) -> None:
    add_endpoint(
        organization=acme,
        url="https://hooks.acme.example/in",
        acting_user=ada,
        now=NOW,
    )
    used(acme, ritas, dollars=40)
    evaluate_spend(now=NOW)

    event = json.loads(WebhookDelivery.objects.get().body)
    assert event["type"] == "alert.unusual_spend"
    assert event["data"]["limit_usd"] is None
    assert event["data"]["usual_usd"] == "1.00"
    assert event["data"]["spent_usd"] == "40.00"
    assert event["data"]["period"] == "hour"


@db
def test_who_does_without_is_noted_and_not_told(
    acme: Organization, ada: User, ritas: ApiKey
) -> None:
    refuse_mail(ada, acme, "unusual_spend")
    used(acme, ritas, dollars=40)
    evaluate_spend(now=NOW)

    assert told() == []
    page = browser_of(ada).get("/o/acme/alerts").content.decode()
    assert "Unusual spend: $40.00 in an hour" in page
    assert "Does without such mails" in page


@db
@pytest.mark.parametrize(
    ("sensitivity", "floor", "count"),
    [("off", 1, 0), ("low", 1, 1), ("normal", 40, 0), ("normal", 39, 1)],
)
def test_owners_choose_what_counts(
    acme: Organization,
    ada: User,
    ritas: ApiKey,
    sensitivity: str,
    floor: int,
    count: int,
) -> None:
    used(acme, ritas, dollars=40)
    answer = browser_of(ada).post(
        "/o/acme/alerts/unusual-spend", {"sensitivity": sensitivity, "floor": floor}
    )

    assert answer.status_code == 302
    assert AuditEvent.objects.filter(action="alert_settings.updated").count() == 1
    assert evaluate_spend(now=NOW) == count
    assert Alert.objects.count() == count


@db
@pytest.mark.parametrize(
    "data",
    [
        {"sensitivity": "extreme", "floor": "5"},
        {"sensitivity": "low", "floor": "0"},
        {"sensitivity": "low", "floor": "much"},
        {},
    ],
)
def test_what_makes_no_sense_changes_nothing(
    acme: Organization, ada: User, data: dict[str, str]
) -> None:
    answer = browser_of(ada).post("/o/acme/alerts/unusual-spend", data)

    assert answer.status_code == 422
    assert not AlertSettings.objects.exists()
    assert not AuditEvent.objects.exists()


@db
def test_a_reader_changes_nothing(acme: Organization, rita: User) -> None:
    answer = browser_of(rita).post(
        "/o/acme/alerts/unusual-spend", {"sensitivity": "off", "floor": "5"}
    )

    assert answer.status_code == 403
    assert not AlertSettings.objects.exists()


@pytest.mark.usefixtures("committed_db")
def test_of_many_workers_at_once_one_tells(acme: Organization, ritas: ApiKey) -> None:
    used(acme, ritas, dollars=40)
    all_at_once([lambda: evaluate_spend(now=NOW)] * 4)

    assert Alert.objects.count() == OutboxMail.objects.count() == 1
