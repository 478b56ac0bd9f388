"""Several workers deliver webhooks: each event goes out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import pytest
from django.db import transaction
from pytest_django import Settings

from keys.actions import webhook_delivery
from keys.actions.webhook_delivery import deliver_due_webhooks
from keys.actions.webhooks import add_endpoint, queue_event
from keys.models import WebhookDelivery
from orgs.models import Organization, User
from tests.concurrency.threads import all_at_once
from tests.factories import NOW
from tests.webhook_receiver import Receiver, webhook_receiver

pytestmark = pytest.mark.usefixtures("committed_db")

WORKERS, EVENTS = 4, 6


def deliver_all(acme: Organization, ada: User, receiver: Receiver) -> int:
    add_endpoint(organization=acme, url=receiver.url, acting_user=ada, now=NOW)
    for number in range(EVENTS):
        with transaction.atomic():
            queue_event(
                organization=acme,
                event_id=f"event_{number}",
                kind="alert.hard_limit",
                data={},
                now=NOW,
            )
    turns = [partial(deliver_due_webhooks, now=NOW)] * WORKERS
    return sum(all_at_once(turns)) + deliver_due_webhooks(now=NOW)


def test_each_event_goes_out_once(
    acme: Organization, ada: User, settings: Settings
) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with webhook_receiver() as receiver:
        assert deliver_all(acme, ada, receiver) == EVENTS
        ids = sorted(got.event_id for got in receiver.got)
    assert ids == [f"event_{number}" for number in range(EVENTS)]


def test_control_without_the_claim_events_go_out_many_times(
    acme: Organization,
    ada: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    def unclaimed(now: datetime) -> Sequence[WebhookDelivery]:
        waiting = WebhookDelivery.objects.filter(status="waiting")
        return list(waiting.select_related("endpoint__organization"))

    monkeypatch.setattr(webhook_delivery, "claim", unclaimed)
    with webhook_receiver() as receiver:
        receiver.pause_s = 0.3
        deliver_all(acme, ada, receiver)
        assert len(receiver.got) > EVENTS
