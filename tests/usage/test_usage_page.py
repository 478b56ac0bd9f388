"""The usage page and its records."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core.periods import cycle_of, previous_cycle
from orgs.models import Organization, User
from tests.usage_factories import add_hour, add_record, make_key

pytestmark = pytest.mark.django_db
URL = "/o/acme/usage"


def text_of(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_the_cost_to_the_nano_dollar(
    client: Client, acme: Organization, ada: User
) -> None:
    add_hour(acme, at=timezone.now(), cost_nanos=1_234_567_890_123, requests=1)

    assert "$1,234.567890123" in text_of(client, ada, URL)


def test_every_choice_is_in_the_address(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("Laptop", user=ada)
    add_hour(acme, at=timezone.now(), api_key=key, input_tokens=70, output_tokens=7)

    page = text_of(client, ada, f"{URL}?metric=tokens&by=key")

    assert "Tokens by API key and day" in page
    assert "Laptop" in page
    assert ">77</a>" in page


def test_a_past_cycle_can_be_chosen(
    client: Client, acme: Organization, ada: User
) -> None:
    past = previous_cycle(cycle_of(timezone.now()))
    noon = timezone.now().replace(
        year=past.year, month=past.month, day=3, hour=12, minute=0
    )
    add_hour(acme, at=noon, cost_nanos=5)

    page = text_of(client, ada, f"{URL}?cycle={past:%Y-%m}")

    assert "$0.000000005" in page
    assert f"{past:%B %Y}" in text_of(client, ada, URL)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("metric=love", "Select a valid choice. love is not one"),
        ("by=star-sign", "Select a valid choice. star-sign is not one"),
        ("cycle=1066-10", "There is no usage in the cycle “1066-10”."),
        ("cycle=&metric=%3Cscript%3E", "&lt;script&gt; is not one"),
    ],
)
def test_an_unknown_choice_is_explained_and_the_usual_shown(
    client: Client, acme: Organization, ada: User, query: str, message: str
) -> None:
    add_hour(acme, at=timezone.now(), cost_nanos=5)

    page = text_of(client, ada, f"{URL}?{query}")

    assert message in page
    assert "Cost by model and day" in page


def test_without_usage_it_says_so_and_draws_nothing(
    client: Client, acme: Organization, ada: User
) -> None:
    page = text_of(client, ada, URL)

    assert "No usage in" in page
    assert "data-figure" not in page


def test_a_reader_sees_others_as_one_and_is_led_to_her_own_only(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    add_hour(
        acme,
        at=timezone.now(),
        cost_nanos=3,
        api_key=make_key("Ada's laptop", user=ada),
    )
    mine = make_key("Notebook", user=rita)
    add_hour(acme, at=timezone.now(), cost_nanos=4, api_key=mine)

    page = text_of(client, rita, f"{URL}?by=key")

    assert "Everyone else" in page
    assert "laptop" not in page
    assert "$0.000000007" in page
    assert f"key={mine.public_id}" in page
    assert "records?" not in text_of(client, rita, URL)


def test_the_csv_is_the_table_with_names_that_are_no_formulas(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("=HYPERLINK(1)", user=ada)
    add_hour(acme, at=timezone.now(), cost_nanos=5, api_key=key)
    client.force_login(ada)

    response = client.get(f"{URL}?by=key&format=csv")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "acme-cost-by-key-" in response["Content-Disposition"]
    lines = response.content.decode().splitlines()
    assert f"'=HYPERLINK(1) ({key.public_id})" in lines[0]
    assert lines[-1] == "Total,0.000000005,0.000000005"


def test_the_page_takes_a_fixed_number_of_queries(
    client: Client,
    acme: Organization,
    ada: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(20):
        key = make_key(f"Key {n}", user=ada)
        add_hour(acme, at=timezone.now(), cost_nanos=n, api_key=key)
    client.force_login(ada)
    # The first visit of a session writes down when it began.
    client.get(URL)

    with django_assert_max_num_queries(11):
        client.get(f"{URL}?by=key")


def test_records_are_listed_with_what_narrows_them(
    client: Client, acme: Organization, ada: User
) -> None:
    now = timezone.now()
    record = add_record(acme, at=now, cost_nanos=5, model="gpt-5")
    add_record(acme, at=now, cost_nanos=6, model="other-model")

    page = text_of(client, ada, f"{URL}/records?model=gpt-5&day={now:%Y-%m-%d}")

    assert record.public_id in page
    assert "$0.000000006" not in page
    assert 'aria-label="Show any model"' in page


@pytest.mark.parametrize(
    "query", ["day=yesterday", f"model={'x' * 200}", "cycle=x", "before=rec_nonsense"]
)
def test_a_selection_that_makes_no_sense_is_no_failure(
    client: Client, acme: Organization, ada: User, query: str
) -> None:
    assert "Usage records" in text_of(client, ada, f"{URL}/records?{query}")


def test_older_records_are_a_link_away(
    client: Client, acme: Organization, ada: User
) -> None:
    now = timezone.now()
    for n in range(51):
        add_record(acme, at=now - timedelta(milliseconds=n), cost_nanos=n)
    client.force_login(ada)

    first = client.get(f"{URL}/records")
    second = client.get(first.context["older_url"])

    assert len(first.context["records"]) == 50
    assert [record.cost_nanos for record in second.context["records"]] == [50]
    assert second.context["older_url"] is None


@pytest.mark.parametrize("path", ["usage", "usage?format=csv", "usage/records"])
def test_a_stranger_finds_nothing(
    client: Client, acme: Organization, oscar: User, path: str
) -> None:
    client.force_login(oscar)

    assert client.get(f"/o/acme/{path}").status_code == 404
