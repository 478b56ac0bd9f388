"""The billing page: what each cycle came to, for everyone in the organization."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from billing.models import Budget
from core.periods import cycle_of, previous_cycle
from orgs.models import Organization, User
from tests.factories import usd

pytestmark = pytest.mark.django_db
URL = "/o/acme/billing"


def page(client: Client, user: User) -> str:
    client.force_login(user)
    return client.get(URL).content.decode()


def test_before_the_first_request_it_says_so(
    client: Client, acme: Organization, ada: User
) -> None:
    assert "Nothing has been spent yet" in page(client, ada)


def test_a_reader_sees_what_each_cycle_came_to(
    client: Client, acme: Organization, rita: User
) -> None:
    current = cycle_of(datetime.now(UTC))
    past = previous_cycle(current)
    for cycle, spent in ((past, usd("12.5")), (current, 7)):
        Budget.objects.create(organization=acme, cycle_start=cycle, spent_nanos=spent)

    text = page(client, rita)

    assert "This cycle" in text
    assert f'href="/o/acme/usage?cycle={past:%Y-%m}">$12.50</a>' in text
    assert "$0.000000007" in text


def test_the_sums_of_others_are_not_shown(
    client: Client, acme: Organization, globex: Organization, ada: User
) -> None:
    cycle = cycle_of(datetime.now(UTC))
    Budget.objects.create(organization=globex, cycle_start=cycle, spent_nanos=9)
    assert "$0.000000009" not in page(client, ada)
