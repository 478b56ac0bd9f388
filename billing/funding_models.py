"""What funds an organization: billing information, and grants of credit."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.countries import country_name
from billing.credit import PRIORITY_USUAL
from core import ids
from core.database_ids import id_by_database
from orgs.models import Organization, User

BILLING_EMAILS_MAX = 10


def new_credit_id() -> str:
    return ids.public_id("credit_")


class BillingProfile(models.Model):
    """
    Billing information; entering it opens the approved limit.

    What is entered here applies to future invoices: an issued one keeps what it said.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="billing_profile"
    )
    legal_name = models.CharField(max_length=200)
    address_line1 = models.CharField(max_length=200, blank=True, db_default="")
    address_line2 = models.CharField(max_length=200, blank=True, db_default="")
    postal_code = models.CharField(max_length=20, blank=True, db_default="")
    city = models.CharField(max_length=120, blank=True, db_default="")
    region = models.CharField(max_length=120, blank=True, db_default="")
    # ISO 3166-1 alpha-2, in capitals.
    country = models.CharField(max_length=2, blank=True, db_default="")
    # As its country writes it, without separators.
    tax_id = models.CharField(max_length=40, blank=True, db_default="")
    # Where invoices go, besides the owners.
    billing_emails = ArrayField(
        models.EmailField(max_length=254),
        size=BILLING_EMAILS_MAX,
        default=list,
        blank=True,
        db_default=[],
    )
    # Purchase order, cost center: printed on invoices as it is.
    reference = models.CharField(max_length=120, blank=True, db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"),
                name="billing_country_is_a_code",
            )
        ]

    def __str__(self) -> str:
        return f"billing information of {self.organization}"

    @property
    def address_lines(self) -> list[str]:
        """The address as it is printed, without what is empty; country last."""
        place = " ".join(filter(None, [self.postal_code, self.city]))
        lines = [self.address_line1, self.address_line2, place, self.region]
        return [line for line in [*lines, country_name(self.country)] if line]


class CreditKind(models.TextChoices):
    TRIAL = "trial", "Trial"
    PROMOTIONAL = "promotional", "Promotional"
    PAID = "paid", "Paid"
    GOODWILL = "goodwill", "Goodwill"


class CreditGrant(models.Model):
    """
    Credit of an organization, consumed at settlement.

    In which order is what `billing.credit` says. A grant ends when it expires or is
    voided; what is left of it is written off once no request from before holds any.
    """

    public_id = models.CharField(
        max_length=40,
        unique=True,
        default=new_credit_id,
        db_default=id_by_database("credit_"),
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="credit_grants"
    )
    name = models.CharField(max_length=80)
    kind = models.CharField(
        max_length=12,
        choices=CreditKind.choices,
        default=CreditKind.PROMOTIONAL,
        db_default="promotional",
    )
    # The lower is consumed first, of grants that expire together.
    priority = models.PositiveSmallIntegerField(
        default=PRIORITY_USUAL, db_default=PRIORITY_USUAL
    )
    # Whose trial this is: a person has one, however many organizations they own.
    trial_of = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    amount_nanos = models.BigIntegerField()
    consumed_nanos = models.BigIntegerField(default=0)
    effective_at = models.DateTimeField()
    # Null: never.
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    void_reason = models.CharField(max_length=200, blank=True, db_default="")
    written_off_at = models.DateTimeField(null=True, blank=True)
    written_off_nanos = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_nanos__gt=0)
                & Q(consumed_nanos__gte=0)
                & Q(consumed_nanos__lte=F("amount_nanos")),
                name="credit_grant_consumed_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=CreditKind.values), name="credit_grant_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(priority__lte=100), name="credit_grant_priority_in_range"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True)
                | Q(expires_at__gt=F("effective_at")),
                name="credit_grant_expires_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, void_reason="")
                | (Q(voided_at__isnull=False) & ~Q(void_reason="")),
                name="credit_grant_voided_for_a_reason",
            ),
            # Nothing is consumed of what is written off, and nothing is left over.
            models.CheckConstraint(
                condition=Q(written_off_at__isnull=True, written_off_nanos=0)
                | Q(
                    written_off_at__isnull=False,
                    written_off_nanos=F("amount_nanos") - F("consumed_nanos"),
                ),
                name="credit_grant_written_off_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(written_off_at__isnull=True),
                name="credit_grant_to_write_off",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.organization}"

    @property
    def left_nanos(self) -> int:
        return self.amount_nanos - self.consumed_nanos - self.written_off_nanos

    @property
    def ends_at(self) -> datetime | None:
        """When it expires or was voided, whichever comes first."""
        return min(filter(None, (self.expires_at, self.voided_at)), default=None)


class NoticeStage(models.TextChoices):
    """What is told of a grant, each once."""

    DAYS_14 = "days_14", "Expires in 14 days"
    DAYS_3 = "days_3", "Expires in 3 days"
    DAYS_0 = "days_0", "Expired"
    LOW = "low", "A fifth is left"


class CreditNotice(models.Model):
    """That owners were told of a grant's end: unique, so that they are told once."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    grant = models.ForeignKey(
        CreditGrant, on_delete=models.CASCADE, related_name="notices"
    )
    stage = models.CharField(max_length=8, choices=NoticeStage.choices)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "stage"], name="credit_notice_once"
            ),
            models.CheckConstraint(
                condition=Q(stage__in=NoticeStage.values),
                name="credit_notice_stage_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} of grant {self.grant_id}"
