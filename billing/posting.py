"""
Which accounts a fact of money changes, and by how much. Pure.

Amounts are signed nano-dollars: positive is a debit, negative a credit. The amounts of
a transaction sum to zero; accounts that do not change are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

Amounts = Mapping["Account", int]


class Account(StrEnum):
    """The accounts of an organization, as the seller keeps them."""

    # What was used, at the price list: the seller's income.
    USAGE = "usage"
    # Credit that was given and not used up yet: owed to the organization.
    CREDIT_LIABILITY = "credit_liability"
    # What giving credit away cost the seller; credit that was paid for is in payments.
    CREDIT_GIVEN = "credit_given"
    # Credit that expired unused.
    BREAKAGE = "breakage"
    # Used, beyond credit, and on no invoice yet; the rest of rounding stays here.
    UNBILLED = "unbilled"
    # On invoices that are not paid yet.
    RECEIVABLE = "receivable"
    PAYMENTS = "payments"
    ADJUSTMENTS = "adjustments"
    TAX = "tax"
    # What the sandbox pretends to cost: kept apart, because nobody ever owes it.
    SIMULATED_USAGE = "simulated_usage"
    SIMULATED = "simulated"


def changing(amounts: Amounts) -> dict[Account, int]:
    """Return the amounts that change something; they must sum to zero."""
    assert sum(amounts.values()) == 0, f"not in balance: {dict(amounts)}"
    return {account: nanos for account, nanos in amounts.items() if nanos}


def usage_amounts(
    cost_nanos: int, credit_nanos: int, *, simulated: bool
) -> dict[Account, int]:
    """Return what usage posts: credit pays its part, the rest is to be billed."""
    if simulated:
        return changing(
            {Account.SIMULATED: cost_nanos, Account.SIMULATED_USAGE: -cost_nanos}
        )
    return changing(
        {
            Account.CREDIT_LIABILITY: credit_nanos,
            Account.UNBILLED: cost_nanos - credit_nanos,
            Account.USAGE: -cost_nanos,
        }
    )


def credit_granted_amounts(nanos: int, *, is_paid: bool) -> dict[Account, int]:
    source = Account.PAYMENTS if is_paid else Account.CREDIT_GIVEN
    return changing({source: nanos, Account.CREDIT_LIABILITY: -nanos})


def credit_voided_amounts(nanos: int, *, is_paid: bool) -> dict[Account, int]:
    """Return what taking back unused credit posts: the opposite of granting it."""
    granted = credit_granted_amounts(nanos, is_paid=is_paid)
    return {account: -amount for account, amount in granted.items()}


def credit_expired_amounts(nanos: int) -> dict[Account, int]:
    return changing({Account.CREDIT_LIABILITY: nanos, Account.BREAKAGE: -nanos})


def early_credit_amounts(nanos: int) -> dict[Account, int]:
    """Return what credit posts that paid for usage which does not say so."""
    return changing({Account.CREDIT_LIABILITY: nanos, Account.UNBILLED: -nanos})


def invoice_amounts(net_nanos: int, tax_nanos: int) -> dict[Account, int]:
    """Return what issuing an invoice posts: what was unbilled is receivable now."""
    return changing(
        {
            Account.RECEIVABLE: net_nanos + tax_nanos,
            Account.UNBILLED: -net_nanos,
            Account.TAX: -tax_nanos,
        }
    )


def payment_amounts(nanos: int) -> dict[Account, int]:
    return changing({Account.PAYMENTS: nanos, Account.RECEIVABLE: -nanos})


def credit_note_amounts(net_nanos: int, tax_nanos: int) -> dict[Account, int]:
    """Return what a credit note posts; its amounts are positive."""
    return changing(
        {
            Account.ADJUSTMENTS: net_nanos,
            Account.TAX: tax_nanos,
            Account.RECEIVABLE: -net_nanos - tax_nanos,
        }
    )


def adjustment_amounts(nanos: int) -> dict[Account, int]:
    """Return what an adjustment of the next invoice posts; negative is in favor."""
    return changing({Account.UNBILLED: nanos, Account.ADJUSTMENTS: -nanos})
