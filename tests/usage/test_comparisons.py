"""Spans side by side: each sum is of its span, each group in its place."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db.models import F
from django.db.models.functions import Abs
from pytest_django import DjangoAssertNumQueries

from orgs.models import Membership, Organization, User
from tests.usage_factories import add_hour, make_key
from usage.amounts import Amounts
from usage.comparisons import cost_sum, largest_groups, sums_by_model
from usage.dimensions import Dimension, Filter
from usage.spans import Span

pytestmark = pytest.mark.django_db

LATER = Span(date(2026, 11, 1), date(2026, 11, 3))
EARLIER = Span(date(2026, 10, 1), date(2026, 10, 3))
BOTH = (LATER, EARLIER)


def sums_in(
    acme: Organization, spans: tuple[Span, Span], *filters: Filter
) -> tuple[Amounts, ...]:
    """Return the sums of the one model that was used."""
    (found,) = sums_by_model(acme, spans, [], filters)
    return found.by_span


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def test_each_total_is_of_its_span_alone(
    acme: Organization, globex: Organization
) -> None:
    add_hour(acme, at=at(11, 3), cost_nanos=7, requests=2, input_tokens=5)
    add_hour(acme, at=at(10, 1), cost_nanos=11)
    add_hour(acme, at=at(11, 4), cost_nanos=100)
    add_hour(globex, at=at(11, 3), cost_nanos=1_000)

    later, earlier = sums_in(acme, BOTH)

    assert (later.cost_nanos, later.requests, later.tokens) == (7, 2, 5)
    assert (earlier.cost_nanos, earlier.requests) == (11, 1)


def test_spans_that_overlap_both_count_what_they_share(acme: Organization) -> None:
    add_hour(acme, at=at(11, 2), cost_nanos=7)
    shared = Span(date(2026, 11, 2), date(2026, 11, 9))

    totals = sums_in(acme, (LATER, shared))

    assert [each.cost_nanos for each in totals] == [7, 7]


def test_the_largest_come_first_and_only_so_many(acme: Organization, ada: User) -> None:
    owner = Membership.objects.get(organization=acme, user=ada)
    for cost, model in ((5, "small"), (9, "large"), (1, "tiny")):
        add_hour(acme, at=at(11, 2), cost_nanos=cost, model=model)
    add_hour(acme, at=at(10, 2), cost_nanos=4, model="large")

    found = largest_groups(acme, BOTH, dimension=Dimension.MODEL, viewer=owner, count=2)

    assert [each.group.name for each in found] == ["large", "small"]
    assert [amounts.cost_nanos for amounts in found[0].by_span] == [9, 4]


def test_eras_part_the_hours_of_a_model(acme: Organization) -> None:
    for day, cost in ((1, 3), (2, 5), (3, 7)):
        add_hour(acme, at=at(11, day), cost_nanos=cost)

    found = sums_by_model(acme, BOTH, [at(11, 2), at(11, 3)])

    costs = {each.era: each.by_span[0].cost_nanos for each in found}
    assert costs == {0: 3, 1: 5, 2: 7}


def test_what_counts_as_large_can_be_the_difference(
    acme: Organization, ada: User
) -> None:
    owner = Membership.objects.get(organization=acme, user=ada)
    add_hour(acme, at=at(11, 2), cost_nanos=50, model="steady")
    add_hour(acme, at=at(10, 2), cost_nanos=49, model="steady")
    add_hour(acme, at=at(10, 2), cost_nanos=20, model="gone")

    found = largest_groups(
        acme,
        BOTH,
        dimension=Dimension.MODEL,
        viewer=owner,
        count=1,
        size=Abs(F(cost_sum(0)) - F(cost_sum(1))),
    )

    assert [each.group.name for each in found] == ["gone"]


def test_a_reader_sees_keys_of_their_own(
    acme: Organization,
    rita: User,
    ada: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    reader = Membership.objects.get(organization=acme, user=rita)
    for person, cost in ((ada, 9), (rita, 2)):
        key = make_key(f"Key of {person.name}", user=person)
        add_hour(acme, at=at(11, 2), cost_nanos=cost, api_key=key)

    with django_assert_num_queries(2):
        found = largest_groups(
            acme, BOTH, dimension=Dimension.KEY, viewer=reader, count=5
        )

    assert [each.by_span[0].cost_nanos for each in found] == [2]


def test_filters_narrow_every_span(acme: Organization) -> None:
    for month in (10, 11):
        add_hour(acme, at=at(month, 2), cost_nanos=month, model="wanted")
        add_hour(acme, at=at(month, 2), cost_nanos=99, model="other")

    totals = sums_in(acme, BOTH, Filter(Dimension.MODEL, ("wanted",)))

    assert [each.cost_nanos for each in totals] == [11, 10]
