"""A provider tells what it billed, exactly; what is no bill is said to be none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from keys.admin_access import AdminAccess
from keys.provider_bill import Bill, NotTold, read_bill, verify_admin_key
from keys.provider_figures import MalformedFigures, costs_in, counts_in, read_page
from tests.provider_accounts import (
    ADMIN_SECRET,
    Accounts,
    Fault,
    days_back,
    provider_accounts,
)

LOOPBACK = ["127.0.0.0/8"]
LAST = date(2026, 11, 20)
DAYS = days_back(LAST, 20)


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    with provider_accounts() as found:
        yield found


def read(accounts: Accounts, *, secret: str = ADMIN_SECRET, project: str = "") -> Bill:
    return read_bill(
        AdminAccess(accounts.url, secret, project),
        first_day=DAYS[0],
        last_day=LAST,
        allowed_networks=LOOPBACK,
    )


def page_with(result: str) -> str:
    return (
        '{"data": [{"start_time": 1763596800, "results": ['
        + result
        + ']}], "has_more": false, "next_page": null}'
    )


def test_all_pages_are_read(accounts: Accounts) -> None:
    for day in DAYS:
        accounts.bill(day, "gpt-5, input", "0.01")
        accounts.counts.append((day, "gpt-5", 2, 30, 4))
    bill = read(accounts)

    assert [cost.day for cost in bill.costs] == DAYS
    assert [(c.day, c.requests, c.tokens) for c in bill.counts] == [
        (day, 2, 34) for day in DAYS
    ]
    costs = [query for path, query in accounts.asked if path.endswith("/costs")]
    assert len(costs) == 3
    assert costs[0]["group_by[]"] == ["line_item"]
    assert "project_ids[]" not in costs[0]


def test_an_amount_is_what_stands_in_the_text(accounts: Accounts) -> None:
    """As floats the first two would be one, and three tenths would not be three."""
    amounts = ["0.1300000000000000001", "0.13", "1e-7", '"0.30"', "12"]
    for number, amount in enumerate(amounts):
        accounts.bill(DAYS[0], f"item {number}", amount)

    assert [cost.dollars for cost in read(accounts).costs] == [
        Decimal("0.1300000000000000001"),
        Decimal("0.13"),
        Decimal("1E-7"),
        Decimal("0.30"),
        Decimal(12),
    ]


def test_one_project_is_asked_for(accounts: Accounts) -> None:
    read(accounts, project="proj_a")

    for _, query in accounts.asked:
        assert query["project_ids[]"] == ["proj_a"]


@pytest.mark.parametrize(
    "fault",
    [Fault(429, headers={"retry-after": "0.01"}), Fault(500), Fault(503)],
    ids=lambda fault: str(fault.status),
)
def test_what_fails_for_a_moment_is_asked_again(
    accounts: Accounts, fault: Fault
) -> None:
    accounts.faults = [fault]
    accounts.bill(DAYS[0], "gpt-5, input", "0.01")

    assert len(read(accounts).costs) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(401), "401"),
        (Fault(403), "403"),
        (Fault(200, "<html>"), "no page of buckets"),
        (Fault(200, "[]"), "no page of buckets"),
        (Fault(200, page_with('{"amount": {"value": NaN}}')), "no page of buckets"),
        (Fault(200, page_with('{"amount": {"value": true}}')), "is no number"),
        (Fault(200, page_with('{"amount": {"value": "much"}}')), "is no number"),
        (Fault(200, page_with('{"amount": null}')), "has no amount"),
        (Fault(200, page_with("7")), "is no object"),
        (
            Fault(200, page_with('{"amount": {"value": 1, "currency": "eur"}}')),
            "US dollars",
        ),
        (
            Fault(200, '{"data": [], "has_more": true, "next_page": null}'),
            "no way to them",
        ),
        (Fault(302, headers={"Location": "http://127.0.0.1:1/"}), "302"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.status),
)
def test_what_is_no_bill_is_told(accounts: Accounts, fault: Fault, words: str) -> None:
    accounts.faults = [fault]

    with pytest.raises(NotTold, match=words):
        read(accounts)


def test_a_provider_that_sends_in_circles_is_left(accounts: Accounts) -> None:
    page = '{"data": [], "has_more": true, "next_page": "page_0"}'
    accounts.faults = [Fault(200, page) for _ in range(200)]

    with pytest.raises(NotTold, match="more than 100 pages"):
        read(accounts)


def test_a_key_that_it_refuses_is_not_repeated(accounts: Accounts) -> None:
    refused = "sk-admin-that-is-refused-12345"
    accounts.faults = []
    with pytest.raises(NotTold) as caught:
        read(accounts, secret=refused)

    assert refused not in str(caught.value)
    assert refused not in repr(AdminAccess(accounts.url, refused))


def test_it_is_asked_at_vetted_addresses_alone(accounts: Accounts) -> None:
    access = AdminAccess(accounts.url, ADMIN_SECRET)
    with pytest.raises(NotTold, match="public internet"):
        verify_admin_key(access, day=LAST, allowed_networks=[])

    assert accounts.asked == []


def test_a_key_is_verified_by_the_costs_of_one_day(accounts: Accounts) -> None:
    access = AdminAccess(accounts.url, ADMIN_SECRET)
    verify_admin_key(access, day=LAST, allowed_networks=LOOPBACK)

    ((path, query),) = accounts.asked
    assert path == "/v1/organization/costs"
    assert query["limit"] == ["1"]


def test_what_a_result_does_not_tell_is_nothing() -> None:
    page = read_page(page_with('{"model": null, "num_model_requests": 3}'))
    (count,) = counts_in(page)

    assert (count.model, count.requests, count.tokens) == ("", 3, 0)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedFigures):
        read_page('{"data": [{"start_time": "x", "results": [{}]}], "has_more": 0}')
    with pytest.raises(MalformedFigures):
        list(costs_in(read_page(page_with('{"amount": {"value": "Infinity"}}'))))
