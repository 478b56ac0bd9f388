"""What may need attention beside spend and limits: read for the overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum

from billing.addressees import ThresholdRow, threshold_rows
from billing.alert_models import AlertKind
from billing.allocation_queries import Allocation, allocations_of
from billing.funding import grants_of
from billing.limits import Funding
from billing.models import Alert
from core.periods import cycle_of, start_of_day
from keys.models import ApiKey
from keys.queries import is_changeable_by, keys_visible_to
from keys.webhook_models import WebhookEndpoint
from orgs.models import MailStatus, Membership, Organization, OutboxMail
from usage.refusals import refused_minutes_visible_to

# As far ahead as the first mail about it.
KEY_ENDS_SOON = CREDIT_ENDS_SOON = timedelta(days=14)
# Older mails are past mending.
MAILS_SINCE = timedelta(days=7)
UNDELIVERED = (MailStatus.FAILED, MailStatus.BOUNCED)


@dataclass(frozen=True, slots=True)
class EndingCredit:
    """Credit that expires next, and soon."""

    nanos: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Undelivered:
    """How many mails of late reached nobody: about limits, and all others."""

    alerts: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class OwnersConcerns:
    """What only owners see and can mend."""

    undelivered: Undelivered
    webhooks_failing: int
    webhooks_disabled: int
    thresholds: tuple[ThresholdRow, ...]
    allocations: tuple[Allocation, ...]
    alerts_unseen: int


@dataclass(frozen=True, slots=True)
class Concerns:
    """What a member can look after. `owners` is None for a reader."""

    # Keys that the member may rotate, the first to end first.
    keys_ending: tuple[ApiKey, ...]
    # A reader's own.
    refused_today: int
    credit: EndingCredit | None
    owners: OwnersConcerns | None


def concerns_of(viewer: Membership, funding: Funding, *, now: datetime) -> Concerns:
    """Return what a member can look after, by a fixed number of queries."""
    return Concerns(
        keys_ending=keys_ending(viewer, now=now),
        refused_today=refused_today(viewer, now=now),
        credit=ending_credit(viewer.organization, now=now),
        owners=owners_concerns(viewer, funding, now=now) if viewer.is_owner else None,
    )


def owners_concerns(
    viewer: Membership, funding: Funding, *, now: datetime
) -> OwnersConcerns:
    organization = viewer.organization
    webhooks = WebhookEndpoint.objects.filter(organization=organization).aggregate(
        failing=Count(
            "pk", filter=Q(failing_since__isnull=False, disabled_at__isnull=True)
        ),
        disabled=Count("pk", filter=Q(disabled_at__isnull=False)),
    )
    spent = funding.spent_nanos
    return OwnersConcerns(
        undelivered=undelivered_mails(organization, now=now),
        webhooks_failing=webhooks["failing"],
        webhooks_disabled=webhooks["disabled"],
        thresholds=tuple(threshold_rows(organization, spent_nanos=spent)),
        allocations=tuple(allocations_of(organization, funding, now=now)),
        alerts_unseen=Alert.objects.filter(
            organization=organization,
            cycle_start=cycle_of(now),
            acknowledged_at__isnull=True,
            is_covered=False,
        ).count(),
    )


def keys_ending(viewer: Membership, *, now: datetime) -> tuple[ApiKey, ...]:
    """Return the keys that end soon, of those that the viewer may rotate."""
    keys = keys_visible_to(viewer).filter(
        revoked_at__isnull=True, expires_at__gt=now, expires_at__lte=now + KEY_ENDS_SOON
    )
    ending = keys.prefetch_related(None).order_by("expires_at", "pk")
    return tuple(key for key in ending if is_changeable_by(viewer, key))


def refused_today(viewer: Membership, *, now: datetime) -> int:
    """Return how many requests were refused since midnight UTC."""
    minutes = refused_minutes_visible_to(viewer)
    today = minutes.filter(minute__gte=start_of_day(now.date()))
    return int(today.aggregate(sum=Sum("requests", default=0))["sum"])


def ending_credit(organization: Organization, *, now: datetime) -> EndingCredit | None:
    """Return the credit that expires next, if that is soon; whether it binds or not."""
    ends = [
        (each.ends_at, each.available_nanos)
        for each in grants_of(organization, now=now)
        if each.is_live and each.ends_at is not None
    ]
    first = min((ends_at for ends_at, _ in ends), default=None)
    if first is None or first - now > CREDIT_ENDS_SOON:
        return None
    return EndingCredit(sum(nanos for at, nanos in ends if at == first), first)


def undelivered_mails(organization: Organization, *, now: datetime) -> Undelivered:
    of_alerts = Q(kind__in=AlertKind.values)
    counts = OutboxMail.objects.filter(
        organization=organization,
        status__in=UNDELIVERED,
        created_at__gte=now - MAILS_SINCE,
    ).aggregate(
        alerts=Count("pk", filter=of_alerts), others=Count("pk", filter=~of_alerts)
    )
    return Undelivered(**counts)
