"""What happened: usage records (immutable), hourly rollups, and their watermark."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.ids import event_id_of
from keys.models import ApiKey
from orgs.models import Organization, User
from usage.endpoints import Endpoint
from usage.refusal_models import RefusedMinute, RefusedRequest

__all__ = [
    "Endpoint",
    "Outcome",
    "RecordKind",
    "RefusedMinute",
    "RefusedRequest",
    "RollupWatermark",
    "UsageHour",
    "UsageRecord",
]


class RecordKind(models.TextChoices):
    """Where a record's numbers come from."""

    ACTUAL = "actual", "Actual"
    ESTIMATED = "estimated", "Estimated"
    CORRECTION = "correction", "Correction"


class Outcome(models.TextChoices):
    SUCCEEDED = "succeeded", "Succeeded"
    CACHED = "cached", "Answered from the cache"
    CLIENT_LEFT = "client_left", "Client left"
    PROVIDER_ERROR = "provider_error", "Provider error"
    PROVIDER_LOST = "provider_lost", "Provider lost"
    GATEWAY_LOST = "gateway_lost", "Gateway lost"


class UsageDimensions(models.Model):
    """Whose request it was, and of what; shared by records and rollups."""

    # The gateway checked these rows already, and checking foreign keys again would
    # lock the organization's row for every request: no database constraint.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    api_key = models.ForeignKey(
        ApiKey,
        null=True,
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
    endpoint = models.CharField(max_length=24, choices=Endpoint.choices)
    model = models.CharField(max_length=120)
    # Served by the sandbox: priced, but never invoiced.
    simulated = models.BooleanField()

    class Meta:
        abstract = True


class UsageFacts(UsageDimensions):
    """What a request used; shared by records and the sums of them."""

    # All input tokens: cached ones and those written to the cache, of sound and of
    # images are among them (OpenAI's meaning of `prompt_tokens`).
    input_tokens = models.BigIntegerField()
    cached_input_tokens = models.BigIntegerField()
    cache_write_tokens = models.BigIntegerField()
    audio_input_tokens = models.BigIntegerField(db_default=0)
    cached_audio_input_tokens = models.BigIntegerField(db_default=0)
    image_input_tokens = models.BigIntegerField(db_default=0)
    cached_image_input_tokens = models.BigIntegerField(db_default=0)
    # All output tokens, those of reasoning, sound and images included.
    output_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    audio_output_tokens = models.BigIntegerField(db_default=0)
    image_output_tokens = models.BigIntegerField(db_default=0)
    # What is not counted in tokens: text read aloud, sound listened to.
    characters = models.BigIntegerField(db_default=0)
    seconds = models.BigIntegerField(db_default=0)
    cost_nanos = models.BigIntegerField()

    class Meta:
        abstract = True


class UsageRecord(UsageFacts):
    """
    One request, once. Never updated or deleted (trigger); a correction is a new row.

    Partitioned by month of `occurred_at`, which is the instant inside `event_id`:
    an id belongs to one partition, so its uniqueness there is uniqueness.
    """

    event_id = models.UUIDField(primary_key=True)
    # Position in the order of booking, for the rollup's watermark.
    sequence = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    # First day of the billing cycle that pays: the cycle of the hold.
    cycle_start = models.DateField()
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    corrects = models.UUIDField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    # HTTP status given to the client; 0 if none was.
    status_code = models.PositiveSmallIntegerField()
    streamed = models.BooleanField()
    # billing.Price that priced it (0: nothing to price). A plain number, because
    # usage lies below billing.
    price_id = models.BigIntegerField()
    # As the provider's answer said; empty if it did not.
    service_tier = models.CharField(max_length=16)
    held_nanos = models.BigIntegerField()
    # How much of the cost credit paid; null in records from before this was noted.
    credit_nanos = models.BigIntegerField(null=True)
    latency_ms = models.PositiveIntegerField()
    first_token_ms = models.PositiveIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "usage_usagerecord"

    def __str__(self) -> str:
        return self.public_id

    is_refused = False

    @property
    def public_id(self) -> str:
        return f"rec_{self.event_id.hex}"

    @property
    def is_unpriced(self) -> bool:
        """It used what has no price: nobody knows what it cost (`usage.unpriced`)."""
        used = self.input_tokens, self.output_tokens, self.characters, self.seconds
        is_free = (
            self.outcome == Outcome.CACHED or self.endpoint == Endpoint.MODERATIONS
        )
        is_charged = self.price_id != 0 or self.cost_nanos != 0
        return any(used) and not is_free and not is_charged

    @staticmethod
    def event_id_from(public_id: str) -> uuid.UUID | None:
        """Return the event id inside a `rec_…` id, or None if it is not one."""
        return event_id_of(public_id, "rec_")


class UsageHour(UsageFacts):
    """Sums of the records of one hour (of `occurred_at`), by every dimension."""

    hour = models.DateTimeField()
    cycle_start = models.DateField()
    requests = models.BigIntegerField()
    failed_requests = models.BigIntegerField()
    estimated_requests = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "hour",
                    "cycle_start",
                    "api_key",
                    "user",
                    "model",
                    "endpoint",
                    "simulated",
                ],
                nulls_distinct=False,
                name="usage_hour_once_per_dimension",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.hour:%Y-%m-%d %H}h {self.model}"


class TimingHour(UsageDimensions):
    """
    How long the requests of one hour took, by every dimension of `UsageHour`.

    Of requests that succeeded at the provider alone: failures and answers from the
    cache say nothing about how fast a model is. Both counts are by the buckets of
    `usage.timing_buckets`.
    """

    hour = models.DateTimeField()
    cycle_start = models.DateField()
    latency_counts = ArrayField(models.IntegerField())
    # Streamed answers alone: others have no first token.
    first_token_counts = ArrayField(models.IntegerField())
    # Output tokens of streamed answers, and the time from the first to the last.
    generated_tokens = models.BigIntegerField()
    generation_ms = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "hour",
                    "cycle_start",
                    "api_key",
                    "user",
                    "model",
                    "endpoint",
                    "simulated",
                ],
                nulls_distinct=False,
                name="timing_hour_once_per_dimension",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.hour:%Y-%m-%d %H}h {self.model}"


class RollupWatermark(models.Model):
    """How far the rollups go: every record up to `sequence` is in them. One row."""

    sequence = models.BigIntegerField()
    # As far go the timings: they came later, and catch up by themselves.
    timed_sequence = models.BigIntegerField(default=0, db_default=0)
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="rollup_watermark_single")
        ]

    def __str__(self) -> str:
        return f"{self.sequence} as of {self.as_of}"
