"""What passed the gateway is what the provider bills, to the nano-dollar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing.actions.reconciliation import (
    carry_out_next,
    request_due_reconciliations,
)
from billing.models import Reconciliation
from billing.reconciliation_models import Verdict
from keys.actions.provider_admin_keys import store_admin_key
from keys.admin_access import AdminAccess
from orgs.models import User
from tests import rig
from tests.gateway.conftest import House
from tests.provider_accounts import ADMIN_SECRET, Accounts, provider_accounts
from usage.actions import roll_up

pytestmark = pytest.mark.processes


@pytest.fixture
def accounts(settings: Settings) -> Iterator[Accounts]:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with provider_accounts() as found:
        yield found


def spend(house: House, model: str, output: int) -> None:
    orders = json.dumps({"output": output})
    house.client().chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": orders}],
        max_completion_tokens=100,
    )


def reconcile() -> Reconciliation:
    roll_up(now=timezone.now())
    Reconciliation.objects.all().delete()
    request_due_reconciliations(now=timezone.now())
    run = carry_out_next(now=timezone.now())
    assert run is not None
    return run


def test_the_providers_bill_is_what_was_booked(
    house: House, provider: rig.Provider, ada: User, accounts: Accounts
) -> None:
    store_admin_key(
        organization=house.organization,
        access=AdminAccess(accounts.url, ADMIN_SECRET),
        acting_user=ada,
        is_verified=True,
        now=timezone.now(),
    )
    earlier = len(provider.bills())
    for output in (3, 50):
        spend(house, "gpt-4o-mini", output)
        spend(house, "gpt-5", output)
    rig.wait_until(lambda: len(house.records()) == 4)
    day = house.records()[0].occurred_at.astimezone(UTC).date()
    accounts.note_requests(provider.bills()[earlier:], day=day)

    rows = list(reconcile().rows.order_by("model"))
    assert [row.model for row in rows] == ["gpt-4o-mini", "gpt-5"]
    for row in rows:
        assert row.ours_nanos == row.theirs_nanos
        assert (row.ours_requests, row.ours_tokens) == (2, row.theirs_tokens)

    # What somebody does with the account past Tokenhouse is found.
    accounts.note_requests(provider.bills()[earlier : earlier + 1] * 10_000, day=day)
    differing = reconcile().rows.exclude(verdict=Verdict.MATCHED)
    assert [row.model for row in differing] == ["gpt-4o-mini"]
