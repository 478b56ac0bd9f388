"""Which reports were made, and which were left out and why."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.report_periods import ReportKind
from orgs.models import Organization, User


class ReportSuppression(models.TextChoices):
    """Why somebody who wants a report gets none of a period."""

    NOTHING_USED = (
        "nothing_used",
        "Nothing was used, nor in the period before",
    )
    DORMANT = "dormant", "Has not logged in for half a year"


class Report(models.Model):
    """
    That somebody was sent the report of a period, or why not. The outbox has the mail.

    One row for each member, kind and period, written in the transaction that queues
    the mail: however often it is tried, they are told once.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=ReportKind.choices)
    # The Monday of its week, or the start of its cycle.
    begins_on = models.DateField()
    suppression = models.CharField(
        max_length=12, choices=ReportSuppression.choices, blank=True, default=""
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "kind", "begins_on"],
                name="report_once_per_period",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ReportKind.values), name="report_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(suppression__in=["", *ReportSuppression.values]),
                name="report_suppression_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.begins_on} to {self.user_id}"
