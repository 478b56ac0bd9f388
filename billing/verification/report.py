"""All checks, on one snapshot of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection, transaction

from billing.verification import costs, invoices, ledger, money, records
from billing.verification.findings import Finding


def verify(*, sweep_interval_s: float) -> list[Finding]:
    """Check every invariant, and return what was found, in order."""
    checks: tuple[Callable[[], Finding], ...] = (
        money.charges_within_holds,
        money.budgets_equal_records,
        money.budgets_equal_holds,
        money.scope_budgets_equal_records,
        money.scope_budgets_equal_holds,
        money.keys_add_up_to_budgets,
        records.records_are_unique,
        records.corrections_name_estimates,
        money.holds_not_recorded,
        partial(money.holds_of_living_gateways, sweep_interval_s=sweep_interval_s),
        records.rollups_equal_records,
        records.timings_equal_records,
        records.records_are_append_only,
        costs.costs_equal_prices,
        costs.prices_were_in_force,
        money.credit_within_grants,
        ledger.transactions_sum_to_zero,
        ledger.balances_are_sums,
        ledger.ledger_equals_records,
        ledger.ledger_equals_budgets,
        ledger.ledger_equals_rollups,
        ledger.credit_liability_equals_grants,
        invoices.invoices_are_sums_of_lines,
        invoices.invoices_equal_records,
        invoices.unbilled_is_what_no_invoice_has,
        invoices.credit_notes_within_invoices,
        invoices.receivable_is_what_is_due,
    )
    with one_snapshot():
        return [check() for check in checks]


@contextmanager
def one_snapshot() -> Iterator[None]:
    """
    See one state of the database, so that requests under way are no differences.

    Inside a transaction of the caller's, that one decides.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
