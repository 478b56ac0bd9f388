"""What belongs to a person or to the installation: mails refused, its first set-up."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q


class OptionalMail(models.TextChoices):
    """Mails that a person may do without. All others are always sent."""

    SOFT_LIMIT = "soft_limit", "Soft limits reached"
    KEY_EXPIRY = "key_expiry", "API keys about to expire"
    CREDIT_NOTICE = "credit_notice", "Credit that expires or is nearly used"
    QUOTA_REQUEST = "quota_request", "Quota requests of other owners"


# What stops an organization's requests, what it owes, and who can get in.
ALWAYS_MAILED = (
    "Hard limits reached, approved limits changed, raises that end",
    "Credit that is gone where nothing else pays, suspensions",
    "Invoices, where no billing address is entered; answers to what you asked for",
    "Security of your account, operators who view the organization",
    "Cards that do not pay an invoice",
)


class MailOptOut(models.Model):
    """A kind of mail that a person does not want. Without a row it is sent."""

    user = models.ForeignKey(
        "orgs.User", on_delete=models.CASCADE, related_name="opt_outs"
    )
    kind = models.CharField(max_length=40, choices=OptionalMail.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="opt_out_once"),
            models.CheckConstraint(
                condition=Q(kind__in=OptionalMail.values), name="opt_out_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} without {self.kind}"


class FirstSetUp(models.Model):
    """That the set-up page made an operator: one row at most, so it works once."""

    # Always 1: of two who set up at once the second finds it taken.
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    operator = models.ForeignKey(
        "orgs.User", on_delete=models.PROTECT, related_name="+"
    )
    done_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="first_set_up_only_one")
        ]

    def __str__(self) -> str:
        return f"set up by {self.operator}"

    def save(self, *args: Any, **options: Any) -> None:
        """Insert: a second row never overwrites the first."""
        super().save(*args, **{**options, "force_insert": True})
