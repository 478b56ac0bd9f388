"""What the gateway keeps for an organization besides money: settings and answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from keys.models import ApiKey
from orgs.models import Organization, User

CACHE_SHORTEST_S = 60
CACHE_LONGEST_S = 24 * 3600


class GatewaySettings(models.Model):
    """How the gateway treats an organization's requests. Without a row: defaults."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="gateway_settings"
    )
    # What does not fit is shortened to what does, instead of being refused.
    clamps_output = models.BooleanField(default=False)
    # Identical deterministic requests are answered from the cache.
    caches_answers = models.BooleanField(default=False)
    cache_s = models.PositiveIntegerField(default=3600)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "gateway settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(cache_s__gte=CACHE_SHORTEST_S)
                & Q(cache_s__lte=CACHE_LONGEST_S),
                name="gateway_settings_cache_within_a_day",
            )
        ]

    def __str__(self) -> str:
        return f"gateway settings of {self.organization}"


class KeptAnswerState(models.TextChoices):
    """
    What became of a request with an `Idempotency-Key`.

    Claimed: not sent yet, so it may be taken over if its gateway died. Under way: it
    may have been sent, and never is again. Lost and too long: it was charged, and its
    answer cannot be given again.
    """

    CLAIMED = "claimed", "Claimed"
    UNDER_WAY = "under_way", "Under way"
    KEPT = "kept", "Kept"
    LOST = "lost", "Lost"
    TOO_LONG = "too_long", "Too long"


class KeptAnswer(models.Model):
    """
    The first answer to an `Idempotency-Key`, for whoever asks again within a day.

    Unique by organization, API key and idempotency key: of many at once one claims
    it. Written by the gateway (`billing.kept_answer_sql`).
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    # SHA-256 of the header, hexadecimal.
    key_digest = models.CharField(max_length=64)
    # Keyed digest of method, path and body.
    fingerprint = models.CharField(max_length=64)
    # The request that is answered, and the gateway that serves it.
    event_id = models.UUIDField(unique=True)
    gateway_id = models.UUIDField()
    state = models.CharField(
        max_length=12, choices=KeptAnswerState.choices, default=KeptAnswerState.CLAIMED
    )
    status = models.PositiveSmallIntegerField(default=0)
    # Headers and body, encrypted, bound to this row.
    ciphertext = models.BinaryField(default=bytes)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "api_key", "key_digest"],
                name="kept_answer_once_per_idempotency_key",
            ),
            models.CheckConstraint(
                condition=Q(state__in=KeptAnswerState.values),
                name="kept_answer_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"answer to {self.event_id}"
