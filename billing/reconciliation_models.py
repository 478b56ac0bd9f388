"""Comparisons of the books with what a provider says that it billed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core import ids
from orgs.models import Organization, User

LONGEST_ERROR = 300
LONGEST_MODEL = 200


def new_reconciliation_id() -> str:
    return ids.public_id("recon_")


class ReconciliationStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Compared"
    FAILED = "failed", "Failed"


class Verdict(models.TextChoices):
    MATCHED = "matched", "Matched"
    OURS_ONLY = "ours_only", "Ours only"
    THEIRS_ONLY = "theirs_only", "Theirs only"
    DIFFERS = "differs", "Differs"


class Reconciliation(models.Model):
    """
    One comparison of an organization's days. A row that waits is later work.

    Written by `billing.actions.reconciliation`; what has ended never changes.
    """

    public_id = models.CharField(
        max_length=40, unique=True, default=new_reconciliation_id
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    # UTC days, both included.
    first_day = models.DateField()
    last_day = models.DateField()
    status = models.CharField(
        max_length=10,
        choices=ReconciliationStatus.choices,
        default=ReconciliationStatus.WAITING,
    )
    # Who asked for it; nobody did for the daily one.
    requested_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=LONGEST_ERROR, blank=True, default="")
    # What it asked, and by which tolerance it decided.
    base_url = models.URLField(max_length=300, blank=True, default="")
    project_id = models.CharField(max_length=80, blank=True, default="")
    tolerance_nanos = models.BigIntegerField(default=0)
    tolerance_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ReconciliationStatus.values),
                name="reconciliation_status_known",
            ),
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")),
                name="reconciliation_days_in_order",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", finished_at__isnull=True)
                | ~Q(status="waiting") & Q(finished_at__isnull=False),
                name="reconciliation_ended_at",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(status="waiting"),
                name="reconciliation_one_waits",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-finished_at"], name="reconciliation_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.first_day} to {self.last_day}"


class ReconciliationRow(models.Model):
    """A UTC day and model: what the books say, what the provider does."""

    reconciliation = models.ForeignKey(
        Reconciliation, on_delete=models.CASCADE, related_name="rows"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    day = models.DateField()
    # A model; or what the provider calls a cost that is of no model we know.
    model = models.CharField(max_length=LONGEST_MODEL)
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    # Null on the side that has nothing.
    ours_nanos = models.BigIntegerField(null=True)
    theirs_nanos = models.BigIntegerField(null=True)
    ours_requests = models.BigIntegerField(default=0)
    ours_estimated = models.BigIntegerField(default=0)
    # Null where the provider's usage does not tell.
    theirs_requests = models.BigIntegerField(null=True)
    ours_tokens = models.BigIntegerField(default=0)
    theirs_tokens = models.BigIntegerField(null=True)
    # The provider's figures of such a day may still come.
    is_provisional = models.BooleanField()
    # What the provider calls the costs that are summed here.
    line_items = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "day", "model"],
                name="reconciliation_row_once",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values),
                name="reconciliation_verdict_known",
            ),
            models.CheckConstraint(
                condition=Q(verdict="ours_only", theirs_nanos__isnull=True)
                | Q(verdict="theirs_only", ours_nanos__isnull=True)
                | Q(
                    verdict__in=["matched", "differs"],
                    ours_nanos__isnull=False,
                    theirs_nanos__isnull=False,
                ),
                name="reconciliation_row_has_its_sides",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}: {self.verdict}"

    @property
    def difference_nanos(self) -> int:
        """Return by how much the provider's figure is above ours."""
        return (self.theirs_nanos or 0) - (self.ours_nanos or 0)
