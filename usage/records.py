"""Single usage records: the ones behind a number, and one by its id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.db.models import F, Q, QuerySet, Sum

from core.ids import event_id_of
from core.periods import Interval
from orgs.models import Membership, Organization
from orgs.queries import visible_to
from usage.dimensions import NOBODY
from usage.models import RefusedRequest, UsageRecord
from usage.refusal_models import PREFIX as REFUSAL_PREFIX
from usage.refusals import refusals_visible_to, refused_minutes_visible_to
from usage.spans import Span

PAGE_LENGTH = 50
NEWEST_FIRST = ("-occurred_at", "-event_id")
# Of a request in the order of time.
Place = tuple[datetime, uuid.UUID]


# Besides the outcomes of usage records.
REFUSED, EVERYTHING = "refused", "all"
R = TypeVar("R", UsageRecord, RefusedRequest)


@dataclass(frozen=True, slots=True)
class Selection:
    """
    Which requests of a span: None and empty do not narrow, NOBODY means without one.

    `outcome` is one of a usage record, REFUSED, or EVERYTHING; empty means all that
    have a usage record.
    """

    span: Span
    day: date | None = None
    model: str | None = None
    key: str | None = None
    member: str | None = None
    endpoint: str = ""
    outcome: str = ""
    status: int | None = None
    least_cost_nanos: int | None = None
    least_latency_ms: int | None = None

    @property
    def interval(self) -> Interval | None:
        """The instants to look at, or None if there are none."""
        return self.span.instants_of(self.day) if self.day else self.span.interval

    @property
    def has_records(self) -> bool:
        return self.outcome != REFUSED

    @property
    def has_refusals(self) -> bool:
        """Whether refused requests are among them: they cost nothing."""
        return self.outcome in (REFUSED, EVERYTHING) and not self.least_cost_nanos


@dataclass(frozen=True, slots=True)
class Page:
    """Requests, newest first. `older` is where the next page begins, if any does."""

    records: Sequence[UsageRecord | RefusedRequest]
    older: str | None


def records_visible_to(viewer: Membership) -> QuerySet[UsageRecord]:
    """Return the records of the organization; to a reader, the reader's own."""
    return visible_to(viewer, UsageRecord.objects.all())


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
    """Return a page of the selected requests, from the one older than `before` on."""
    place = place_of(viewer, before) if before else None
    if before and place is None:
        return Page([], None)
    found: list[UsageRecord | RefusedRequest] = []
    if selection.has_records:
        found += newest(selected(records_visible_to(viewer), selection), place)
    if selection.has_refusals:
        found += newest(selected_refusals(viewer, selection), place)
    found.sort(key=lambda each: (each.occurred_at, each.event_id), reverse=True)
    shown = found[:PAGE_LENGTH]
    return Page(shown, shown[-1].public_id if len(found) > PAGE_LENGTH else None)


def newest(rows: QuerySet[R], place: Place | None) -> list[R]:
    """Return one more than a page of rows older than a place, newest first."""
    if place is not None:
        rows = older_than(rows, place)
    ordered = rows.select_related("api_key", "user").order_by(*NEWEST_FIRST)
    return list(ordered[: PAGE_LENGTH + 1])


def selected(
    records: QuerySet[UsageRecord], selection: Selection
) -> QuerySet[UsageRecord]:
    """Narrow records to a selection."""
    records = alike(records, selection)
    if selection.span.cycle_start is not None:
        records = records.filter(cycle_start=selection.span.cycle_start)
    if selection.outcome not in ("", REFUSED, EVERYTHING):
        records = records.filter(outcome=selection.outcome)
    if selection.least_cost_nanos:
        records = records.filter(cost_nanos__gte=selection.least_cost_nanos)
    return records


def selected_refusals(
    viewer: Membership, selection: Selection
) -> QuerySet[RefusedRequest]:
    """Return the refused requests of a selection that were kept one by one."""
    return alike(refusals_visible_to(viewer), selection)


def alike(rows: QuerySet[R], selection: Selection) -> QuerySet[R]:
    """Narrow records or refused requests to what a selection says of both."""
    interval = selection.interval
    if interval is None:
        return rows.none()
    rows = rows.filter(occurred_at__gte=interval.start, occurred_at__lt=interval.end)
    if selection.model is not None:
        rows = rows.filter(model=selection.model)
    if selection.endpoint:
        rows = rows.filter(endpoint=selection.endpoint)
    if selection.status is not None:
        rows = rows.filter(status_code=selection.status)
    if selection.least_latency_ms is not None:
        rows = rows.filter(latency_ms__gte=selection.least_latency_ms)
    return rows.filter(
        narrowed_to("api_key", selection.key) & narrowed_to("user", selection.member)
    )


def narrowed_to(column: str, public_id: str | None) -> Q:
    """Return the condition that a related row has a public id."""
    if public_id is None:
        return Q()
    if public_id == NOBODY:
        return Q(**{f"{column}__isnull": True})
    return Q(**{f"{column}__public_id": public_id})


def place_of(viewer: Membership, public_id: str) -> Place | None:
    """Return where a visible request stands in the order, or None."""
    event_id = event_id_of(public_id, "rec_", REFUSAL_PREFIX)
    if event_id is None:
        return None
    if public_id.startswith(REFUSAL_PREFIX):
        refusals = refusals_visible_to(viewer).filter(event_id=event_id)
        instant = refusals.values_list("occurred_at", flat=True).first()
    else:
        records = records_visible_to(viewer).filter(event_id=event_id)
        instant = records.values_list("occurred_at", flat=True).first()
    return (instant, event_id) if instant else None


def older_than(rows: QuerySet[R], place: Place) -> QuerySet[R]:
    """Keep the rows that come after a place in the order newest first."""
    instant, event_id = place
    return rows.filter(occurred_at__lte=instant).exclude(
        occurred_at=instant, event_id__gte=event_id
    )


def refusals_not_kept(viewer: Membership, selection: Selection) -> int:
    """
    Return how many refused requests of a selection were only counted.

    The counts know no endpoint and no latency: then nobody can say.
    """
    interval = selection.interval
    if interval is None or selection.endpoint or selection.least_latency_ms:
        return 0
    minutes = refused_minutes_visible_to(viewer).filter(
        narrowed_to("api_key", selection.key) & narrowed_to("user", selection.member),
        minute__gte=interval.start,
        minute__lt=interval.end,
    )
    if selection.model is not None:
        minutes = minutes.filter(model=selection.model)
    if selection.status is not None:
        minutes = minutes.filter(status_code=selection.status)
    return minutes.aggregate(sum=Sum(F("requests") - F("kept")))["sum"] or 0
