"""Single usage records: the ones behind a number, and one by its id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q, QuerySet

from orgs.models import Membership, Organization
from usage.dimensions import NOBODY
from usage.models import UsageRecord
from usage.spans import Span

PAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records of a span: None does not narrow, NOBODY means without one."""

    span: Span
    day: date | None = None
    model: str | None = None
    key: str | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first. `older` is where the next page begins, if there is one."""

    records: Sequence[UsageRecord]
    older: str | None


def records_visible_to(viewer: Membership) -> QuerySet[UsageRecord]:
    """Return the records of the organization; to a reader, the reader's own."""
    records = UsageRecord.objects.filter(organization=viewer.organization_id)
    return records if viewer.is_owner else records.filter(user=viewer.user_id)


def record_visible_to(viewer: Membership, public_id: str) -> UsageRecord | None:
    """Return a record by its `rec_…` id, or None if the viewer may not see it."""
    event_id = UsageRecord.event_id_from(public_id)
    if event_id is None:
        return None
    records = records_visible_to(viewer).select_related("api_key", "user")
    return records.filter(event_id=event_id).first()


def corrections_of(record: UsageRecord) -> QuerySet[UsageRecord]:
    """Return the records that correct a record, oldest first."""
    records = UsageRecord.objects.filter(organization=record.organization_id)
    # Nothing is corrected before it happened; the bound spares older partitions.
    later = records.filter(occurred_at__gte=record.occurred_at)
    return later.filter(corrects=record.event_id).order_by("booked_at")


def records_beyond_hold(
    organization: Organization, *, cycle_start: date
) -> QuerySet[UsageRecord]:
    """Return records that cost more than was held; the index has only such."""
    return UsageRecord.objects.filter(
        organization=organization,
        cycle_start=cycle_start,
        held_nanos__gt=0,
        cost_nanos__gt=F("held_nanos"),
    )


def page_of_records(
    viewer: Membership, selection: Selection, *, before: str | None = None
) -> Page:
    """Return a page of the selected records, from the one older than `before` on."""
    records = selected(records_visible_to(viewer), selection)
    event_id = UsageRecord.event_id_from(before) if before else None
    if event_id is not None:
        records = older_than(records, records_visible_to(viewer), event_id)
    ordered = records.select_related("api_key", "user").order_by(
        "-occurred_at", "-event_id"
    )
    found = list(ordered[: PAGE_LENGTH + 1])
    shown = found[:PAGE_LENGTH]
    return Page(shown, shown[-1].public_id if len(found) > PAGE_LENGTH else None)


def selected(
    records: QuerySet[UsageRecord], selection: Selection
) -> QuerySet[UsageRecord]:
    """Narrow records to a selection."""
    span = selection.span
    interval = span.instants_of(selection.day) if selection.day else span.interval
    if interval is None:
        return records.none()
    records = records.filter(
        occurred_at__gte=interval.start, occurred_at__lt=interval.end
    )
    if span.cycle_start is not None:
        records = records.filter(cycle_start=span.cycle_start)
    if selection.model is not None:
        records = records.filter(model=selection.model)
    return records.filter(
        narrowed_to("api_key", selection.key) & narrowed_to("user", selection.member)
    )


def narrowed_to(column: str, public_id: str | None) -> Q:
    """Return the condition that a related row has a public id."""
    if public_id is None:
        return Q()
    if public_id == NOBODY:
        return Q(**{f"{column}__isnull": True})
    return Q(**{f"{column}__public_id": public_id})


def older_than(
    records: QuerySet[UsageRecord], visible: QuerySet[UsageRecord], event_id: uuid.UUID
) -> QuerySet[UsageRecord]:
    """Keep the records that come after a visible one in the order newest first."""
    last = visible.filter(event_id=event_id).values("occurred_at").first()
    if last is None:
        return records.none()
    instant = last["occurred_at"]
    return records.filter(occurred_at__lte=instant).exclude(
        occurred_at=instant, event_id__gte=event_id
    )
