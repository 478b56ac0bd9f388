"""Deliver webhooks: at least once each, with growing pauses, by one at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from keys.actions.webhooks import note, open_secret
from keys.encryption import CannotDecrypt
from keys.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from keys.webhook_client import Answer, Message, send_all
from keys.webhook_models import DeliveryStatus
from keys.webhooks import pause_after, signed_headers
from orgs.mail import queue_mail
from orgs.queries import addresses_of_owners

logger = logging.getLogger(__name__)

BATCH_MAX = 8
BATCHES_MAX = 5
# Longer than sending takes. Whoever dies meanwhile leaves it to the next after this.
LEASE = timedelta(seconds=60)
# So long nothing may arrive before an endpoint is disabled.
FAILING_LONGEST = timedelta(days=3)
GONE = 410
KEPT_FOR = timedelta(days=30)
FORGET_MAX = 500

# The oldest that is due of each endpoint, so that one that hangs delays its own alone.
CLAIM = """
UPDATE keys_webhookdelivery SET next_attempt_at = %(lease)s
WHERE id IN (
    SELECT due.id FROM keys_webhookdelivery AS due
    JOIN keys_webhookendpoint AS endpoint ON endpoint.id = due.endpoint_id
    JOIN orgs_organization AS organization ON organization.id = due.organization_id
    WHERE due.status = 'waiting' AND due.next_attempt_at <= %(now)s
        AND endpoint.disabled_at IS NULL AND organization.deleted_at IS NULL
        AND NOT EXISTS (
            SELECT FROM keys_webhookdelivery AS earlier
            WHERE earlier.endpoint_id = due.endpoint_id
                AND earlier.status = 'waiting'
                AND earlier.next_attempt_at <= %(now)s AND earlier.id < due.id
        )
    ORDER BY due.next_attempt_at, due.id
    LIMIT %(most)s
    FOR UPDATE OF due SKIP LOCKED
)
RETURNING id
"""


def deliver_due_webhooks(*, now: datetime) -> int:
    """
    Send what is due, some at a time; return how many arrived.

    Nothing is locked while it is sent. Safe to run many times at once; whoever is
    killed in between leaves an event to be sent again, with the same id.
    """
    arrived = 0
    for _ in range(BATCHES_MAX):
        claimed = claim(now)
        if not claimed:
            break
        arrived += deliver(claimed, now=now)
    return arrived


def claim(now: datetime) -> Sequence[WebhookDelivery]:
    """Take deliveries for as long as a lease, and return them."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": now + LEASE, "most": BATCH_MAX})
        ids = [delivery_id for (delivery_id,) in cursor.fetchall()]
    rows = WebhookDelivery.objects.filter(pk__in=ids)
    return list(rows.select_related("endpoint__organization").order_by("pk"))


def deliver(claimed: Sequence[WebhookDelivery], *, now: datetime) -> int:
    sendable = []
    for delivery in claimed:
        try:
            sendable.append((delivery, message_of(delivery, now=now)))
        except CannotDecrypt:
            logger.exception("webhook_secret_lost delivery=%s", delivery.public_id)
            lost = Answer(None, 0, "The secret cannot be opened. Enter it anew.")
            note_answer(delivery, lost, now=now)
    answers = send_all(
        [message for _, message in sendable],
        allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
    )
    for (delivery, _), answer in zip(sendable, answers, strict=True):
        note_answer(delivery, answer, now=now)
    return sum(answer.is_success for answer in answers)


def message_of(delivery: WebhookDelivery, *, now: datetime) -> Message:
    headers = signed_headers(
        secret=open_secret(delivery.endpoint),
        event_id=delivery.event_id,
        sent_at=int(now.timestamp()),
        body=delivery.body,
    )
    headers["User-Agent"] = "Tokenhouse-Webhooks"
    return Message(delivery.endpoint.url, headers, delivery.body)


@transaction.atomic
def note_answer(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    """Log an attempt, and say when the next one is if there is one."""
    same = WebhookDelivery.objects.filter(pk=delivery.pk)
    if not same.update(attempts=F("attempts") + 1):
        return  # removed while it was sent
    WebhookAttempt.objects.create(
        organization_id=delivery.organization_id,
        delivery=delivery,
        at=now,
        status_code=answer.status_code,
        duration_ms=answer.duration_ms,
        error=answer.error,
    )
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=delivery.endpoint_id)
    if answer.is_success:
        same.update(status=DeliveryStatus.DELIVERED, delivered_at=now)
        endpoint.failing_since = None
        endpoint.save(update_fields=["failing_since"])
        return
    pause = pause_after(delivery.attempts + 1)
    # Whoever took it after our lease ended says what comes next.
    leased = same.filter(
        status=DeliveryStatus.WAITING, next_attempt_at=delivery.next_attempt_at
    )
    if pause is None:
        leased.update(status=DeliveryStatus.GIVEN_UP)
    else:
        leased.update(next_attempt_at=now + pause)
    note_failure(endpoint, answer, now=now)


def note_failure(endpoint: WebhookEndpoint, answer: Answer, *, now: datetime) -> None:
    """Note since when an endpoint fails; disable it after long, and tell the owners."""
    if endpoint.disabled_at is not None:
        return
    endpoint.failing_since = endpoint.failing_since or now
    is_over = now - endpoint.failing_since >= FAILING_LONGEST
    if is_over or answer.status_code == GONE:
        endpoint.disabled_at = now
        note(endpoint, "disabled", None, now)
        queue_disabled_mail(endpoint, answer, now=now)
    endpoint.save(update_fields=["failing_since", "disabled_at"])


def queue_disabled_mail(
    endpoint: WebhookEndpoint, answer: Answer, *, now: datetime
) -> None:
    """Tell the owners that nothing is sent to an endpoint any more."""
    organization = endpoint.organization
    queue_mail(
        kind="webhook_disabled",
        recipients=addresses_of_owners(organization),
        subject=f"[{organization.full_name}] A webhook endpoint is disabled",
        template="webhook_disabled",
        context={
            "endpoint": endpoint,
            "answer": answer,
            "is_gone": answer.status_code == GONE,
            "webhooks_url": (
                f"{settings.BASE_URL}/o/{organization.slug}/settings/webhooks"
            ),
        },
        dedupe_key=f"webhook_disabled:{endpoint.public_id}:{now:%Y-%m-%dT%H:%M:%S.%f}",
        organization=organization,
        now=now,
    )


def forget_old_deliveries(*, now: datetime) -> int:
    """Delete what ended, or waits in vain, after a month; some at a time."""
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT_FOR)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:FORGET_MAX])
    WebhookDelivery.objects.filter(pk__in=ids).delete()
    return len(ids)
