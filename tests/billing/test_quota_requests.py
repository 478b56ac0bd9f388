"""A quota request is made by an owner, decided once, and all concerned are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.actions.funding import set_approved_limit
from billing.actions.quota import (
    NotAnIncrease,
    NothingToRaise,
    NotPending,
    RequestPending,
    WrongEnd,
    approve_request,
    deny_request,
    expire_requests,
    request_increase,
    withdraw_request,
)
from billing.models import QuotaRequest, QuotaStatus, SpendLimits
from orgs.models import AuditEvent, Organization, OutboxMail, Role, User
from tests.factories import NOW, join, make_user, refuse_mail, usd

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def funded(acme: Organization) -> Organization:
    """Acme, which may spend $120 a cycle."""
    set_approved_limit(
        organization=acme, amount_nanos=usd(120), acting_user=None, now=NOW
    )
    return acme


def ask(
    organization: Organization, by: User, amount: int = 500, **options: Any
) -> QuotaRequest:
    given = {"until": None, "reason": "A launch", "now": NOW} | options
    return request_increase(
        organization=organization, amount_nanos=usd(amount), acting_user=by, **given
    )


def approve(
    request: QuotaRequest, op: User, amount: int = 500, until: date | None = None
) -> QuotaRequest:
    return approve_request(
        request=request,
        amount_nanos=usd(amount),
        until=until,
        message="",
        acting_user=op,
        now=NOW + DAY,
    )


def limit_of(organization: Organization) -> int | None:
    return SpendLimits.objects.get(organization=organization).approved_limit_nanos


def told(*kinds: str) -> list[tuple[str, str]]:
    """Return to whom what was mailed; of requests, if no kinds are named."""
    kinds = kinds or ("quota_request", "quota_answer")
    rows = OutboxMail.objects.filter(kind__in=kinds).order_by("pk")
    return list(rows.values_list("recipient", "subject"))


def written() -> tuple[int, int, int | None]:
    limits = SpendLimits.objects.first()
    return (
        AuditEvent.objects.count(),
        OutboxMail.objects.count(),
        limits.approved_limit_nanos if limits else None,
    )


def test_operators_and_owners_are_told_of_a_request(
    funded: Organization, ada: User, op: User
) -> None:
    request = ask(funded, ada)

    assert request.public_id.startswith("req_")
    assert (request.limit_before_nanos, request.status) == (usd(120), "pending")
    assert told("quota_waiting")[0][0] == op.email
    assert told() == [
        (ada.email, "[Acme (Production)] Request for a limit of $500.00 received"),
    ]


def test_approving_raises_the_limit_and_tells_whoever_asked(
    funded: Organization, ada: User, op: User
) -> None:
    decided = approve(ask(funded, ada), op)

    assert (decided.status, limit_of(funded)) == (QuotaStatus.APPROVED, usd(500))
    assert told()[-1] == (
        ada.email,
        "[Acme (Production)] Approved limit raised to $500.00",
    )
    actions = AuditEvent.objects.order_by("pk").values_list("action", "actor")
    assert list(actions)[-2:] == [
        ("approved_limit.updated", op.pk),
        ("quota_request.approved", op.pk),
    ]


def test_somebody_who_asked_and_left_is_told_as_well(
    funded: Organization, rita: User, ada: User, op: User
) -> None:
    approve(ask(funded, rita), op)

    assert {recipient for recipient, _ in told()} == {ada.email, rita.email}


@pytest.mark.parametrize(
    ("amount", "until"), [(300, None), (500, NOW.date() + 3 * DAY)]
)
def test_less_or_for_less_long_is_a_part(
    funded: Organization, ada: User, op: User, amount: int, until: date | None
) -> None:
    decided = approve(ask(funded, ada), op, amount, until)

    assert decided.status == QuotaStatus.PARTIALLY_APPROVED
    assert limit_of(funded) == usd(amount)


def test_denying_says_why_and_changes_no_limit(
    funded: Organization, ada: User, op: User
) -> None:
    request = ask(funded, ada)

    deny_request(request=request, message="Pay first", acting_user=op, now=NOW)

    assert limit_of(funded) == usd(120)
    assert "Pay first" in OutboxMail.objects.latest("pk").body_text
    assert QuotaRequest.objects.get().status == QuotaStatus.DENIED


def test_one_request_is_open_at_a_time(funded: Organization, ada: User) -> None:
    first = ask(funded, ada)
    before = written()

    with pytest.raises(RequestPending):
        ask(funded, ada, 800)

    assert written() == before
    withdraw_request(request=first, acting_user=ada, now=NOW)
    assert ask(funded, ada, 800).is_pending


def test_the_database_allows_no_second_one_either(
    funded: Organization, ada: User
) -> None:
    request = ask(funded, ada)
    request.pk, request.public_id = None, "req_other"

    with pytest.raises(IntegrityError, match="one_pending"), transaction.atomic():
        request.save(force_insert=True)


@pytest.mark.parametrize("deed", ["approve", "deny", "withdraw"])
@pytest.mark.parametrize("first", ["approve", "deny", "withdraw"])
def test_what_is_decided_stays_decided(
    funded: Organization, ada: User, op: User, first: str, deed: str
) -> None:
    request = ask(funded, ada)
    given: dict[str, Any] = {"request": request, "now": NOW}
    deeds: dict[str, Callable[[], QuotaRequest]] = {
        "approve": lambda: approve(request, op),
        "deny": lambda: deny_request(message="No", acting_user=op, **given),
        "withdraw": lambda: withdraw_request(acting_user=ada, **given),
    }
    deeds[first]()
    before = written()

    with pytest.raises(NotPending):
        deeds[deed]()

    assert written() == before


@pytest.mark.parametrize(
    ("amount", "until", "refusal"),
    [
        (120, None, NotAnIncrease),
        (500, NOW.date() - DAY, WrongEnd),
        (500, NOW.date() + 400 * DAY, WrongEnd),
    ],
)
def test_what_cannot_be_asked_for_is_not_granted_either(
    funded: Organization,
    ada: User,
    op: User,
    amount: int,
    until: date | None,
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        ask(funded, ada, amount, until=until)
    assert not QuotaRequest.objects.exists()
    request = ask(funded, ada)
    before = written()

    with pytest.raises(refusal):
        approve(request, op, amount, until)
    assert written() == before


def test_without_an_approved_limit_there_is_nothing_to_raise(
    acme: Organization, ada: User
) -> None:
    with pytest.raises(NothingToRaise):
        ask(acme, ada)
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize(
    ("until", "now"),
    [
        (None, NOW + 31 * DAY),
        (NOW.date() + 2 * DAY, datetime(2026, 11, 26, tzinfo=NOW.tzinfo)),
    ],
)
def test_a_request_that_nobody_decides_expires_once(
    funded: Organization, ada: User, until: date | None, now: datetime
) -> None:
    ask(funded, ada, until=until)

    assert expire_requests(now=now - DAY) == 0
    assert [expire_requests(now=now) for _ in range(2)] == [1, 0]

    assert QuotaRequest.objects.get().status == QuotaStatus.EXPIRED
    assert "expired undecided" in told()[-1][1]


def test_owners_may_do_without_mails_about_what_others_asked_for(
    funded: Organization, ada: User, op: User
) -> None:
    olga = make_user("olga@acme.example")
    join(olga, funded, Role.OWNER)
    for owner in (ada, olga):
        refuse_mail(owner, funded, "quota_request")

    approve(ask(funded, ada), op)

    # Who asked gets the answer all the same.
    assert {recipient for recipient, _ in told()} == {ada.email}
