"""What a usage page can be asked, and what it says to what makes no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import Organization, Role, User
from tests.factories import join, usd
from tests.usage_factories import add_hour, make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
URL = "/o/acme/usage"
DAYS = "first=2026-11-02&last=2026-11-08"


def november(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def page_of(user: User, query: str) -> str:
    answer = browser_of(user).get(f"{URL}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def figures(user: User, query: str) -> dict[str, Any]:
    answer = browser_of(user).get(f"{URL}?{query}&format=json")
    found: dict[str, Any] = json.loads(answer.content)
    return found


def by_group(found: dict[str, Any]) -> dict[str, Any]:
    return {group["name"]: group["total"] for group in found["groups"]}


def test_days_are_those_of_the_organizations_time_zone(
    acme: Organization, ada: User
) -> None:
    Organization.objects.update(time_zone="America/New_York")
    add_hour(acme, at=november(5, 3), cost_nanos=usd(2))

    found = figures(ada, DAYS)

    (day,) = [each for each in found["periods"] if each["total"] != "0.00"]
    assert day["local_start"] == "2026-11-04T00:00:00-05:00"
    assert (day["start"], day["total"]) == ("2026-11-04T05:00:00+00:00", "2.00")
    assert "those of America/New York; billing cycles are months in UTC" in page_of(
        ada, DAYS
    )


def test_where_days_do_not_begin_at_midnight_the_page_says_so(
    acme: Organization, ada: User
) -> None:
    Organization.objects.update(time_zone="Asia/Kolkata")

    assert "so days begin at 0:30" in page_of(ada, DAYS)


def test_an_hour_is_told_by_the_local_clock(acme: Organization, ada: User) -> None:
    Organization.objects.update(time_zone="America/New_York")
    add_hour(acme, at=november(5, 3), cost_nanos=usd(2))

    assert "Wed 4 Nov, 22:00" in page_of(ada, f"{DAYS}&per=hour")


@pytest.mark.parametrize(
    ("per", "periods"), [("hour", 168), ("day", 7), ("week", 1), ("month", 1)]
)
def test_a_range_is_cut_into_pieces_that_add_up(
    acme: Organization, ada: User, per: str, periods: int
) -> None:
    for day in (2, 5, 8):
        add_hour(acme, at=november(day), cost_nanos=day)

    found = figures(ada, f"{DAYS}&per={per}")

    assert len(found["periods"]) == periods
    assert (found["total"], found["start"][:10]) == ("0.000000015", "2026-11-02")
    assert f"Cost by model and {per}" in page_of(ada, f"{DAYS}&per={per}")


def test_errors_and_endpoints_can_be_shown(acme: Organization, ada: User) -> None:
    add_hour(acme, at=november(3), requests=9, failed_requests=2)
    add_hour(acme, at=november(3), endpoint="embeddings", failed_requests=1)

    found = figures(ada, f"{DAYS}&metric=errors&by=endpoint")

    assert by_group(found) == {"Chat completions": 2, "Embeddings": 1}


def test_tokens_by_kind_are_all_tokens(acme: Organization, ada: User) -> None:
    counts = (100, 30, 20, 50, 40)
    names = ("input", "cached_input", "cache_write", "output", "reasoning")
    facts: dict[str, Any] = {
        f"{name}_tokens": count for name, count in zip(names, counts, strict=True)
    }
    add_hour(acme, at=november(3), **facts)

    found = figures(ada, f"{DAYS}&metric=tokens&by=kind")

    assert by_group(found) == {
        **{"Input": 50, "Cached input": 30, "Written to the cache": 20},
        **{"Output": 10, "Reasoning": 40},
    }
    assert found["total"] == 150


def test_staging_and_production_stand_side_by_side(
    acme: Organization, acme_staging: Organization, ada: User
) -> None:
    add_hour(acme, at=november(3), cost_nanos=usd(3))
    add_hour(acme_staging, at=november(3), cost_nanos=usd(1))

    found = figures(ada, f"{DAYS}&by=environment")

    assert by_group(found) == {
        "Acme (Production)": "3.00",
        "Acme Staging (Staging)": "1.00",
    }


def test_a_pair_is_not_shown_to_who_is_no_member_of_it(
    acme: Organization, acme_staging: Organization, ada: User, rita: User
) -> None:
    add_hour(acme_staging, at=november(3), cost_nanos=usd(1))

    page = page_of(rita, f"{DAYS}&by=environment")

    assert "environment is not one of the available choices" in page
    assert by_group(figures(rita, f"{DAYS}&by=environment")) == {}
    join(rita, acme_staging, Role.READER)
    assert len(figures(rita, f"{DAYS}&by=environment")["groups"]) == 2


def test_a_pair_that_asks_for_a_second_factor_stays_closed_without(
    acme: Organization, acme_staging: Organization, ada: User
) -> None:
    acme_staging.requires_two_factor = True
    acme_staging.save(update_fields=["requires_two_factor"])

    assert "Staging and production" not in page_of(ada, DAYS)


def test_filters_narrow_together_and_each_can_be_taken_away(
    acme: Organization, ada: User
) -> None:
    laptop, batch = make_key("Laptop", user=ada), make_key("Batch", organization=acme)
    for key, model, cost in ((laptop, "a", 1), (laptop, "b", 2), (batch, "a", 4)):
        add_hour(acme, at=november(3), api_key=key, model=model, cost_nanos=cost)
    query = f"key={laptop.public_id}"

    assert figures(ada, f"{DAYS}&{query}")["total"] == "0.000000003"
    assert figures(ada, f"{DAYS}&{query}&model=a")["total"] == "0.000000001"
    assert figures(ada, f"{DAYS}&model=a&model=b")["total"] == "0.000000007"
    page = page_of(ada, f"{DAYS}&{query}&model=a")
    assert 'aria-label="Show any API key, not Laptop alone"' in page


def test_a_reader_cannot_narrow_to_what_others_used(
    acme: Organization, ada: User, rita: User
) -> None:
    hers, adas = make_key("Mine", user=rita), make_key("Ada's laptop", user=ada)
    for key, cost in ((hers, 1), (adas, 2)):
        add_hour(acme, at=november(3), api_key=key, cost_nanos=cost)

    for query in (f"key={adas.public_id}", f"member={ada.public_id}", "key=none"):
        page = page_of(rita, f"{DAYS}&{query}")
        assert "that you could see" in page
        assert "laptop" not in page
        assert "Ada Moss" not in page
    assert figures(rita, f"{DAYS}&key={hers.public_id}")["total"] == "0.000000001"


def test_the_time_before_is_compared_by_weekday(acme: Organization, ada: User) -> None:
    """The week before costs $4 on its Tuesday, the week shown $5 on its own."""
    add_hour(acme, at=datetime(2026, 10, 27, 12, tzinfo=UTC), cost_nanos=usd(4))
    add_hour(acme, at=november(3), cost_nanos=usd(5))

    page = page_of(ada, f"{DAYS}&compare=on")

    assert "The same weekdays before (26 Oct to 1 Nov) came to $4.00." in page
    assert "25 % more than as much of it then" in page


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("first=2026-11-08", "Enter both a first and a last day"),
        ("first=2026-11-08&last=2026-11-02", "The first day is after the last day."),
        ("first=2020-01-01&last=2026-01-01", "A page shows 366 days at most."),
        ("first=yesterday&last=2026-11-02", "First day: a day is written like"),
        ("first=2026-01-01&last=2026-03-01&per=hour", "16 days at most"),
        ("per=second", "second is not one of the available choices"),
        ("by=kind", "Only tokens are of a kind"),
        ("endpoint=teleport", "There is no endpoint “teleport” that you could see."),
        ("member=user_%00x", "There is no member"),
        ("key=%3Cb%3E", "There is no API key “&lt;b&gt;”"),
    ],
)
def test_what_makes_no_sense_is_explained_and_the_usual_shown(
    acme: Organization, ada: User, query: str, message: str
) -> None:
    add_hour(acme, at=timezone.now() - timedelta(minutes=1), cost_nanos=5)

    answer = browser_of(ada).get(f"{URL}?{query}")

    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert message in answer.content.decode()


def test_page_csv_and_json_say_the_same(acme: Organization, ada: User) -> None:
    for day in range(2, 9):
        add_hour(acme, at=november(day), model=f"m{day % 3}", cost_nanos=10**day)

    lines = browser_of(ada).get(f"{URL}?{DAYS}&format=csv").content.decode()
    rows = [line.split(",") for line in lines.splitlines()]
    found = figures(ada, DAYS)

    assert rows[0][0] == "Day (UTC)"
    assert rows[-1][-1] == found["total"] == "0.111111100"[:11].rstrip("0")
    assert [row[1:-1] for row in rows[1:-1]] == [
        period["by_group"] for period in found["periods"]
    ]
    assert f"both add up to ${found['total']}" in page_of(ada, DAYS)


def test_the_figures_are_drawn_by_the_server_too(acme: Organization, ada: User) -> None:
    add_hour(acme, at=november(3), cost_nanos=usd(1))

    page = page_of(ada, DAYS)

    assert page.count('class="still"') == 2
    assert "Most is on Tuesdays from 12:00, in UTC: $1.00 in all." in page
