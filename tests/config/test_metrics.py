"""Operators read what the installation does; others find nothing there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from billing.models import Budget, Hold
from config.metrics import DatabaseCollector
from core.periods import cycle_of
from gateway import metrics
from orgs.models import Organization, User
from tests.architecture.source import text_of

pytestmark = pytest.mark.django_db
TOKEN = "t" * 40


def read(client: Client, token: str = TOKEN) -> tuple[int, dict[str, float]]:
    """Return the status and the values without labels."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get("/metrics", headers=headers)
    if answer.status_code != 200:
        return answer.status_code, {}
    families = text_string_to_metric_families(answer.content.decode())
    return 200, {s.name: s.value for family in families for s in family.samples}


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "t", "ü"])
def test_without_the_token_it_is_not_there(client: Client, token: str) -> None:
    assert read(client, token)[0] == 404
    assert client.get("/metrics").status_code == 404


def test_without_a_token_set_an_empty_one_opens_nothing(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = ""

    assert read(client, "")[0] == 404


def test_an_owner_is_no_operator(client: Client, acme: Organization, ada: User) -> None:
    client.force_login(ada)

    assert client.get("/metrics").status_code == 404


def test_an_operator_reads_it_in_the_browser(client: Client, op: User) -> None:
    client.force_login(op)

    assert client.get("/metrics").status_code == 200


def test_it_says_what_is_held_and_for_how_long(
    client: Client, acme: Organization
) -> None:
    now = timezone.now()
    budget = Budget.objects.create(organization=acme, cycle_start=cycle_of(now))
    Hold.objects.create(
        event_id="00000000-0000-7000-8000-000000000001",
        organization=acme,
        api_key_id=1,
        budget_id=budget.pk,
        cycle_start=cycle_of(now),
        gateway_id="00000000-0000-7000-8000-000000000002",
        endpoint="responses",
        model="gpt-5",
        simulated=False,
        streamed=False,
        price_id=1,
        bound_nanos=123,
        created_at=now - timedelta(seconds=90),
    )

    _, values = read(client)

    assert values["tokenhouse_holds"] == 1
    assert values["tokenhouse_held_nanodollars"] == 123
    assert 90 <= values["tokenhouse_oldest_hold_seconds"] < 600
    assert values["tokenhouse_database_reachable"] == 1


def test_an_empty_installation_has_zeros_and_no_gaps(client: Client) -> None:
    _, values = read(client)

    assert values["tokenhouse_oldest_hold_seconds"] == 0
    assert values["tokenhouse_outbox_waiting"] == 0
    assert values["tokenhouse_estimated_records"] == 0
    assert values["tokenhouse_bound_violations_total"] == 0


def ours() -> list[MetricWrapperBase]:
    """Return what the gateway counts."""
    return [m for m in vars(metrics).values() if isinstance(m, MetricWrapperBase)]


def test_every_metric_is_documented() -> None:
    page = text_of("docs/operations.md")
    names = {family.name for metric in ours() for family in metric.describe()}
    of_database = DatabaseCollector(now=timezone.now()).collect()
    names |= {family.name for family in of_database}

    assert len(names) > 20
    assert {name for name in names if f"`{name}" not in page} == set()


def test_no_label_takes_a_value_from_outside() -> None:
    labels = {label for metric in ours() for label in metric._labelnames}

    assert labels == {"endpoint", "outcome", "code", "kind", "store", "result"}
