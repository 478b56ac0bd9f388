"""What happens to a key after it was made: rotated, blocked, used, about to end."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from orgs.models import Organization, User

# The longest is a /48 of IPv6: `2001:db8:1234::/48`.
LONGEST_NETWORK = 43


class FormerKey(models.Model):
    """
    The text that a key had before it was rotated, good until `ends_at`.

    Key and limits, models and usage stay the same: only the text changes.
    """

    api_key = models.ForeignKey(
        "keys.ApiKey", on_delete=models.CASCADE, related_name="former_keys"
    )
    # As in ApiKey.
    handle = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    replaced_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # Since it was replaced, as the gateways say every few seconds.
    requests = models.BigIntegerField(default=0, db_default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(requests__gte=0), name="former_key_requests_not_negative"
            )
        ]

    def __str__(self) -> str:
        return f"former …{self.last_four} of {self.api_key}"

    def is_live(self, *, at: datetime) -> bool:
        return self.ends_at > at


class KeyBlock(models.Model):
    """Owners let a member's personal key no longer act in their organization."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    api_key = models.ForeignKey(
        "keys.ApiKey", on_delete=models.CASCADE, related_name="blocks"
    )
    blocked_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    blocked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "api_key"], name="key_block_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_key} in {self.organization}"


class KeyUse(models.Model):
    """When a key was last used in an organization, for what, and from where."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    api_key = models.ForeignKey(
        "keys.ApiKey", on_delete=models.CASCADE, related_name="uses"
    )
    last_used_at = models.DateTimeField()
    model = models.CharField(max_length=120)
    # `203.0.113.0/24`, or a /48 of IPv6; empty if nobody knows.
    network = models.CharField(
        max_length=LONGEST_NETWORK, blank=True, default="", db_default=""
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "api_key"], name="key_use_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_key} in {self.organization}"


class ExpiryNotice(models.Model):
    """Somebody was told that a key ends, so many days ahead; once each."""

    api_key = models.ForeignKey(
        "keys.ApiKey", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    expires_at = models.DateTimeField()
    days_ahead = models.PositiveSmallIntegerField()
    queued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "expires_at", "days_ahead"],
                name="expiry_notice_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_key} ends in {self.days_ahead} days"
