"""What genai-prices says otherwise is taken over as the operator reviewed it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.actions.price_import import Review, import_prices, review_of
from billing.actions.price_seeding import seed_prices
from billing.actions.prices import ChangedMeanwhile, add_prices
from billing.models import Price, PriceSource
from billing.price_differences import Difference, PriceDifference
from billing.price_seed import BEGINNING
from orgs.models import AuditEvent, User
from tests.architecture.routes import everything_written
from tests.prices import prices_not_kept
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()
URL = "/operator/prices/import"


@pytest.fixture
def behind() -> None:
    """A list that lacks `gpt-4o-mini`, has an old `gpt-4o`, and one that is no more."""
    seed_prices(now=NOW)
    with prices_not_kept():
        Price.objects.filter(model="gpt-4o-mini").delete()
        Price.objects.filter(model="gpt-4o", service_tier="").update(input_nanos=5000)
        Price.objects.filter(model="o3", service_tier="").update(
            source=PriceSource.OPERATOR, input_nanos=1
        )
    Price.objects.create(
        model="gone", effective_from=BEGINNING, input_nanos=1, source="genai-prices"
    )


def review() -> Review:
    return review_of(starts=NOW, now=NOW)


def found(model: str) -> PriceDifference:
    (standard,) = [
        each
        for each in review().differences
        if (each.after.model, each.after.service_tier) == (model, "")
    ]
    return standard


def take(op: User, *keys: str, seen: str = "") -> int:
    return import_prices(
        keys=keys, seen=seen or review().mark, starts=NOW, acting_user=op, now=NOW
    )


def test_a_list_that_was_seeded_has_no_differences() -> None:
    seed_prices(now=NOW)
    assert review().differences == ()


@pytest.mark.usefixtures("behind")
@pytest.mark.parametrize(
    ("model", "kind", "is_proposed"),
    [
        ("gpt-4o-mini", Difference.NEW, True),
        ("gpt-4o", Difference.CHANGED, True),
        ("o3", Difference.YOURS, False),
        ("gone", Difference.VANISHED, False),
    ],
)
def test_each_difference_is_of_a_kind(
    model: str, kind: Difference, is_proposed: bool
) -> None:
    assert (found(model).kind, found(model).is_proposed) == (kind, is_proposed)


@pytest.mark.usefixtures("behind")
def test_a_change_tells_old_and_new_rate_and_by_how_much() -> None:
    (rate,) = found("gpt-4o").rates

    assert (rate.label, rate.before, rate.after) == ("Input", 5000, 2500)
    assert rate.percent_words == "-50 %"


@pytest.mark.usefixtures("behind")
def test_what_is_taken_begins_now_and_says_from_where_and_by_whom(op: User) -> None:
    past = list(Price.objects.values())
    assert take(op, "gpt-4o", "gone") == 2

    price = Price.objects.get(model="gpt-4o", effective_from=NOW)
    assert (price.input_nanos, price.source) == (2500, PriceSource.GENAI_PRICES)
    assert (price.source_version, price.created_by) == (review().version, op)
    assert Price.objects.get(model="gone", effective_from=NOW).ends
    assert list(Price.objects.exclude(effective_from=NOW).values()) == past
    event = AuditEvent.objects.get(action="prices.imported")
    assert event.details["models"] == ["gone", "gpt-4o"]


@pytest.mark.usefixtures("behind")
def test_taken_over_twice_it_changes_nothing_more(op: User) -> None:
    keys = [each.key for each in review().differences]
    take(op, *keys)
    before = everything_written()

    assert review().differences == ()
    with pytest.raises(ChangedMeanwhile):
        take(op, *keys)
    assert everything_written() == before


@pytest.mark.usefixtures("behind")
def test_what_was_not_taken_is_there_the_next_time(op: User) -> None:
    take(op, "gpt-4o")
    assert found("gone").kind is Difference.VANISHED


@pytest.mark.usefixtures("behind")
def test_a_review_of_before_is_refused_and_nothing_is_written(op: User) -> None:
    seen = review().mark
    price = Price(model="other", effective_from=NOW, input_nanos=1)
    add_prices(prices=[price], acting_user=op, now=NOW)
    before = everything_written()

    with pytest.raises(ChangedMeanwhile):
        take(op, "gpt-4o", seen=seen)
    with pytest.raises(ChangedMeanwhile):
        take(op, "gpt-4o", "no such price")
    assert everything_written() == before


@pytest.mark.usefixtures("behind")
def test_what_the_operator_has_planned_stands(op: User) -> None:
    plan = Price(model="gpt-4o", effective_from=NOW + timedelta(days=3), input_nanos=1)
    add_prices(prices=[plan], acting_user=op, now=NOW)

    assert "gpt-4o" not in {each.key for each in review().differences}


def fields(page: str, kind: str) -> list[tuple[str, str]]:
    found = re.findall(rf'<input[^>]*type="{kind}" name="(\w+)" value="([^"]*)"', page)
    return [(name, html.unescape(value)) for name, value in found]


@pytest.mark.usefixtures("behind")
def test_the_page_ticks_all_but_what_vanished_and_takes_what_is_confirmed(
    op: User,
) -> None:
    browser: Client = browser_of(op)
    page = browser.get(URL).content.decode()
    ticked = re.findall(r'name="take" value="([^"]*)" checked', page)
    assert {"gpt-4o", "gpt-4o-mini"} <= set(ticked)
    assert not {"gone", "o3"} & set(ticked)

    effect = browser.post(URL, {"take": "gpt-4o"}).content.decode()
    assert "Take over 1 price" in effect
    sent: dict[str, list[str]] = {}
    for name, value in fields(effect, "hidden"):
        sent.setdefault(name, []).append(value)
    assert browser.post(URL, sent).status_code == 302
    assert browser.post(URL, sent).status_code == 422
    assert Price.objects.filter(model="gpt-4o", created_by=op).count() == 1


@pytest.mark.usefixtures("behind")
@pytest.mark.parametrize("sent", [{}, {"take": "gpt-4o", "starts_on": "2020-01-01"}])
def test_the_page_refuses_what_takes_nothing_or_the_past(
    op: User, sent: dict[str, str]
) -> None:
    browser = browser_of(op)
    browser.get("/operator/")
    before = everything_written()

    assert browser.post(URL, sent).status_code == 422
    assert everything_written() == before


def test_a_list_without_differences_says_so(op: User) -> None:
    seed_prices(now=NOW)
    assert "Our list says what genai-prices" in browser_of(op).get(URL).content.decode()
