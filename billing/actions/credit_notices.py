"""Tell owners that credit expires, has expired, or is nearly used: each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from billing.credit_mail import queue_credit_mail
from billing.funding import credit_binds
from billing.funding_models import NoticeStage
from billing.models import BillingProfile, CreditGrant, CreditKind, CreditNotice

BATCH_MAX = 100
# Each stage with what lies ahead of the expiry when it begins, and when it ends. Who
# hears late (no worker ran) hears the stage of the day, not those that were missed.
STAGES = (
    (NoticeStage.DAYS_14, timedelta(days=14), timedelta(days=3)),
    (NoticeStage.DAYS_3, timedelta(days=3), timedelta()),
    (NoticeStage.DAYS_0, timedelta(), timedelta(days=-7)),
)
# A trial is nearly used when a fifth is left.
LOW_PARTS = 5


def warn_of_credit_that_ends(*, now: datetime) -> int:
    """
    Queue the mails about credit that are due; return about how many grants.

    Safe to repeat and to run many times at once: whoever writes the notice queues the
    mail, in one transaction.
    """
    return sum(tell(grant, stage, now=now) for grant, stage in due(now))


def due(now: datetime) -> Iterator[tuple[CreditGrant, NoticeStage]]:
    for stage, begins, ends in STAGES:
        expiring = not_told(stage).filter(
            expires_at__lte=now + begins,
            expires_at__gt=now + ends,
            # Credit that was given for less time was never that far from its end.
            created_at__lte=F("expires_at") - begins,
        )
        for grant in expiring.order_by("pk")[:BATCH_MAX]:
            yield grant, stage
    for grant in nearly_used(now).order_by("pk")[:BATCH_MAX]:
        yield grant, NoticeStage.LOW


def not_told(stage: NoticeStage) -> QuerySet[CreditGrant]:
    """Return grants with something left whose owners were not told of a stage."""
    told = CreditNotice.objects.filter(grant=OuterRef("pk"), stage=stage)
    return CreditGrant.objects.filter(
        ~Exists(told),
        voided_at__isnull=True,
        organization__deleted_at__isnull=True,
        consumed_nanos__lt=F("amount_nanos"),
    ).select_related("organization")


def nearly_used(now: datetime) -> QuerySet[CreditGrant]:
    """Return trials of which a fifth is left at most, where nothing else pays."""
    profile = BillingProfile.objects.filter(organization=OuterRef("organization"))
    told = CreditNotice.objects.filter(grant=OuterRef("pk"), stage=NoticeStage.LOW)
    return CreditGrant.objects.filter(
        ~Exists(profile),
        ~Exists(told),
        kind=CreditKind.TRIAL,
        voided_at__isnull=True,
        expires_at__gt=now,
        organization__deleted_at__isnull=True,
        consumed_nanos__gte=F("amount_nanos") - F("amount_nanos") / LOW_PARTS,
    ).select_related("organization")


@transaction.atomic
def tell(grant: CreditGrant, stage: NoticeStage, *, now: datetime) -> bool:
    """Write a notice and queue its mail; False if somebody else just did."""
    _, is_new = CreditNotice.objects.get_or_create(
        grant=grant,
        stage=stage,
        defaults={"organization": grant.organization, "created_at": now},
    )
    if is_new:
        queue_credit_mail(
            grant, stage, is_all_there_is=credit_binds(grant.organization), now=now
        )
    return is_new
