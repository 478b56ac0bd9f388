"""What changed?: two periods side by side, and why one cost more."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries

from billing.change_forms import ChangesForm
from billing.change_queries import (
    Periods,
    changes_between,
    changes_by_key,
    other_keys,
)
from billing.change_words import change_sentence, steps_of
from billing.models import Price, PriceSource
from billing.spend_changes import Parts
from orgs.models import Membership, Organization, User
from tests.factories import usd
from tests.usage_factories import add_hour, make_key
from tests.visits import browser_of
from usage.dimensions import Dimension, Filter
from usage.spans import Span

pytestmark = pytest.mark.django_db

URL = "/o/acme/usage/changes"
OCTOBER = "?first=2026-10-01&last=2026-10-07&against_first=2026-09-01"
WEEKS = f"{OCTOBER}&against_last=2026-09-07"
PERIODS = Periods(
    before=Span(date(2026, 9, 1), date(2026, 9, 7)),
    after=Span(date(2026, 10, 1), date(2026, 10, 7)),
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _prices(acme: Organization) -> None:
    """gpt-x: $1 for a token of input until October, then $2."""
    for begins, dollars in ((datetime(2026, 1, 1, tzinfo=UTC), 1), (at(10, 1, 0), 2)):
        Price.objects.create(
            model="gpt-x",
            effective_from=begins,
            input_nanos=usd(dollars),
            output_nanos=usd(dollars),
            source=PriceSource.OPERATOR,
        )


def at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def use(
    acme: Organization, month: int, *, tokens: int, cost: int, **facts: Any
) -> None:
    """Use tokens of gpt-x, on the second of a month."""
    facts.setdefault("model", "gpt-x")
    add_hour(acme, at=at(month, 2), cost_nanos=usd(cost), input_tokens=tokens, **facts)


def owner_of(acme: Organization, user: User) -> Membership:
    return Membership.objects.get(organization=acme, user=user)


def periods_of(acme: Organization, ada: User, query: str, now: datetime) -> Periods:
    form = ChangesForm(
        QueryDict(query),
        cycles=[date(2026, month, 1) for month in (11, 10, 9)],
        viewer=owner_of(acme, ada),
        now=now,
    )
    return form.periods


def test_a_price_that_rose_is_told_from_more_requests(
    acme: Organization, ada: User
) -> None:
    use(acme, 9, tokens=10, cost=10, requests=1)
    use(acme, 10, tokens=20, cost=40, requests=2)

    changes = changes_between(owner_of(acme, ada), PERIODS)

    assert changes.parts == Parts(volume=usd(10), price=usd(20))
    assert changes.difference == usd(30)
    assert change_sentence(changes) == (
        "Spend rose by $30.00 (+300 %), from $10.00 to $40.00. "
        "The largest part of it is price: +$20.00."
    )


def test_a_price_of_the_organizations_own_counts(acme: Organization, ada: User) -> None:
    Price.objects.create(
        organization=acme,
        model="gpt-x",
        effective_from=at(1, 2),
        created_at=at(1, 1),
        input_nanos=usd(3),
        output_nanos=usd(3),
        source=PriceSource.OPERATOR,
    )
    use(acme, 9, tokens=10, cost=30)
    use(acme, 10, tokens=20, cost=60)

    assert changes_between(owner_of(acme, ada), PERIODS).parts == Parts(length=usd(30))


def test_steps_lead_from_before_to_after(acme: Organization, ada: User) -> None:
    use(acme, 9, tokens=40, cost=40, requests=4)
    use(acme, 10, tokens=10, cost=20, requests=1)

    volume, *_, price, _ = steps_of(changes_between(owner_of(acme, ada), PERIODS))

    assert (volume.nanos, volume.begins_at, volume.width) == (-usd(30), 25, 75)
    assert (price.nanos, price.begins_at, price.width) == (usd(10), 25, 25)


def test_keys_and_the_rest_add_up_to_the_total(
    acme: Organization, ada: User, rita: User
) -> None:
    for person, tokens in ((ada, 5), (rita, 7)):
        key = make_key(f"Key of {person.name}", user=person)
        use(acme, 10, tokens=tokens, cost=tokens, api_key=key)
    reader = owner_of(acme, rita)
    changes = changes_between(reader, PERIODS)

    (own,) = changes_by_key(reader, PERIODS, count=20)
    rest = other_keys(changes, [own])

    assert (own.group.name, own.difference) == (f"Key of {rita.name}", usd(7))
    assert rest is not None
    assert (rest.difference, rest.after.requests) == (usd(5), 1)


def test_filters_narrow_the_parts(acme: Organization, ada: User) -> None:
    use(acme, 10, tokens=1, cost=2)
    use(acme, 10, tokens=1, cost=5, model="other")

    changes = changes_between(
        owner_of(acme, ada), PERIODS, [Filter(Dimension.MODEL, ("other",))]
    )

    assert changes.difference == usd(5)


@pytest.mark.parametrize(
    ("query", "now", "after", "before"),
    [
        ("", NOON, "2026-11-01 2026-11-23", "2026-10-01 2026-10-23"),
        ("cycle=2026-10", NOON, "2026-10-01 2026-10-31", "2026-09-01 2026-09-30"),
        ("", at(11, 1), "2026-10-01 2026-10-31", "2026-09-01 2026-09-30"),
        (
            "first=2026-10-08&last=2026-10-10",
            NOON,
            "2026-10-08 2026-10-10",
            "2026-10-01 2026-10-03",
        ),
        (WEEKS[1:], NOON, "2026-10-01 2026-10-07", "2026-09-01 2026-09-07"),
    ],
)
def test_which_periods_are_compared(
    acme: Organization, ada: User, query: str, now: datetime, after: str, before: str
) -> None:
    periods = periods_of(acme, ada, query, now)

    assert f"{periods.after.first} {periods.after.last}" == after
    assert f"{periods.before.first} {periods.before.last}" == before


def test_days_are_those_of_the_organization(acme: Organization, ada: User) -> None:
    acme.time_zone = "Asia/Tokyo"
    acme.save(update_fields=["time_zone"])

    periods = periods_of(acme, ada, "", datetime(2026, 11, 23, 16, tzinfo=UTC))

    assert periods.after.last == date(2026, 11, 23)
    assert periods.after.zone_name == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (OCTOBER, "Enter both a first and a last day, or none."),
        (
            "?against_first=2026-09-01&against_last=2026-09-07",
            "Choose the first and last day of what is compared as well.",
        ),
        ("?first=x", "First day: a day is written like 2026-11-03."),
        ("?model=gpt-x&key=key_nothing", "There is no API key “key_nothing”"),
    ],
)
def test_what_is_wrong_is_said_and_the_usual_is_shown(
    acme: Organization, ada: User, query: str, problem: str
) -> None:
    response = browser_of(ada).get(f"{URL}{query}")

    assert response.status_code == 200
    assert problem in response.content.decode()


def test_the_page_has_both_tables_for_an_owner(
    acme: Organization, ada: User, rita: User
) -> None:
    key = make_key("Notebook", user=rita)
    use(acme, 9, tokens=10, cost=10)
    use(acme, 10, tokens=20, cost=40, api_key=key)

    page = browser_of(ada).get(f"{URL}{WEEKS}").content.decode()

    assert (
        "1 October to 7 October 2026 against 1 September to 7 September 2026." in page
    )
    assert "Spend rose by $30.00 (+300 %)" in page
    assert page.count('<th scope="row">gpt-x</th>') == 1
    assert f"key={key.public_id}" in page
    assert "+$40.00" in page


def test_a_reader_sees_why_and_keys_of_their_own_alone(
    acme: Organization, ada: User, rita: User
) -> None:
    for person in (ada, rita):
        key = make_key(f"Laptop of {person.public_id}", user=person)
        use(acme, 10, tokens=1, cost=2, api_key=key)

    page = browser_of(rita).get(f"{URL}{WEEKS}").content.decode()

    assert "Spend rose by $4.00, from $0.00 to $4.00." in page
    assert f"Laptop of {rita.public_id}" in page
    assert f"Laptop of {ada.public_id}" not in page
    text = browser_of(rita).get(f"{URL}{WEEKS}&format=csv&by=key").content.decode()
    assert len(text.splitlines()) == 2


def test_the_file_has_the_figures_of_the_page(acme: Organization, ada: User) -> None:
    use(acme, 9, tokens=10, cost=10, requests=1, model="=gpt")
    use(acme, 10, tokens=20, cost=40, requests=2)

    response = browser_of(ada).get(f"{URL}{WEEKS}&format=csv")

    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert rows[0][5:8] == ["Difference (USD)", "Volume (USD)", "Model mix (USD)"]
    assert [row[0] for row in rows[1:]] == ["gpt-x", "'=gpt", "Total"]
    assert rows[-1][1:6] == ["1", "2", "10.00", "40.00", "30.00"]
    for row in rows[1:]:
        assert sum(map(float, row[6:])) == float(row[5])
    assert (
        "acme-changes-by-model-2026-10-01-2026-10-07.csv"
        in (response["Content-Disposition"])
    )


def test_nothing_in_either_period_is_said(acme: Organization, ada: User) -> None:
    page = browser_of(ada).get(f"{URL}{WEEKS}").content.decode()

    assert "Nothing was used in either period." in page
    assert "<table" not in page


def test_overview_and_usage_lead_to_it_with_what_they_show(
    acme: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    usage = "/o/acme/usage?first=2026-10-01&last=2026-10-07&metric=tokens&model=gpt-x"

    page = browser.get(usage).content.decode()
    assert f"{URL}?first=2026-10-01&amp;last=2026-10-07&amp;model=gpt-x" in page
    assert f'href="{URL}"' in browser.get("/o/acme/overview").content.decode()


def test_it_takes_a_fixed_number_of_queries(
    acme: Organization, ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(25):
        key = make_key(f"Key {n}", user=ada)
        use(acme, 10, tokens=n, cost=n, api_key=key, model=f"model-{n}")
    browser = browser_of(ada)
    browser.get(URL)

    with django_assert_max_num_queries(17):
        page = browser.get(f"{URL}{WEEKS}").content.decode()
    assert "5 other models" in page
    assert "All others" in page
