"""Which rows of the hourly sums a question is about, in which period and group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    DateTimeField,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from orgs.models import Membership, Organization
from usage.dimensions import Dimension, Filter
from usage.models import TimingHour, UsageHour
from usage.spans import Period, Span

COLUMNS = {
    Dimension.MODEL: "model",
    Dimension.KEY: "api_key_id",
    Dimension.MEMBER: "user_id",
    Dimension.ENDPOINT: "endpoint",
}
# Told apart for owners only; a reader sees their own.
OF_SOMEBODY = (Dimension.KEY, Dimension.MEMBER)


class WidthBucket(Func):
    """How many of some instants, in order, are not after an instant."""

    function = "width_bucket"
    output_field = IntegerField()


def usage_hours_in(
    span: Span, organization: Organization, filters: Iterable[Filter] = ()
) -> QuerySet[UsageHour]:
    return narrowed(UsageHour.objects.all(), span, organization, filters)


def timing_hours_in(
    span: Span, organization: Organization, filters: Iterable[Filter] = ()
) -> QuerySet[TimingHour]:
    return narrowed(TimingHour.objects.all(), span, organization, filters)


def narrowed(
    rows: QuerySet[Any],
    span: Span,
    organization: Organization,
    filters: Iterable[Filter],
) -> QuerySet[Any]:
    """Keep the rows of an organization that belong to a span and pass every filter."""
    return rows.filter(within(span), passing(filters), organization=organization)


def within(span: Span) -> Q:
    """Return the condition that a row of sums belongs to a span."""
    interval = span.interval
    condition = Q(hour__gte=interval.start, hour__lt=interval.end)
    if span.cycle_start is not None:
        condition &= Q(cycle_start=span.cycle_start)
    return condition


def passing(filters: Iterable[Filter]) -> Q:
    """Return the condition that a row, of sums or of records, passes every filter."""
    condition = Q()
    for each in filters:
        column = COLUMNS[each.dimension]
        named = [value for value in each.values if value]
        choices = [Q(**{f"{column}__in": named})]
        if "" in each.values:
            choices.append(Q(**{f"{column}__isnull": True}))
        condition &= reduce(or_, choices)
    return condition


def period_number(instant: str, periods: Sequence[Period]) -> Func:
    """
    Return the expression of a row's place among periods, which begins at 0.

    What is before the first or after the last is in the nearest one.
    """
    return number_among(instant, [period.interval.start for period in periods[1:]])


def number_among(instant: str, borders: Sequence[datetime]) -> Func:
    """Return the expression of how many instants, in order, are not after a row's."""
    found = Value(list(borders), output_field=ArrayField(DateTimeField()))
    return WidthBucket(F(instant), found)


def group_value(dimension: Dimension | None, viewer: Membership | None) -> Any:
    """Return the expression of a row's group: null where it is not told apart."""
    if dimension is None:
        return Value(None, output_field=TextField())
    value = Coalesce(
        Cast(COLUMNS[dimension], TextField()), Value(""), output_field=TextField()
    )
    if dimension not in OF_SOMEBODY or viewer is None or viewer.is_owner:
        return value
    return Case(When(user_id=viewer.user_id, then=value), output_field=TextField())
