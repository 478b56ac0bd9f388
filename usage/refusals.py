"""Refused requests: one by its id, and how many were refused beside those kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, QuerySet, Sum

from core.ids import event_time
from orgs.models import Membership
from orgs.queries import visible_to
from usage.models import RefusedMinute, RefusedRequest

MINUTE = timedelta(minutes=1)


def refusals_visible_to(viewer: Membership) -> QuerySet[RefusedRequest]:
    """Return refused requests of the organization; to a reader, the reader's own."""
    return visible_to(viewer, RefusedRequest.objects.all())


def refused_minutes_visible_to(viewer: Membership) -> QuerySet[RefusedMinute]:
    """Return how many were refused, minute by minute; to a reader, their own."""
    return visible_to(viewer, RefusedMinute.objects.all())


def refusal_visible_to(viewer: Membership, public_id: str) -> RefusedRequest | None:
    """Return a refused request by its `ref_…` id, if the viewer may see it."""
    event_id = RefusedRequest.event_id_from(public_id)
    if event_id is None:
        return None
    refusals = refusals_visible_to(viewer).select_related("api_key", "user")
    return refusals.filter(event_id=event_id).first()


def refused_alike(viewer: Membership, refusal: RefusedRequest) -> int:
    """Return how many requests of a key were refused for one reason in its minute."""
    minutes = refused_minutes_visible_to(viewer).filter(
        api_key=refusal.api_key_id,
        code=refusal.code,
        status_code=refusal.status_code,
        minute=refusal.occurred_at.replace(second=0, microsecond=0),
    )
    return minutes.aggregate(sum=Sum("requests"))["sum"] or 0


def kept_instead_of(viewer: Membership, public_id: str) -> list[RefusedRequest]:
    """
    Return the refusals that were kept in the minute of one that was only counted.

    None if all of that minute were kept: then there was no such refusal.
    """
    event_id = RefusedRequest.event_id_from(public_id)
    if event_id is None or event_id.version != 7:
        return []
    start = event_time(event_id).replace(second=0, microsecond=0)
    minutes = refused_minutes_visible_to(viewer).filter(
        minute=start, requests__gt=F("kept")
    )
    counted = list(minutes.values_list("api_key_id", "code"))
    within = refusals_visible_to(viewer).filter(
        occurred_at__gte=start, occurred_at__lt=start + MINUTE
    )
    found = within.select_related("api_key", "user").order_by("event_id")
    by_reason = {(each.api_key_id, each.code): each for each in found}
    return [
        by_reason[reason] for reason in dict.fromkeys(counted) if reason in by_reason
    ]
