"""What a report tells: the figures of the usage page, and where the cycle stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from billing.attention_queries import EndingCredit, ending_credit
from billing.change_queries import Changes, Periods, changes_between
from billing.forecast import Forecast
from billing.forecast_queries import forecast_of
from billing.overview_queries import own_part
from billing.queries import Standing, standing_of
from billing.report_periods import ReportKind, ReportPeriod
from orgs.models import Membership, Organization
from usage.amounts import Amounts, Usage
from usage.comparisons import GroupSums, largest_groups
from usage.dimensions import Dimension, Granularity
from usage.hours import usage_hours_in
from usage.queries import usage_of
from usage.refusal_models import RefusedMinute
from usage.refusals import refused_minutes_visible_to
from usage.spans import Span
from usage.unpriced import newest_unpriced

LARGEST_MAX = 5
PIECES = {ReportKind.WEEKLY: Granularity.DAY, ReportKind.MONTHLY: Granularity.WEEK}


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What a reader used of it all, by keys of their own."""

    now: Amounts
    before: Amounts


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """All that the report of a period tells one member."""

    viewer: Membership
    period: ReportPeriod
    # By day of a week, by week of a month.
    usage: Usage
    before: Amounts
    # None for an owner.
    own: OwnPart | None
    changes: Changes
    # The largest of the period, with the period and the one before.
    models: tuple[GroupSums, ...]
    # A reader's own.
    keys: tuple[GroupSums, ...]
    # A reader's own.
    refused: int
    # Requests of models without a price: they are in no figure.
    unpriced: Counter[str]
    # The cycle under way.
    standing: Standing
    forecast: Forecast | None
    credit: EndingCredit | None
    now: datetime

    @property
    def organization(self) -> Organization:
        return self.viewer.organization

    @property
    def total(self) -> Amounts:
        return self.usage.total


def report_of(
    viewer: Membership, period: ReportPeriod, *, now: datetime
) -> PeriodReport:
    """Return what a member is told; the totals are the organization's to everybody."""
    organization = viewer.organization
    return PeriodReport(
        viewer=viewer,
        period=period,
        usage=usage_of(organization, period.span, granularity=PIECES[period.kind]),
        before=usage_of(organization, period.before).total,
        own=own_parts(viewer, period),
        changes=changes_between(viewer, Periods(period.before, period.span)),
        models=largest(viewer, period, Dimension.MODEL),
        keys=largest(viewer, period, Dimension.KEY),
        refused=refused_in(viewer, period.span),
        unpriced=newest_unpriced(organization, period.span),
        standing=standing_of(organization, now=now),
        forecast=forecast_of(organization, now=now),
        credit=ending_credit(organization, now=now),
        now=now,
    )


def own_parts(viewer: Membership, period: ReportPeriod) -> OwnPart | None:
    now, before = own_part(viewer, period.span), own_part(viewer, period.before)
    return None if now is None or before is None else OwnPart(now, before)


def largest(
    viewer: Membership, period: ReportPeriod, dimension: Dimension
) -> tuple[GroupSums, ...]:
    """Return what cost most in the period; not what was used before alone."""
    found = largest_groups(
        viewer.organization,
        (period.span, period.before),
        dimension=dimension,
        viewer=viewer,
        count=LARGEST_MAX,
    )
    return tuple(each for each in found if each.by_span[0].requests)


def refused_in(viewer: Membership, span: Span) -> int:
    """Return how many requests were refused; to a reader, their own."""
    minutes = refused_minutes_visible_to(viewer).filter(
        minute__gte=span.shown.start, minute__lt=span.shown.end
    )
    return int(minutes.aggregate(sum=Sum("requests", default=0))["sum"])


def is_anything_to_tell(organization: Organization, period: ReportPeriod) -> bool:
    """Say whether something was used or refused in the period or the one before."""
    spans = period.span, period.before
    return any(
        usage_hours_in(span, organization, ()).exists()
        or refused_at_all(organization, span)
        for span in spans
    )


def refused_at_all(organization: Organization, span: Span) -> bool:
    return RefusedMinute.objects.filter(
        organization=organization,
        minute__gte=span.shown.start,
        minute__lt=span.shown.end,
    ).exists()
