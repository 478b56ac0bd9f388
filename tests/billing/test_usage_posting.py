"""Usage in the ledger: what the records say, to the nano-dollar, posted once."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from billing.actions import usage_posting
from billing.actions.posting import post_credit_granted
from billing.actions.usage_posting import post_batch, post_usage
from billing.ledger_models import LedgerTransaction
from billing.ledger_queries import posted_up_to
from billing.models import CreditGrant
from billing.verification.ledger import (
    credit_liability_equals_grants,
    ledger_equals_budgets,
    ledger_equals_records,
)
from orgs.models import Organization
from tests.billing.books import book, grant, held, settling, sweeping
from tests.billing.test_ledger_posting import balances, commit_checks
from tests.factories import NOW
from tests.usage_factories import add_record, number_records_from_one
from usage.actions import roll_up

pytestmark = pytest.mark.django_db


def spend(organization: Organization, nanos: int) -> None:
    book(settling(held(organization, nanos), nanos))


def post_all(*, batch_max: int = 100) -> None:
    roll_up(now=NOW)
    post_usage(now=NOW, batch_max=batch_max)
    commit_checks()


def test_usage_is_split_by_what_credit_paid(acme: Organization) -> None:
    post_credit_granted(grant(acme, 100, days=9), now=NOW)
    first, second = held(acme, 60), held(acme, 40)
    book(settling(first, 60))
    book(settling(second, 70))

    post_all()

    assert balances(acme) == {"usage": -130, "unbilled": 30, "credit_given": 100}


def test_nothing_is_posted_beyond_the_rollups(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    post_usage(now=NOW)
    assert (posted_up_to(), balances(acme)) == (0, {})

    post_all()
    assert balances(acme) == {"usage": -5, "unbilled": 5}


def test_posting_again_adds_nothing(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    for _ in range(3):
        post_all()
    assert LedgerTransaction.objects.count() == 1


def test_batches_of_any_size_come_to_the_same(acme: Organization) -> None:
    number_records_from_one()
    for nanos in range(1, 8):
        add_record(acme, at=NOW, cost_nanos=nanos)
    post_all(batch_max=3)

    assert balances(acme) == {"usage": -28, "unbilled": 28}
    assert LedgerTransaction.objects.count() == 3
    assert ledger_equals_records().holds


def test_a_correction_downwards_gives_nothing_back_to_credit(
    acme: Organization,
) -> None:
    post_credit_granted(grant(acme, 100, days=9), now=NOW)
    hold = held(acme, 80)
    book(sweeping(hold))
    book(settling(hold, 30))

    post_all()

    assert balances(acme)["unbilled"] == -50
    assert balances(acme)["credit_liability"] == -20
    assert credit_liability_equals_grants().holds


def test_simulated_usage_is_posted_and_never_owed(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=40, simulated=True)
    post_all()
    assert balances(acme) == {"simulated": 40, "simulated_usage": -40}


def test_each_organization_and_cycle_has_its_own(
    acme: Organization, globex: Organization
) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    add_record(acme, at=NOW.replace(month=10), cost_nanos=6)
    add_record(globex, at=NOW, cost_nanos=7)
    post_all()

    found = LedgerTransaction.objects.values_list("organization", "amount_nanos")
    assert sorted(found) == sorted([(acme.pk, 5), (acme.pk, 6), (globex.pk, 7)])


def test_what_is_undone_in_the_middle_is_done_again(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    roll_up(now=NOW)
    monkeypatch.setattr(usage_posting, "early_credit", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        post_usage(now=NOW)
    assert (posted_up_to(), balances(acme)) == (0, {})

    monkeypatch.undo()
    post_all()
    assert balances(acme) == {"usage": -5, "unbilled": 5}


def test_credit_and_usage_of_before_the_ledger_are_posted_together(
    acme: Organization,
) -> None:
    grant(acme, 100, days=9)
    spend(acme, 70)
    forget_what_credit_paid()
    spend(acme, 10)

    post_all()

    assert balances(acme) == {
        "usage": -80,
        "credit_given": 100,
        "credit_liability": -20,
    }
    assert credit_liability_equals_grants().holds


def test_the_ledger_agrees_at_every_watermark(acme: Organization) -> None:
    post_credit_granted(grant(acme, 100, days=9), now=NOW)
    for nanos in (30, 60):
        spend(acme, nanos)
    roll_up(now=NOW)
    for _ in range(2):
        assert post_batch(now=NOW, batch_max=1) is not None
        for check in (
            credit_liability_equals_grants,
            ledger_equals_records,
            ledger_equals_budgets,
        ):
            assert check().holds
    assert CreditGrant.objects.get().consumed_nanos == 90


def forget_what_credit_paid() -> None:
    """Make the records look as if they came from before it was noted."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE usage_usagerecord SET credit_nanos = NULL")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
