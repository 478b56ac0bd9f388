"""What belongs to a person or to the installation: mails refused, its first set-up."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class OptionalMail(models.TextChoices):
    """Kinds of mail that an address may do without. All others are always sent."""

    SOFT_LIMIT = "soft_limit", "Soft limits reached"
    FORECAST_LIMIT = "forecast_limit", "Soft limits that a forecast reaches"
    UNUSUAL_SPEND = "unusual_spend", "Unusual spend"
    KEY_EXPIRY = "key_expiry", "API keys about to expire"
    CREDIT_NOTICE = "credit_notice", "Credit that expires or is nearly used"
    QUOTA_REQUEST = "quota_request", "Quota requests of other owners"
    WEEKLY_REPORT = "weekly_report", "Weekly report, on Mondays"
    MONTHLY_REPORT = "monthly_report", "Monthly report"


# Every other is for owners.
FOR_EVERY_MEMBER = {
    OptionalMail.UNUSUAL_SPEND,
    OptionalMail.KEY_EXPIRY,
    OptionalMail.WEEKLY_REPORT,
    OptionalMail.MONTHLY_REPORT,
}
# Nobody gets these who did not choose them; but owners in production the monthly one.
BY_CHOICE = {OptionalMail.WEEKLY_REPORT, OptionalMail.MONTHLY_REPORT}


class MailChoice(models.Model):
    """
    Whether an address wants a kind of mail about an organization.

    Without a row the kind's default holds. By address and not by person, because
    people without an account get some of them too, and may refuse them. Kinds are
    those of `OptionalMail`; what is of no kind any more is not looked at.
    """

    organization = models.ForeignKey(
        "orgs.Organization", on_delete=models.CASCADE, related_name="+"
    )
    # In lower case, as in the outbox.
    email = models.EmailField(max_length=254)
    kind = models.CharField(max_length=40)
    is_wanted = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email", "kind"], name="mail_choice_once"
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="mail_choice_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} {'with' if self.is_wanted else 'without'} {self.kind}"


class MailOptOut(models.Model):
    """
    A kind of mail that a person did not want, of any organization.

    Of before choices were of one organization each. Only the release before reads it.
    """

    user = models.ForeignKey(
        "orgs.User", on_delete=models.CASCADE, related_name="opt_outs"
    )
    kind = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="opt_out_once"),
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
