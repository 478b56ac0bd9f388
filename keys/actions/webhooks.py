"""Endpoints of webhooks: entered, enabled, removed; and events queued for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core import ids
from keys import encryption
from keys.models import WebhookDelivery, WebhookEndpoint
from keys.origins import origin_of
from keys.webhook_models import DeliveryStatus
from keys.webhooks import new_secret
from orgs import audit
from orgs.models import Organization, User

ENDPOINTS_MAX = 5
TEST_KIND = "webhook.test"


class TooManyEndpoints(Exception):
    """The organization has as many endpoints as there may be."""


class EndpointExists(Exception):
    """The organization has an endpoint at this URL already."""


class TestWaits(Exception):
    """A test event is on its way to the endpoint already."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint and its secret, which is told this once."""

    endpoint: WebhookEndpoint
    secret: str


@transaction.atomic
def add_endpoint(
    *, organization: Organization, url: str, acting_user: User, now: datetime
) -> NewEndpoint:
    """
    Have an organization's events sent to a vetted URL.

    :raises EndpointExists, TooManyEndpoints: nothing is written then.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    endpoints = WebhookEndpoint.objects.filter(organization=organization)
    if endpoints.filter(url=url).exists():
        raise EndpointExists
    if endpoints.count() >= ENDPOINTS_MAX:
        raise TooManyEndpoints
    secret = new_secret()
    endpoint = WebhookEndpoint(
        organization=organization, url=url, created_by=acting_user, created_at=now
    )
    endpoint.ciphertext = encryption.seal(secret, context=secret_context(endpoint))
    endpoint.save(force_insert=True)
    note(endpoint, "created", acting_user, now)
    return NewEndpoint(endpoint, secret)


def secret_context(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """Return what an endpoint's ciphertext is bound to."""
    return (
        endpoint.organization.public_id,
        "keys_webhookendpoint",
        "ciphertext",
        str(endpoint.row_uuid),
        origin_of(endpoint.url.partition("?")[0]),
    )


def open_secret(endpoint: WebhookEndpoint) -> str:
    """
    Return an endpoint's secret in clear, to sign with.

    :raises keys.encryption.CannotDecrypt: if it was altered, moved, or its URL edited.
    """
    return encryption.unseal(endpoint.ciphertext, context=secret_context(endpoint))


@transaction.atomic
def remove_endpoint(
    *, endpoint: WebhookEndpoint, acting_user: User, now: datetime
) -> None:
    """Remove an endpoint with what waits for it. Safe to repeat."""
    deleted, _ = WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
    if deleted:
        note(endpoint, "deleted", acting_user, now)


@transaction.atomic
def enable_endpoint(
    *, endpoint: WebhookEndpoint, acting_user: User, now: datetime
) -> bool:
    """Send to an endpoint again that was disabled; what waits goes out. Once."""
    disabled = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    if not disabled.update(disabled_at=None, failing_since=None):
        return False
    note(endpoint, "enabled", acting_user, now)
    return True


def queue_event(
    *,
    organization: Organization,
    event_id: str,
    kind: str,
    data: dict[str, Any],
    now: datetime,
) -> int:
    """
    Queue an event for each of an organization's endpoints that is not disabled.

    Runs inside the transaction of its cause. However often it is called, each
    endpoint has an event once.
    """
    assert connection.in_atomic_block, "an event belongs to a transaction"
    endpoints = WebhookEndpoint.objects.filter(
        organization=organization, disabled_at__isnull=True
    )
    body = body_of(kind, data, now=now)
    queued = WebhookDelivery.objects.bulk_create(
        [
            delivery_of(endpoint, event_id, kind, body, now=now)
            for endpoint in endpoints.order_by("pk")
        ],
        ignore_conflicts=True,
    )
    return len(queued)


def body_of(kind: str, data: dict[str, Any], *, now: datetime) -> str:
    event = {"type": kind, "timestamp": now.isoformat(), "data": data}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def delivery_of(
    endpoint: WebhookEndpoint, event_id: str, kind: str, body: str, *, now: datetime
) -> WebhookDelivery:
    return WebhookDelivery(
        organization_id=endpoint.organization_id,
        endpoint=endpoint,
        event_id=event_id,
        kind=kind,
        body=body,
        next_attempt_at=now,
        created_at=now,
    )


@transaction.atomic
def send_test(
    *, endpoint: WebhookEndpoint, acting_user: User, now: datetime
) -> WebhookDelivery:
    """
    Queue an event that tells of nothing.

    :raises TestWaits: if one is on its way.
    """
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    waiting = locked.deliveries.filter(kind=TEST_KIND, status=DeliveryStatus.WAITING)
    if waiting.exists():
        raise TestWaits
    data = {"organization": endpoint.organization.public_id}
    body = body_of(TEST_KIND, data, now=now)
    delivery = delivery_of(locked, ids.public_id("event_"), TEST_KIND, body, now=now)
    delivery.save(force_insert=True)
    note(endpoint, "tested", acting_user, now)
    return delivery


@transaction.atomic
def redeliver(*, delivery: WebhookDelivery, acting_user: User, now: datetime) -> bool:
    """Send an event again, with the same id; False if it waits already."""
    ended = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(
        status=DeliveryStatus.WAITING
    )
    if not ended.update(status=DeliveryStatus.WAITING, next_attempt_at=now):
        return False
    note(delivery.endpoint, "redelivered", acting_user, now, event=delivery.event_id)
    return True


def note(
    endpoint: WebhookEndpoint,
    what: str,
    actor: User | None,
    now: datetime,
    **details: str,
) -> None:
    # Of the URL the origin alone: its path and query may let somebody in.
    audit.record(
        organization=endpoint.organization,
        actor=actor,
        action=f"webhook.{what}",
        target=endpoint.public_id,
        details={"origin": origin_of(endpoint.url.partition("?")[0]), **details},
        now=now,
    )
