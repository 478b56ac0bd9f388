"""What has no price is shown with its volume, never as zero dollars."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.overview_queries import overview_of
from core.periods import cycle_of
from orgs.models import Membership, Organization, User
from tests.usage_factories import add_record, make_key
from tests.visits import browser_of
from usage.actions import roll_up
from usage.spans import Span
from usage.unpriced import NEWEST_MAX, newest_unpriced

pytestmark = pytest.mark.django_db
URL = "/o/acme/usage"


@pytest.fixture
def used(acme: Organization, ada: User) -> None:
    """A model without a price, one with, a free one, and a failure."""
    key, now = make_key("Laptop", user=ada), timezone.now()
    facts: dict[str, Any] = {"at": now, "cost_nanos": 0, "api_key": key}
    add_record(acme, model="new-model", input_tokens=1200, output_tokens=34, **facts)
    add_record(acme, model="broken", input_tokens=0, output_tokens=0, **facts)
    add_record(acme, model="moderation", endpoint="moderations", **facts)
    add_record(acme, model="again", outcome="cached", **facts)
    roll_up(now=now)


def page_of(user: User, url: str = URL) -> str:
    return browser_of(user).get(url).content.decode()


@pytest.mark.usefixtures("used")
def test_the_usage_page_tells_the_volume_of_what_has_no_price(ada: User) -> None:
    page = page_of(ada)

    assert "Used without a price" in page
    assert "1 request, 1,200 tokens in, 34 out" in page
    for free in ("broken", "moderation", "again"):
        assert f'<span class="mono">{free}</span>:' not in page


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("by", ["model", "key", "member"])
def test_its_cost_is_a_word_in_every_table(ada: User, by: str) -> None:
    lines = page_of(ada, f"{URL}?by={by}&format=csv").splitlines()

    header, total = lines[0].split(","), lines[-1].split(",")
    name = {"model": "new-model", "key": "Laptop", "member": "Ada"}[by]
    (place,) = [n for n, column in enumerate(header) if name in column]
    assert (total[place], total[-1]) == ("Unpriced", "Unpriced")


@pytest.mark.usefixtures("used")
def test_what_costs_nothing_stays_zero(ada: User) -> None:
    lines = page_of(ada, f"{URL}?format=csv").splitlines()

    for free in ("broken", "moderation", "again"):
        place = lines[0].split(",").index(free)
        assert lines[-1].split(",")[place] == "0.00"


@pytest.mark.usefixtures("used")
def test_tokens_and_requests_are_numbers_all_the_same(ada: User) -> None:
    assert "Unpriced" not in page_of(ada, f"{URL}?metric=tokens&format=csv")


@pytest.mark.usefixtures("used")
def test_a_reader_is_told_of_groups_that_are_not_hers(rita: User) -> None:
    assert "Everyone else" in page_of(rita, f"{URL}?by=member")
    assert "Unpriced" in page_of(rita, f"{URL}?by=member&format=csv")


@pytest.mark.usefixtures("used")
def test_of_a_flood_only_the_newest_are_counted(acme: Organization) -> None:
    now = timezone.now()
    for model in ("newer", "newest", "newest"):
        add_record(acme, model=model, at=now, cost_nanos=0)
    roll_up(now=now)
    cycle = Span.of_cycle(cycle_of(now))

    assert newest_unpriced(acme, cycle) == {"new-model": 1, "newer": 1, "newest": 2}
    assert newest_unpriced(acme, cycle, at_most=3) == {"newer": 1, "newest": 2}


def test_a_flood_is_told_as_one(acme: Organization, ada: User) -> None:
    viewer = Membership.objects.get(user=ada, organization=acme)
    overview = overview_of(viewer, now=timezone.now())

    flooded = replace(overview, unpriced=Counter({"new-model": NEWEST_MAX}))

    assert (overview.unpriced_words, flooded.unpriced_words) == ("0", "1,000 or more")


@pytest.mark.usefixtures("used")
def test_the_overview_warns_of_it_and_names_no_amount(ada: User) -> None:
    page = page_of(ada, "/o/acme/overview")

    assert "1 model used without a price in 1 request" in page
    assert 'mark-warn">Unpriced</span>' in page


def test_without_such_usage_nothing_is_said(
    client: Client, acme: Organization, ada: User
) -> None:
    assert "nprice" not in page_of(ada)
