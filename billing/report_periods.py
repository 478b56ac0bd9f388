"""
Which days a report is about, and when it is due. Pure.

A week is Monday to Sunday by the organization's clock; a month is a billing cycle. A
report comes on a morning by its reader's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import models

from core.periods import cycle_of, previous_cycle
from core.zones import zone_called
from usage.spans import Span


class ReportKind(models.TextChoices):
    """A kind of report; its mail is of the kind of `OptionalMail` that is called so."""

    WEEKLY = "weekly_report", "Weekly report"
    MONTHLY = "monthly_report", "Monthly report"


# Requests that were under way at the end of a period are booked by then.
SETTLED = timedelta(hours=1)
MORNING = time(8)
ONE_DAY, ONE_WEEK = timedelta(days=1), timedelta(weeks=1)
# Later than that a report is no news, and none is sent.
LATE_MAX = {ReportKind.WEEKLY: timedelta(days=2), ReportKind.MONTHLY: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The days of a report, and those that they are compared with."""

    kind: ReportKind
    span: Span
    before: Span

    @property
    def begins_on(self) -> date:
        """What tells it from others of its kind, in whatever zone."""
        return self.span.cycle_start or self.span.first

    @property
    def ends_at(self) -> datetime:
        return self.span.shown.end

    @property
    def settled_at(self) -> datetime:
        """When the figures of the period are complete."""
        return self.ends_at + SETTLED

    @property
    def name(self) -> str:
        """How people call it: `Week 47` of their calendars, or `October 2026`."""
        if self.span.cycle_start is not None:
            return f"{self.span.cycle_start:%B %Y}"
        return f"Week {self.span.first.isocalendar().week}"

    @property
    def before_name(self) -> str:
        """How a sentence calls what it is compared with."""
        if self.before.cycle_start is not None:
            return f"in {self.before.cycle_start:%B}"
        return "the week before"


def latest_period(kind: ReportKind, *, zone_name: str, now: datetime) -> ReportPeriod:
    """Return the last week or month that is over by an organization's clock."""
    if kind is ReportKind.MONTHLY:
        cycle = previous_cycle(cycle_of(now))
        return ReportPeriod(
            kind,
            Span.of_cycle(cycle, zone_name),
            Span.of_cycle(previous_cycle(cycle), zone_name),
        )
    today = now.astimezone(zone_called(zone_name)).date()
    monday = today - timedelta(days=today.weekday()) - ONE_WEEK
    span = Span(monday, monday + ONE_WEEK - ONE_DAY, zone_name=zone_name)
    return ReportPeriod(kind, span, span.before())


def due_at(period: ReportPeriod, *, zone_name: str) -> datetime:
    """Return the first morning of a reader on which the figures are complete."""
    zone = zone_called(zone_name)
    day = period.settled_at.astimezone(zone).date()
    morning = datetime.combine(day, MORNING, tzinfo=zone).astimezone(UTC)
    if morning >= period.settled_at:
        return morning
    return datetime.combine(day + ONE_DAY, MORNING, tzinfo=zone).astimezone(UTC)


def may_be_due(period: ReportPeriod, *, now: datetime) -> bool:
    """Say whether it is due to any reader, wherever they live, and not too late."""
    last = period.settled_at + ONE_DAY + LATE_MAX[period.kind]
    return period.settled_at <= now < last


def is_due(period: ReportPeriod, *, zone_name: str, now: datetime) -> bool:
    """Say whether it is a reader's turn: from their morning on, while it is news."""
    due = due_at(period, zone_name=zone_name)
    return due <= now < due + LATE_MAX[period.kind]
