"""Requests that were refused: some of each minute one by one, the others counted."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from core.ids import event_id_of
from keys.models import ApiKey
from orgs.models import Organization, User
from usage.endpoints import Endpoint

PREFIX = "ref_"


class RefusalFacts(models.Model):
    """Whose request it was and why it was refused; shared by requests and minutes."""

    # As of usage records: the gateway checked these rows already.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # As the client gave it; empty if the request was refused before it was read.
    model = models.CharField(max_length=120, blank=True)
    # Of docs/errors.md; empty where OpenAI has none.
    code = models.CharField(max_length=60, blank=True)
    status_code = models.PositiveSmallIntegerField()

    class Meta:
        abstract = True


class RefusedRequest(RefusalFacts):
    """
    One refused request and what its limit said at that moment.

    Not money: the gateways write them a moment later, and a crash loses the last.
    """

    event_id = models.UUIDField(primary_key=True)
    # The instant inside `event_id`.
    occurred_at = models.DateTimeField()
    endpoint = models.CharField(max_length=24)
    # What the client was told.
    message = models.CharField(max_length=1000)
    # Of the limit that refused it; null if it was no limit of spending.
    limit_nanos = models.BigIntegerField(null=True)
    spent_nanos = models.BigIntegerField(null=True)
    held_nanos = models.BigIntegerField(null=True)
    # What the request could have cost at most; null if nobody could say.
    bound_nanos = models.BigIntegerField(null=True)
    # The key's or the member's name, if the limit was theirs.
    scope_name = models.CharField(max_length=200, blank=True)
    latency_ms = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    limit_nanos__isnull=True,
                    spent_nanos__isnull=True,
                    held_nanos__isnull=True,
                )
                | Q(
                    limit_nanos__isnull=False,
                    spent_nanos__isnull=False,
                    held_nanos__isnull=False,
                ),
                name="refused_request_limit_is_whole",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "-occurred_at", "-event_id"],
                name="refused_request_newest",
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"{PREFIX}{self.event_id.hex}"

    # Nothing was sent, so nothing was charged.
    cost_nanos = 0
    is_refused = True

    @property
    def endpoint_name(self) -> str:
        return str(Endpoint(self.endpoint).label)

    @staticmethod
    def event_id_from(public_id: str) -> uuid.UUID | None:
        """Return the event id inside a `ref_…` id, or None if it is not one."""
        return event_id_of(public_id, PREFIX)


class RefusedMinute(RefusalFacts):
    """How many requests were refused in a minute, whether kept one by one or not."""

    minute = models.DateTimeField()
    requests = models.BigIntegerField()
    # How many of them have a row of their own.
    kept = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "minute",
                    "api_key",
                    "user",
                    "code",
                    "status_code",
                    "model",
                ],
                nulls_distinct=False,
                name="refused_minute_once",
            ),
            models.CheckConstraint(
                condition=Q(kept__gte=0, kept__lte=models.F("requests")),
                name="refused_minute_kept_are_among_them",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.minute:%Y-%m-%d %H:%M} {self.code}"
