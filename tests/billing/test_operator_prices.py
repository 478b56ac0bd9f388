"""The operator's pages of prices: find, look at the effect, set, withdraw."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Price, PriceSource
from core.periods import cycle_of, previous_cycle, start_of_day
from orgs.models import AuditEvent, Organization, User
from tests.architecture.routes import everything_written
from tests.usage_factories import add_record
from tests.visits import browser_of
from usage.actions import roll_up

pytestmark = pytest.mark.django_db
NEW = "/operator/prices/new"


@pytest.fixture
def browser(op: User) -> Client:
    browser = browser_of(op)
    # That an operator comes is noted, once.
    browser.get("/operator/")
    return browser


@pytest.fixture
def listed() -> Price:
    return Price.objects.create(
        model="gpt-4o-mini",
        effective_from=timezone.now() - timedelta(days=900),
        input_nanos=150,
        output_nanos=600,
        max_output_tokens=4096,
        source=PriceSource.GENAI_PRICES,
        source_version="0.1",
    )


def wish(**fields: str) -> dict[str, str]:
    given = {"model": "gpt-4o-mini", "input_nanos": "0.3", "output_nanos": "1.2"}
    return given | fields


def hidden(page: str) -> dict[str, str]:
    """Return what the form that confirms would send."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in fields if value}


def use(organization: Organization, price_id: int, **facts: Any) -> None:
    at = start_of_day(previous_cycle(cycle_of(timezone.now()))) + timedelta(hours=5)
    add_record(organization, at=at, cost_nanos=0, price_id=price_id, **facts)
    roll_up(now=timezone.now())


def test_the_effect_is_shown_and_nothing_is_saved(
    browser: Client, listed: Price, acme: Organization
) -> None:
    use(acme, listed.pk, input_tokens=1_000_000, output_tokens=0)
    before = everything_written()

    page = browser.post(NEW, wish()).content.decode()

    for shown in ("Acme", "1,000,000", "$0.15", "$0.30", "+100 %"):
        assert shown in page
    assert "for everybody, in production and staging" in page
    assert everything_written() == before


def test_a_confirmed_price_is_set_once(
    browser: Client, listed: Price, op: User
) -> None:
    sent = hidden(browser.post(NEW, wish()).content.decode())
    first, second = (browser.post(NEW, sent) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 422)
    price = Price.objects.get(source=PriceSource.OPERATOR)
    assert (price.input_nanos, price.output_nanos) == (300, 1200)
    assert price.created_by == op
    assert "Prices were changed meanwhile" in second.content.decode()


def test_an_own_price_names_the_organization_and_its_environment(
    browser: Client, listed: Price, acme_staging: Organization
) -> None:
    given = wish(organization=acme_staging.public_id)
    page = browser.post(NEW, given).content.decode()
    assert "Set the price of Acme Staging in Staging" in page

    browser.post(NEW, hidden(page))
    assert Price.objects.get(organization=acme_staging).input_nanos == 300
    own = browser.get("/operator/prices/own").content.decode()
    assert "Acme Staging" in own
    assert "list $0.15" in own


def test_a_percentage_is_of_each_tier_and_rounded_up(
    browser: Client, listed: Price, acme: Organization
) -> None:
    Price.objects.create(
        model="gpt-4o-mini",
        service_tier="flex",
        effective_from=listed.effective_from,
        input_nanos=75,
        output_nanos=301,
        source=PriceSource.GENAI_PRICES,
    )
    given = {"model": "gpt-4o-mini", "organization": acme.public_id, "percent": "90"}
    browser.post(NEW, hidden(browser.post(NEW, given).content.decode()))

    own = Price.objects.filter(organization=acme).order_by("service_tier")
    assert list(own.values_list("service_tier", "input_nanos", "output_nanos")) == [
        ("", 135, 540),
        ("flex", 68, 271),
    ]
    assert own[0].max_output_tokens == 4096


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"starts_on": "2020-01-01"}, "never begins in the past"),
        ({"input_nanos": "0"}, "A rate is above zero"),
        ({"input_nanos": "cheap"}, "Enter dollars"),
        ({"input_nanos": ""}, "A price has a rate for input"),
        ({"model": "gpt *x"}, "no spaces"),
        ({"organization": "org-nobody"}, "no organization with this ID"),
        ({"percent": "90"}, "no percentage of itself"),
        ({"long_input_nanos": "3"}, "From what length on?"),
        ({"long_context_above": "1000"}, "has a long one"),
        ({"input_nanos": "9" * 30}, "Enter dollars"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    browser: Client, fields: dict[str, str], said: str
) -> None:
    before = everything_written()
    answer = browser.post(NEW, wish(**fields))

    assert answer.status_code == 422
    assert said in html.unescape(answer.content.decode())
    assert "What it would have changed" not in answer.content.decode()
    assert everything_written() == before


def test_a_percentage_of_nothing_is_refused(
    browser: Client, acme: Organization
) -> None:
    given = {"model": "m", "organization": acme.public_id, "percent": "90"}
    answer = browser.post(NEW, given)

    assert (answer.status_code, Price.objects.count()) == (422, 0)
    assert "no price of this very name" in answer.content.decode()


def test_a_price_from_a_day_on_is_planned_and_can_be_withdrawn(
    browser: Client, listed: Price
) -> None:
    day = (timezone.now() + timedelta(days=9)).date()
    given = wish(starts_on=day.isoformat())
    browser.post(NEW, hidden(browser.post(NEW, given).content.decode()))
    price = Price.objects.get(effective_from=start_of_day(day))

    history = browser.get("/operator/prices/history?model=gpt-4o-mini")
    assert "Planned" in history.content.decode()
    browser.post(f"/operator/prices/{price.pk}/withdraw")
    assert list(Price.objects.all()) == [listed]


def test_a_price_that_has_begun_is_not_withdrawn(
    browser: Client, listed: Price
) -> None:
    before = everything_written()
    url = f"/operator/prices/{listed.pk}/withdraw"
    page = browser.post(url, follow=True).content.decode()

    assert "it stays" in page
    assert everything_written() == before


def test_a_price_that_ends_leaves_the_model_unpriced(
    browser: Client, listed: Price
) -> None:
    page = browser.post(NEW, {"model": "gpt-4o-mini", "ends": "on"}).content.decode()
    assert "End the price for everybody" in page
    browser.post(NEW, hidden(page))

    assert Price.objects.get(ends=True).input_nanos is None
    assert "Unpriced" in browser.get("/operator/prices").content.decode()


def test_the_history_says_who_when_and_from_where(
    browser: Client, listed: Price, op: User
) -> None:
    browser.post(NEW, hidden(browser.post(NEW, wish()).content.decode()))
    page = browser.get("/operator/prices/history?model=gpt-4o-mini").content.decode()

    for shown in ("In force", "Past", "genai-prices", "Operator", op.get_full_name()):
        assert shown in page
    assert browser.get("/operator/prices/history?model=nobody").status_code == 404
    assert browser.get("/operator/prices/history").status_code == 302


def test_the_list_is_searched_by_model(browser: Client, listed: Price) -> None:
    assert "gpt-4o-mini</a>" in browser.get("/operator/prices").content.decode()
    nothing = browser.get("/operator/prices?find=claude").content.decode()
    assert "No model of the list is named like “claude”" in nothing


def test_the_form_is_filled_in_with_the_price_in_force(
    browser: Client, listed: Price
) -> None:
    page = browser.get(f"{NEW}?model=gpt-4o-mini").content.decode()

    assert re.search(r'name="input_nanos" value="0.15"', page)
    assert re.search(r'name="max_output_tokens" value="4096"', page)


def test_what_is_used_without_a_price_is_shown_with_its_volume(
    browser: Client, acme: Organization, globex: Organization
) -> None:
    now = timezone.now()
    facts: dict[str, Any] = {"model": "new-model", "cost_nanos": 0, "at": now}
    add_record(acme, input_tokens=1200, output_tokens=30, **facts)
    add_record(globex, input_tokens=5, cached_input_tokens=4, **facts)
    add_record(acme, **facts, outcome="cached")
    page = browser.get("/operator/prices").content.decode()

    assert "1,205, of them 4 cached" in page
    assert f"{NEW}?model=new-model" in page
    Price.objects.create(
        model="new-*", effective_from=now, input_nanos=1, source=PriceSource.OPERATOR
    )
    assert (
        "Used without a price" not in browser.get("/operator/prices").content.decode()
    )


def test_an_own_price_stands_in_the_organizations_audit_log(
    browser: Client, listed: Price, acme: Organization, ada: User
) -> None:
    given = wish(organization=acme.public_id)
    browser.post(NEW, hidden(browser.post(NEW, given).content.decode()))

    assert AuditEvent.objects.filter(organization=acme, action="price.created").exists()
    page = browser_of(ada).get("/o/acme/audit?action=price.created").content.decode()
    assert "gpt-4o-mini from" in page
