"""The pages of quota requests: an owner's, a reader's, the operator's queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.actions.funding import enter_billing_profile
from billing.actions.quota import request_increase, withdraw_request
from billing.models import Budget, QuotaRequest, SpendLimits
from core.periods import cycle_of, previous_cycle
from orgs.models import Organization, OutboxMail, User
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

PAGE = "/o/acme/limits/increase"


@pytest.fixture
def billed(acme: Organization, ada: User) -> Organization:
    """Acme with billing information, so that it may spend $120 a cycle."""
    enter_billing_profile(
        organization=acme, legal_name="Acme Inc.", acting_user=ada, now=timezone.now()
    )
    return acme


def ask(organization: Organization, ada: User, amount: int = 500) -> QuotaRequest:
    return request_increase(
        organization=organization,
        amount_nanos=usd(amount),
        until=None,
        reason="A <b>launch</b>",
        acting_user=ada,
        now=timezone.now(),
    )


def read(user: User, path: str) -> str:
    return browser_of(user).get(path).content.decode()


def test_the_form_is_filled_in_from_the_address(
    billed: Organization, ada: User
) -> None:
    page = read(ada, f"{PAGE}?amount=321&until=2026-12-24&reason=Holidays")

    assert 'value="321"' in page
    assert 'value="2026-12-24"' in page
    assert "Holidays" in page


def test_without_an_amount_twice_the_limit_is_suggested(
    billed: Organization, ada: User
) -> None:
    assert 'value="240.00"' in read(ada, PAGE)


def test_an_owner_sends_a_request_and_takes_it_back(
    billed: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    form = {"amount": "500", "until": "", "reason": "A launch"}

    page = browser.post(f"{PAGE}/request", form, follow=True).content.decode()
    assert "The request for $500.00 is with the operator" in page
    request = QuotaRequest.objects.get()
    answer = browser.post(f"{PAGE}/{request.public_id}/withdraw", follow=True)
    page = answer.content.decode()

    assert "is withdrawn" in page
    assert "Send the request" in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"amount": "100", "reason": "x"}, "not above the approved limit"),
        ({"amount": "abc", "reason": "x"}, "is not an amount"),
        ({"amount": "500", "reason": ""}, "This field is required"),
        ({"amount": "500", "reason": "x", "until": "2020-01-01"}, "today or later"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_sent(
    billed: Organization, ada: User, form: dict[str, str], said: str
) -> None:
    answer = browser_of(ada).post(f"{PAGE}/request", form)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not QuotaRequest.objects.exists()


def test_a_second_request_is_refused_on_the_page(
    billed: Organization, ada: User
) -> None:
    ask(billed, ada)

    answer = browser_of(ada).post(
        f"{PAGE}/request", {"amount": "900", "reason": "More"}
    )

    assert answer.status_code == 422
    assert QuotaRequest.objects.count() == 1


def test_a_reader_sees_whom_to_ask_and_no_form(
    billed: Organization, ada: User, rita: User
) -> None:
    page = read(rita, PAGE)

    assert ada.email in page
    assert "Send the request" not in page


def test_without_billing_information_the_page_says_what_comes_first(
    acme: Organization, ada: User
) -> None:
    page = read(ada, PAGE)

    assert "as soon as billing information is entered" in page
    assert "Send the request" not in page


def test_the_queue_shows_what_a_decision_rests_on(
    billed: Organization, ada: User, op: User
) -> None:
    month = cycle_of(timezone.now())
    for cycle, amount in ((month, 77), (previous_cycle(month), 66)):
        Budget.objects.create(
            organization=billed, cycle_start=cycle, spent_nanos=usd(amount)
        )
    withdraw_request(request=ask(billed, ada, 400), acting_user=ada, now=timezone.now())
    request = ask(billed, ada)

    queue = read(op, "/operator/quota")
    page = read(op, f"/operator/quota/{request.public_id}")

    assert f"/operator/quota/{request.public_id}" in queue
    assert "$500.00" in queue
    for text in ("$77.00", "$66.00", "$120.00", "Acme Inc.", ada.email, "Withdrawn"):
        assert text in page
    assert "A &lt;b&gt;launch&lt;/b&gt;" in page


def test_the_operator_decides_and_is_led_to_the_next(
    billed: Organization, globex: Organization, ada: User, oscar: User, op: User
) -> None:
    enter_billing_profile(
        organization=globex, legal_name="G", acting_user=oscar, now=timezone.now()
    )
    first, second = ask(billed, ada), ask(globex, oscar)
    browser = browser_of(op)

    answer = browser.post(
        f"/operator/quota/{first.public_id}/approve", {"amount": "500", "message": "Ok"}
    )
    assert answer["Location"] == f"/operator/quota/{second.public_id}"
    answer = browser.post(
        f"/operator/quota/{second.public_id}/deny", {"message": "Not now"}
    )

    assert answer["Location"] == "/operator/quota"
    limits = SpendLimits.objects.order_by("organization__name")
    assert list(limits.values_list("approved_limit_nanos", flat=True)) == [
        usd(500),
        usd(120),
    ]
    assert "Denied" in read(op, "/operator/quota?show=decided")


@pytest.mark.parametrize(
    ("deed", "form"),
    [
        ("approve", {"amount": "120"}),
        ("approve", {"amount": ""}),
        ("deny", {"message": " "}),
    ],
)
def test_a_decision_that_says_too_little_is_asked_for_again(
    billed: Organization, ada: User, op: User, deed: str, form: dict[str, str]
) -> None:
    request = ask(billed, ada)

    answer = browser_of(op).post(f"/operator/quota/{request.public_id}/{deed}", form)

    assert answer.status_code == 422
    request.refresh_from_db()
    assert request.is_pending


@pytest.mark.parametrize("deed", ["approve", "deny"])
def test_a_decision_that_comes_too_late_says_so(
    billed: Organization, ada: User, op: User, deed: str
) -> None:
    request = ask(billed, ada)
    withdraw_request(request=request, acting_user=ada, now=timezone.now())

    answer = browser_of(op).post(
        f"/operator/quota/{request.public_id}/{deed}",
        {"amount": "500", "message": "Ok"},
        follow=True,
    )

    assert "is not open any more" in answer.content.decode()
    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)


def test_a_raise_says_until_when_it_lasts(
    billed: Organization, ada: User, op: User
) -> None:
    request = ask(billed, ada)
    until = timezone.now().date() + timedelta(days=5)
    browser_of(op).post(
        f"/operator/quota/{request.public_id}/approve",
        {"amount": "300", "until": f"{until:%Y-%m-%d}"},
    )

    page = read(ada, PAGE)

    assert "then $120.00 again" in page
    assert "Partially approved" in page


MANY = "/operator/quota/decide"


def two_requests(
    billed: Organization, globex: Organization, ada: User, oscar: User
) -> list[QuotaRequest]:
    enter_billing_profile(
        organization=globex, legal_name="G", acting_user=oscar, now=timezone.now()
    )
    return [ask(billed, ada), ask(globex, oscar, 900)]


def tick(asked: list[QuotaRequest], decision: str) -> dict[str, Any]:
    ids = [each.public_id for each in asked]
    return {"requests": ids, "decision": decision, "confirmed": "on"}


def test_many_requests_are_approved_as_asked_each_by_itself(
    billed: Organization, globex: Organization, ada: User, oscar: User, op: User
) -> None:
    asked = two_requests(billed, globex, ada, oscar)
    withdraw_request(request=asked[0], acting_user=ada, now=timezone.now())
    ticked = tick(asked, "approve")

    page = browser_of(op).post(MANY, ticked).content.decode()

    assert page.count("Nothing: It was decided, withdrawn or has expired") == 1
    assert page.count("Decided, and told.") == 1
    limits = dict(
        SpendLimits.objects.values_list("organization__name", "approved_limit_nanos")
    )
    assert limits == {"Acme": usd(120), "Globex": usd(900)}


def test_many_requests_are_denied_for_one_reason_and_once(
    billed: Organization, globex: Organization, ada: User, oscar: User, op: User
) -> None:
    asked = two_requests(billed, globex, ada, oscar)
    ticked = tick(asked, "deny")
    browser = browser_of(op)

    refused = browser.post(MANY, ticked)
    assert refused.status_code == 422
    assert refused.content.decode().count(" checked") == 3
    for _ in range(2):
        browser.post(MANY, ticked | {"message": "Not this year"})

    decided = QuotaRequest.objects.values_list("status", "message")
    assert list(decided) == [("denied", "Not this year")] * 2
    assert OutboxMail.objects.filter(subject__contains="denied").count() == 2


def test_without_a_tick_nothing_is_decided(
    billed: Organization, ada: User, op: User
) -> None:
    ask(billed, ada)
    answer = browser_of(op).post(MANY, tick([], "approve"))
    assert "Tick the requests to decide" in answer.content.decode()
    assert QuotaRequest.objects.get().is_pending
