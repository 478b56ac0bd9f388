"""Where an organization's events are sent as webhooks, and what became of each."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from core import ids
from orgs.models import Organization, User

URL_LONGEST = 500


def new_webhook_id() -> str:
    return ids.public_id("webhook_")


def new_delivery_id() -> str:
    return ids.public_id("delivery_")


class WebhookEndpoint(models.Model):
    """
    An address that is told of an organization's events. Its secret is write-only.

    `ciphertext` is bound to organization, row, column and the URL's origin, as a
    provider key's is.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_webhook_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhooks"
    )
    row_uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    url = models.CharField(max_length=URL_LONGEST)
    ciphertext = models.TextField()
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    # Since when nothing arrived; null while it answers.
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "Waits"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"


class WebhookDelivery(models.Model):
    """
    An event on its way to one endpoint, with the body that is sent each time.

    Sent at least once; `event_id` stays the same, so that a receiver sees what it
    has had.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_delivery_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.CharField(max_length=60)
    kind = models.CharField(max_length=60)
    body = models.TextField()
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event_id"], name="webhook_event_once_per_endpoint"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values),
                name="webhook_delivery_status_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status="waiting"),
                name="webhook_waiting_by_time",
            ),
            models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """What came of sending a delivery once."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="log"
    )
    at = models.DateTimeField()
    # Null: there was no answer, and `error` says why.
    status_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.status_code or self.error} at {self.at}"
