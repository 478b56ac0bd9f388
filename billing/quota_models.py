"""Requests for a higher approved limit, and raises that end by themselves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core import ids
from orgs.models import Organization, User

LONGEST_REASON = 2000


def new_request_id() -> str:
    return ids.public_id("req_")


class QuotaStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    PARTIALLY_APPROVED = "partially_approved", "Partially approved"
    DENIED = "denied", "Denied"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


GRANTING = (QuotaStatus.APPROVED, QuotaStatus.PARTIALLY_APPROVED)


class QuotaRequest(models.Model):
    """
    An owner's request for a higher approved limit, and what became of it.

    An organization has one pending at a time. Written by `billing.actions.quota`.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_request_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="quota_requests"
    )
    requested_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_nanos = models.BigIntegerField()
    # The last day (UTC) on which the higher limit is wanted; null: for good.
    requested_until = models.DateField(null=True, blank=True)
    reason = models.TextField(max_length=LONGEST_REASON)
    # The approved limit when it was asked for.
    limit_before_nanos = models.BigIntegerField()
    status = models.CharField(
        max_length=20, choices=QuotaStatus.choices, default=QuotaStatus.PENDING
    )
    granted_nanos = models.BigIntegerField(null=True, blank=True)
    granted_until = models.DateField(null=True, blank=True)
    # What the operator said to it.
    message = models.TextField(max_length=LONGEST_REASON, blank=True)
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(status="pending"),
                name="quota_request_one_pending",
            ),
            models.CheckConstraint(
                condition=Q(status__in=QuotaStatus.values),
                name="quota_request_status_known",
            ),
            models.CheckConstraint(
                condition=Q(requested_nanos__gt=0), name="quota_request_positive"
            ),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at__isnull=True)
                | (~Q(status="pending") & Q(decided_at__isnull=False)),
                name="quota_request_decided_once_not_pending",
            ),
            models.CheckConstraint(
                condition=Q(status__in=GRANTING, granted_nanos__gt=0)
                | (
                    ~Q(status__in=GRANTING)
                    & Q(granted_nanos__isnull=True, granted_until__isnull=True)
                ),
                name="quota_request_granted_if_approved",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(status="pending"),
                name="quota_request_queue",
            )
        ]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.organization}"

    @property
    def is_pending(self) -> bool:
        return self.status == QuotaStatus.PENDING


class RaiseEnding(models.TextChoices):
    REVERTED = "reverted", "Reverted"
    SUPERSEDED = "superseded", "Superseded"


class TemporaryRaise(models.Model):
    """
    An approved limit that is higher until an instant, and what it reverts to.

    An organization has one under way at a time. Whatever else sets the approved limit
    supersedes it.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="temporary_raises"
    )
    request = models.OneToOneField(
        QuotaRequest, on_delete=models.CASCADE, related_name="raised"
    )
    raised_nanos = models.BigIntegerField()
    reverts_to_nanos = models.BigIntegerField()
    ends_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=12, choices=RaiseEnding.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(ended_at__isnull=True),
                name="temporary_raise_one_under_way",
            ),
            models.CheckConstraint(
                condition=Q(ending__in=["", *RaiseEnding.values]),
                name="temporary_raise_ending_known",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ending="")
                | (Q(ended_at__isnull=False) & ~Q(ending="")),
                name="temporary_raise_ends_somehow",
            ),
            models.CheckConstraint(
                condition=Q(reverts_to_nanos__gte=0), name="temporary_raise_reverts"
            ),
        ]
        indexes = [
            models.Index(
                fields=["ends_at"],
                condition=Q(ended_at__isnull=True),
                name="temporary_raise_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"raise of {self.organization} until {self.ends_at:%Y-%m-%d}"
