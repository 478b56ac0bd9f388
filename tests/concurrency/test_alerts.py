"""Many evaluations at once tell each owner once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError

from billing import alert_sql
from billing.actions import acknowledging, alerts
from billing.actions.acknowledging import escalate_alerts, set_escalation
from billing.actions.alerts import evaluate_limits
from billing.models import Alert, Budget, SoftLimit, SpendLimits
from core.periods import cycle_of
from orgs.models import Organization, OutboxMail, Role, User
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, join, make_user, usd

EVALUATIONS = 8


@pytest.fixture
def spent(committed_db: None, acme: Organization) -> Organization:
    """Acme with two owners, over three soft limits and its hard limit."""
    join(make_user("eve@acme.example"), acme, Role.OWNER)
    for dollars in (1, 2, 3):
        SoftLimit.objects.create(organization=acme, amount_nanos=usd(dollars))
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(4))
    Budget.objects.create(
        organization=acme, cycle_start=cycle_of(NOW), spent_nanos=usd(5)
    )
    SoftLimit.objects.update(created_at=NOW)
    return acme


@pytest.mark.usefixtures("spent")
def test_each_owner_is_told_once_of_each_kind() -> None:
    written = all_at_once([partial(evaluate_limits, now=NOW)] * EVALUATIONS)
    assert sum(written) == Alert.objects.count() == 4
    mails = OutboxMail.objects.values_list("kind", "recipient").order_by("pk")
    assert sorted(mails) == [
        ("hard_limit", "ada@acme.example"),
        ("hard_limit", "eve@acme.example"),
        ("soft_limit", "ada@acme.example"),
        ("soft_limit", "eve@acme.example"),
    ]


@pytest.mark.usefixtures("spent")
def test_control_without_the_unique_constraint_alerts_are_written_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    constraint = "ON CONFLICT ON CONSTRAINT alert_once_per_limit_and_cycle DO NOTHING"
    unguarded = alert_sql.WRITE_ALERTS.replace(alert_sql.NEWS, alert_sql.EVENTS)
    assert constraint in unguarded
    monkeypatch.setattr(alerts, "WRITE_ALERTS", unguarded.replace(constraint, ""))
    with pytest.raises(ExceptionGroup, match="limits were not told") as caught:
        all_at_once([partial(evaluate_limits, now=NOW)] * EVALUATIONS)
    (error, *_) = caught.value.exceptions
    assert "alert_once_per_limit_and_cycle" in str(error)


@pytest.mark.usefixtures("spent")
def test_many_escalations_at_once_ask_one_owner(acme: Organization, ada: User) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    evaluate_limits(now=NOW)
    Alert.objects.exclude(kind="hard_limit").update(next_escalation_at=None)
    due = NOW + timedelta(minutes=30)
    asked = all_at_once([partial(escalate_alerts, now=due)] * EVALUATIONS)
    assert sum(asked) == 1
    assert OutboxMail.objects.filter(kind="alert_escalation").count() == 1


@pytest.mark.usefixtures("spent")
def test_control_without_the_claim_many_owners_are_asked_or_one_many_times(
    acme: Organization, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=NOW)
    evaluate_limits(now=NOW)
    Alert.objects.exclude(kind="hard_limit").update(next_escalation_at=None)
    due = Alert.objects.filter(kind="hard_limit").select_related("organization")
    monkeypatch.setattr(acknowledging, "next_unseen", lambda _: due.get())
    monkeypatch.setattr(acknowledging, "BATCH_MAX", 1)
    turns = [partial(escalate_alerts, now=NOW + timedelta(minutes=30))] * EVALUATIONS
    try:
        asked = sum(all_at_once(turns))
    except IntegrityError:
        return  # the notice's constraint saw the second
    assert asked > 1
