"""What a hard limit would have refused in past cycles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import SpendLimits
from billing.replay import passed_in, refused_by
from billing.replay_queries import ReplayedCycle, replay_of
from orgs.models import AuditEvent, Organization, User
from tests.factories import usd
from tests.usage_factories import add_hour, make_key

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
START = datetime(2026, 10, 1, tzinfo=UTC)


def october(organization: Organization, limit_nanos: int) -> ReplayedCycle:
    return replay_of(organization, limit_nanos, now=NOW)[0]


@pytest.mark.django_db
def test_it_says_from_which_hour_how_much_and_of_which_keys(
    acme: Organization, ada: User
) -> None:
    """Of the hour that passes the limit each key loses its share of what is over."""
    batch, laptop = make_key("batch", user=ada), make_key("laptop", user=ada)
    add_hour(acme, at=START, cost_nanos=usd(30), api_key=batch)
    passing = START + timedelta(days=20, hours=9)
    add_hour(acme, at=passing, cost_nanos=usd(30), api_key=batch)
    add_hour(acme, at=passing, cost_nanos=usd(10), api_key=laptop)
    add_hour(acme, at=passing + timedelta(days=1), cost_nanos=usd(5), api_key=laptop)

    found = october(acme, usd(50))

    assert (found.spent_nanos, found.refused_from) == (usd(75), passing)
    assert (found.refused_nanos, found.refused_percent) == (usd(25), 34)
    assert [(key.group.name, key.nanos) for key in found.keys] == [
        ("batch", usd(15)),
        ("laptop", usd(10)),
    ]


@pytest.mark.django_db
def test_a_limit_that_was_met_to_the_nano_dollar_refused_nothing(
    acme: Organization,
) -> None:
    add_hour(acme, at=START, cost_nanos=usd(30))

    assert october(acme, usd(30)).refused_from is None
    assert october(acme, usd(30) - 1).refused_nanos == 1


@pytest.mark.django_db
def test_only_the_three_cycles_before_are_tried(acme: Organization) -> None:
    for month in (7, 8, 10, 11):
        at = datetime(2026, month, 5, tzinfo=UTC)
        add_hour(acme, at=at, cost_nanos=usd(1))

    cycles = [cycle.cycle_start.month for cycle in replay_of(acme, 0, now=NOW)]
    assert cycles == [10, 8]


@settings(max_examples=25, deadline=None)
@given(
    hours=st.lists(
        st.dictionaries(st.integers(1, 4), st.integers(0, 50), max_size=4), max_size=12
    ),
    limit=st.integers(0, 300),
)
def test_what_is_refused_is_what_is_beyond_the_limit(
    hours: list[dict[int | None, int]], limit: int
) -> None:
    times = [START + timedelta(hours=n) for n in range(len(hours))]
    sums = [(at, sum(costs.values())) for at, costs in zip(times, hours, strict=True)]
    total = sum(cost for _, cost in sums)

    reached = passed_in(sums, limit)

    assert (reached is None) == (total <= limit)
    if reached is None:
        return
    place = times.index(reached.hour)
    after: dict[int | None, int] = {}
    for costs in hours[place + 1 :]:
        for key, cost in costs.items():
            after[key] = after.get(key, 0) + cost
    refused = refused_by(hours[place], after, reached)
    assert sum(refused.values()) == total - limit
    assert list(refused.values()) == sorted(refused.values(), reverse=True)
    assert all(
        nanos <= hours[place].get(key, 0) + after.get(key, 0)
        for key, nanos in refused.items()
    )


@pytest.mark.django_db
def test_the_page_tries_a_limit_changes_nothing_and_offers_to_set_it(
    client: Client, acme: Organization, ada: User
) -> None:
    first = timezone.now().replace(day=1, hour=12, minute=0, second=0, microsecond=0)
    add_hour(acme, at=first - timedelta(days=3), cost_nanos=usd(30))
    client.force_login(ada)

    page = client.get("/o/acme/limits?trying=20").content.decode()

    assert "34 % of the cycle" in page
    assert "$10.00" in page
    assert "Set $20.00 as the hard limit" in page
    assert not SpendLimits.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_without_past_cycles_there_is_nothing_to_try_on(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    client.force_login(ada)
    assert "there is nothing to try $20.00 on" in (
        client.get("/o/acme/limits?trying=20").content.decode()
    )
    wrong = client.get("/o/acme/limits?trying=plenty").content.decode()
    assert "“plenty” is not an amount" in wrong
    assert "as the hard limit" not in wrong
    client.force_login(rita)
    assert 'name="trying"' not in client.get("/o/acme/limits").content.decode()
