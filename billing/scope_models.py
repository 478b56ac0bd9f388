"""What keys and members spend within an organization, and what they may."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from keys.models import ApiKey
from orgs.models import Membership, Organization, User


class Scope(models.TextChoices):
    """What has a limit of its own inside an organization."""

    KEY = "key", "Key"
    MEMBER = "member", "Member"


class ScopeBudget(models.Model):
    """
    The part of a budget that one key or one member spent and holds.

    Kept for each of them, limited or not, so that a limit holds from its first
    request on. Written only by `billing.booking`, under the budget's lock.
    """

    # No database constraint: see usage.models.UsageFacts.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    cycle_start = models.DateField()
    scope = models.CharField(max_length=6, choices=Scope.choices)
    # Of the API key or of the person; they may be gone.
    subject_id = models.BigIntegerField()
    spent_nanos = models.BigIntegerField(default=0)
    held_nanos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cycle_start", "scope", "subject_id"],
                name="scope_budget_once_per_cycle",
            ),
            models.CheckConstraint(
                condition=Q(scope__in=Scope.values), name="scope_budget_scope_known"
            ),
            models.CheckConstraint(
                condition=Q(held_nanos__gte=0), name="scope_budget_held_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(spent_nanos__gte=0), name="scope_budget_spent_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject_id} in {self.cycle_start:%Y-%m}"


class ScopeLimit(models.Model):
    """
    What a key or a member may spend within an organization per billing cycle.

    A personal key acts in several organizations: each has its own limit for it. A
    member's limit goes with the membership.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    scope = models.CharField(max_length=6, choices=Scope.choices)
    # The same as the key's or the person's id below: the books find limit and
    # budget by the same columns.
    subject_id = models.BigIntegerField()
    api_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.CASCADE, related_name="+"
    )
    membership = models.OneToOneField(
        Membership, null=True, on_delete=models.CASCADE, related_name="spend_limit"
    )
    amount_nanos = models.BigIntegerField()
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "scope", "subject_id"], name="scope_limit_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_nanos__gte=0), name="scope_limit_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(
                    scope=Scope.KEY,
                    api_key=F("subject_id"),
                    membership__isnull=True,
                )
                | Q(
                    scope=Scope.MEMBER,
                    api_key__isnull=True,
                    membership__isnull=False,
                ),
                name="scope_limit_of_key_or_member",
            ),
        ]

    def __str__(self) -> str:
        return f"limit of {self.scope} {self.subject_id}"
