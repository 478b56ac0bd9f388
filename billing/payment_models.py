"""
Payment by card: an organization's card, the charge of an invoice, what we are told.

What is known of a card is its brand, its last four digits and its expiry. Only
`billing.actions.cards`, `billing.actions.charges` and `billing.actions.payment_events`
write here.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.invoice_models import Invoice
from orgs.models import Organization

LONGEST_REASON = 300


class PaymentAccount(models.Model):
    """An organization at the payment provider, with the card that pays, if any."""

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="payment_account"
    )
    # As the provider names it.
    customer_id = models.CharField(max_length=120, unique=True)
    method_id = models.CharField(max_length=120, blank=True)
    brand = models.CharField(max_length=40, blank=True)
    last_four = models.CharField(max_length=4, blank=True)
    expires_month = models.PositiveSmallIntegerField(null=True)
    expires_year = models.PositiveSmallIntegerField(null=True)
    # When the newest card was set up, by the provider's clock: an earlier one that we
    # hear of later is no news, nor is this one once it was removed.
    card_as_of = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(method_id="", last_four="", expires_year__isnull=True)
                | (~Q(method_id="") & Q(expires_year__isnull=False)),
                name="payment_account_card_whole",
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} of {self.organization_id}"

    @property
    def has_card(self) -> bool:
        return bool(self.method_id)


class ChargeStage(models.TextChoices):
    # To be asked for at `next_attempt_at`.
    WAITING = "waiting", "Waiting"
    # Asked for: nobody knows the end of it, and nobody else may note a payment.
    UNDER_WAY = "under_way", "Under way"
    # Paid, or taken back.
    SETTLED = "settled", "Settled"
    # Declined as often as is tried; goes on with another card.
    GIVEN_UP = "given_up", "Given up"


class InvoiceCharge(models.Model):
    """An invoice that a card is to pay: how far it got."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, related_name="charge"
    )
    # As the provider names it; empty until it was made there.
    charge_id = models.CharField(max_length=120, blank=True)
    stage = models.CharField(
        max_length=12, choices=ChargeStage.choices, default=ChargeStage.WAITING
    )
    times_declined = models.PositiveSmallIntegerField(default=0)
    times_unanswered = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    # Why it was declined the last time, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["charge_id"],
                condition=~Q(charge_id=""),
                name="invoice_charge_once",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=ChargeStage.values),
                name="invoice_charge_stage_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(stage__in=["waiting", "under_way"]),
                name="invoice_charge_due",
            )
        ]

    def __str__(self) -> str:
        return f"charge of {self.invoice_id}: {self.stage}"


class EventOutcome(models.TextChoices):
    DONE = "done", "Done"
    # Nothing of ours, or no news.
    IGNORED = "ignored", "Ignored"
    # Somebody has to look at it.
    NOTED = "noted", "Noted for the operator"


class PaymentEvent(models.Model):
    """An event of the payment provider, kept with its effect: once."""

    event_id = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=80)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(max_length=8, choices=EventOutcome.choices)
    note = models.CharField(max_length=LONGEST_REASON, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=EventOutcome.values),
                name="payment_event_outcome_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"
