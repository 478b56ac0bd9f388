"""Two operators decide about a request at once: one of them wins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from billing.actions import quota
from billing.actions.funding import set_approved_limit
from billing.models import QuotaRequest, SpendLimits
from orgs.models import Organization, OutboxMail, User
from tests.concurrency.threads import (
    PATIENCE_S,
    all_at_once,
    in_own_connection,
    somebody_waits,
)
from tests.factories import NOW, usd
from tests.rig import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def asked(acme: Organization, ada: User) -> QuotaRequest:
    set_approved_limit(
        organization=acme, amount_nanos=usd(120), acting_user=None, now=NOW
    )
    return ask(acme, ada)


def ask(acme: Organization, ada: User) -> QuotaRequest:
    return quota.request_increase(
        organization=acme,
        amount_nanos=usd(500),
        until=None,
        reason="A launch",
        acting_user=ada,
        now=NOW,
    )


def approve(request: QuotaRequest, op: User) -> None:
    quota.approve_request(
        request=request,
        amount_nanos=usd(500),
        until=None,
        message="",
        acting_user=op,
        now=NOW,
    )


def denied(request: QuotaRequest, op: User) -> bool:
    try:
        quota.deny_request(request=request, message="No", acting_user=op, now=NOW)
    except quota.NotPending:
        return False
    return True


def denied_while_approved(request: QuotaRequest, op: User) -> bool:
    """Deny a request whose approval is written and not committed."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            approve(request, op)
            other = pool.submit(in_own_connection, lambda: denied(request, op))
            wait_until(lambda: other.done() or somebody_waits())
        return other.result(PATIENCE_S)


def outcomes() -> set[str]:
    """Return of which decisions people were told."""
    mails = OutboxMail.objects.filter(kind="quota_answer")
    keys = mails.values_list("dedupe_key", flat=True)
    return {key.rpartition(":")[2] for key in keys} - {"pending"}


def test_of_two_decisions_at_once_the_first_wins(asked: QuotaRequest, op: User) -> None:
    assert not denied_while_approved(asked, op)

    asked.refresh_from_db()
    assert (asked.status, outcomes()) == ("approved", {"approved"})


def test_control_without_the_lock_both_decide(
    asked: QuotaRequest, op: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlocked(request: QuotaRequest) -> QuotaRequest:
        found = QuotaRequest.objects.get(pk=request.pk)
        if not found.is_pending:
            raise quota.NotPending
        return found

    monkeypatch.setattr(quota, "locked_pending", unlocked)

    assert denied_while_approved(asked, op)
    assert outcomes() == {"approved", "denied"}
    asked.refresh_from_db()
    limits = SpendLimits.objects.get()
    assert (asked.status, limits.approved_limit_nanos) == ("denied", usd(500))


def test_of_many_requests_at_once_one_is_made(
    asked: QuotaRequest, acme: Organization, ada: User, op: User
) -> None:
    quota.withdraw_request(request=asked, acting_user=ada, now=NOW)

    def attempt() -> bool:
        try:
            ask(acme, ada)
        except quota.RequestPending:
            return False
        return True

    attempts: list[Callable[[], bool]] = [attempt] * 6
    assert sum(all_at_once(attempts)) == 1
    assert QuotaRequest.objects.filter(status="pending").count() == 1
