"""The overview of an organization."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import (
    BillingProfile,
    Budget,
    CreditGrant,
    Hold,
    SoftLimit,
    SpendLimits,
)
from billing.overview_queries import Overview, days_to_compare, overview_of
from core.periods import cycle_of, previous_cycle, start_of_day
from keys.models import ProviderKey
from orgs.models import Membership, Organization, User
from tests.factories import usd
from tests.usage_factories import add_hour, event_id_at, make_key
from usage.models import RollupWatermark
from usage.spans import Span

pytestmark = pytest.mark.django_db
URL = "/o/acme/overview"


def page_of(client: Client, user: User, url: str = URL) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def spend(organization: Organization, nanos: int, *, held_nanos: int = 0) -> None:
    """Book spend in the current cycle, in budget and hourly sums alike."""
    now = timezone.now()
    Budget.objects.create(
        organization=organization,
        cycle_start=cycle_of(now),
        spent_nanos=nanos,
        held_nanos=held_nanos,
    )
    add_hour(organization, at=now, cost_nanos=nanos)
    RollupWatermark.objects.update(as_of=now)


def enter_billing_information(organization: Organization) -> None:
    BillingProfile.objects.create(organization=organization, legal_name="Acme Inc.")


def test_it_shows_the_same_spend_as_the_usage_page(
    client: Client, acme: Organization, ada: User
) -> None:
    spend(acme, usd("12.345678901"))

    assert '<span class="figure-value" id="spent">$12.345678901</span>' in page_of(
        client, ada
    )
    assert "$12.345678901" in page_of(client, ada, "/o/acme/usage")


def test_headroom_is_what_the_tightest_limit_leaves(
    client: Client, acme: Organization, ada: User
) -> None:
    enter_billing_information(acme)
    SpendLimits.objects.create(
        organization=acme, hard_limit_nanos=usd(50), approved_limit_nanos=usd(120)
    )
    spend(acme, usd(10), held_nanos=usd("0.5"))

    page = page_of(client, ada)

    assert "$39.50" in page
    assert "The hard limit of $50.00 binds." in page
    assert "Held $0.50" in page


def test_without_limits_it_says_that_nothing_stops_the_spend(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    enter_billing_information(acme)

    assert "Set a hard limit" in page_of(client, ada)
    assert "An owner can set a hard limit." in page_of(client, rita)


def test_credit_shows_what_is_left_and_when_it_expires(
    client: Client, acme: Organization, ada: User
) -> None:
    expires_at = timezone.now() + timedelta(days=10)
    CreditGrant.objects.create(
        organization=acme,
        name="Trial",
        amount_nanos=usd(5),
        consumed_nanos=usd(1),
        effective_at=timezone.now() - timedelta(days=80),
        expires_at=expires_at,
    )

    page = page_of(client, ada)

    assert "Credit left: $4.00, until " in page
    assert f"The credit of $4.00 expires on {expires_at:%-d %B %Y}." in page


def test_used_up_credit_means_that_requests_are_refused(
    client: Client, acme: Organization, ada: User
) -> None:
    assert "The credit is used up or expired: requests are refused" in page_of(
        client, ada
    )


def test_a_reached_hard_limit_is_the_first_thing_said(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    enter_billing_information(acme)
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(10))
    spend(acme, usd(10))

    assert "The hard limit of $10.00 is reached: requests are refused" in page_of(
        client, rita
    )
    assert "Change limits" in page_of(client, ada)


def test_a_soft_limit_is_reached_at_its_amount_and_not_a_nano_before(
    client: Client, acme: Organization, ada: User
) -> None:
    enter_billing_information(acme)
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(10))
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(10) + 1)
    spend(acme, usd(10))

    page = page_of(client, ada)

    assert page.count("The soft limit of $10.00 is reached") == 1
    Budget.objects.update(spent_nanos=usd(10) - 1)
    assert "The soft limit" not in page_of(client, ada)


def test_it_says_what_is_not_set_up(
    client: Client, acme: Organization, acme_staging: Organization, ada: User
) -> None:
    page = page_of(client, ada)
    staging = page_of(client, ada, "/o/acme-staging/overview")

    assert "There is no provider key yet" in page
    assert "No key works here yet." in page
    assert "provider key" not in staging
    ProviderKey.objects.create(
        organization=acme, base_url="https://x.example/v1", ciphertext="x"
    )
    make_key("Laptop", user=ada)
    page = page_of(client, ada)
    assert "provider key" not in page
    assert "No key works here yet." not in page


def test_a_worker_that_is_down_is_said_so(
    client: Client, acme: Organization, ada: User
) -> None:
    now = timezone.now()
    RollupWatermark.objects.update(as_of=now - timedelta(seconds=30))
    assert "The figures stand still" not in page_of(client, ada)

    RollupWatermark.objects.update(as_of=now - timedelta(seconds=90))
    assert "The figures stand still" in page_of(client, ada)


def test_what_is_booked_but_not_summed_up_yet_is_named(
    client: Client, acme: Organization, ada: User
) -> None:
    spend(acme, usd(10))
    Budget.objects.update(spent_nanos=usd(10) + 7)

    assert "$0.000000007 booked since then" in page_of(client, ada)


def test_requests_under_way_are_counted(
    client: Client, acme: Organization, globex: Organization, ada: User
) -> None:
    key = make_key("Laptop", user=ada)
    now = timezone.now()
    for organization in (acme, acme, globex):
        event_id = event_id_at(now)
        budget, _ = Budget.objects.get_or_create(
            organization=organization, cycle_start=cycle_of(now)
        )
        Hold.objects.create(
            event_id=event_id,
            organization=organization,
            api_key=key,
            budget_id=budget.pk,
            cycle_start=cycle_of(now),
            gateway_id=event_id,
            endpoint="chat.completions",
            model="gpt-5",
            simulated=False,
            streamed=True,
            price_id=1,
            bound_nanos=1,
            created_at=now,
        )

    assert "2 requests under way" in page_of(client, ada)


def test_without_usage_it_shows_the_first_request(
    client: Client, acme: Organization, rita: User
) -> None:
    page = page_of(client, rita)

    assert "Send the first request" in page
    assert f"OpenAI-Organization: {acme.public_id}" in page
    assert "/v1/chat/completions" in page
    assert "data-figure" not in page


def test_without_usage_in_this_cycle_it_leads_to_the_one_before(
    client: Client, acme: Organization, rita: User
) -> None:
    last = previous_cycle(cycle_of(timezone.now()))
    add_hour(acme, at=start_of_day(last), cost_nanos=1)

    page = page_of(client, rita)

    assert "Nothing was used in this cycle yet." in page
    assert f"/o/acme/usage?cycle={last:%Y-%m}" in page
    assert "Send the first request" not in page


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user, organization__slug="acme")


def overview_on(day: int, viewer: User) -> Overview:
    """Return the overview as it is at noon of a day in November."""
    noon = datetime(2026, 11, day, 12, tzinfo=UTC)
    return overview_of(membership_of(viewer), now=noon)


def use_on(acme: Organization, month: int, day: int, nanos: int, **facts: Any) -> None:
    at = datetime(2026, month, day, 9, tzinfo=UTC)
    add_hour(acme, at=at, cost_nanos=nanos, **facts)


def test_whole_days_are_compared_with_as_many_before(
    acme: Organization, ada: User
) -> None:
    use_on(acme, 11, 2, 150)
    use_on(acme, 11, 3, 999)
    use_on(acme, 10, 1, 100)
    use_on(acme, 10, 3, 999)

    compared = overview_on(3, ada).compared

    assert compared is not None
    assert (compared.days, compared.percent) == (2, 50)
    assert overview_on(1, ada).compared is None


def test_a_shorter_month_is_compared_with_all_of_it() -> None:
    days = days_to_compare(datetime(2026, 3, 31, 12, tzinfo=UTC))

    assert days == (
        Span(date(2026, 3, 1), date(2026, 3, 28)),
        Span(date(2026, 2, 1), date(2026, 2, 28)),
    )


def test_top_models_say_what_changed_in_the_same_days(
    acme: Organization, ada: User
) -> None:
    use_on(acme, 11, 1, 30, model="grown")
    use_on(acme, 11, 3, 5, model="grown")
    use_on(acme, 10, 1, 20, model="grown")
    use_on(acme, 11, 1, 3, model="new")
    use_on(acme, 10, 1, 3, model="gone")

    grown, new = overview_on(3, ada).top_models

    assert (grown.group.name, grown.total.cost_nanos) == ("grown", 35)
    assert grown.compared is not None
    assert (grown.compared.percent, grown.is_new) == (50, False)
    assert (new.group.name, new.is_new) == ("new", True)


def test_a_reader_sees_their_part_beside_the_total(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    now = timezone.now()
    for person, nanos in ((ada, usd(3)), (rita, usd(1))):
        key = make_key(f"{person.name}'s laptop", user=person)
        add_hour(acme, at=now, cost_nanos=nanos, api_key=key, output_tokens=50)

    page = page_of(client, rita)

    assert '<span class="figure-value" id="spent">$4.00</span>' in page
    assert "Yours: $1.00, 25 % of it, by 1 request with 50 tokens." in page
    assert "Your keys" in page
    assert f"{ada.name}&#x27;s laptop" not in page
    assert "Yours:" not in page_of(client, ada)


def test_it_takes_a_fixed_number_of_queries(
    client: Client,
    acme: Organization,
    ada: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    enter_billing_information(acme)
    for n in range(1, 11):
        SoftLimit.objects.create(organization=acme, amount_nanos=usd(n))
        key = make_key(f"Key {n}", user=ada)
        add_hour(acme, at=timezone.now(), cost_nanos=n, api_key=key, model=f"m{n}")
    client.force_login(ada)
    # The first visit of a session writes down when it began.
    client.get(URL)

    with django_assert_max_num_queries(34):
        client.get(URL)


def test_the_chart_is_there_without_scripts_and_shows_the_limit(
    client: Client, acme: Organization, ada: User
) -> None:
    enter_billing_information(acme)
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(50))
    spend(acme, usd(10))

    page = page_of(client, ada)

    assert '<svg class="still"' in page
    assert page.count("Hard limit $50.00</text>") == 1


def test_a_stranger_finds_nothing(
    client: Client, acme: Organization, oscar: User
) -> None:
    client.force_login(oscar)

    assert client.get(URL).status_code == 404
