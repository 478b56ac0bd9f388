"""The ledger: in balance, and the same as records, rollups, budgets and credit."""

from __future__ import annotations

from billing.verification.findings import Finding, find

ALL_TRANSACTIONS = "SELECT count(*) FROM billing_ledgertransaction"
POSTED = "(SELECT coalesce(max(sequence), 0) FROM billing_postingwatermark)"
# Usage is a credit: what it posted, by organization, cycle and kind.
POSTED_USAGE = """
    SELECT txn.organization_id, txn.cycle_start,
           account.kind = 'simulated_usage' AS simulated,
           -sum(entry.amount_nanos) AS posted_nanos
    FROM billing_ledgerentry AS entry
    JOIN billing_ledgertransaction AS txn ON txn.id = entry.transaction_id
    JOIN billing_ledgeraccount AS account ON account.id = entry.account_id
    WHERE account.kind IN ('usage', 'simulated_usage')
    GROUP BY 1, 2, 3
"""


def transactions_sum_to_zero() -> Finding:
    """Check every transaction by itself."""
    return find(
        "I6 in balance",
        "each ledger transaction sums to zero, its debits to its amount",
        checked=ALL_TRANSACTIONS,
        differing="""
            SELECT concat('transaction ', source, ': sum ',
                          coalesce(sum(entry.amount_nanos), 0), ', amount ',
                          txn.amount_nanos)
            FROM billing_ledgertransaction AS txn
            LEFT JOIN billing_ledgerentry AS entry ON entry.transaction_id = txn.id
            GROUP BY txn.id
            HAVING sum(entry.amount_nanos) IS DISTINCT FROM 0
                OR sum(greatest(entry.amount_nanos, 0)) <> txn.amount_nanos
        """,
    )


def balances_are_sums() -> Finding:
    """Check the balance kept with each account."""
    return find(
        "I6 balances",
        "each account's balance is the sum of its entries",
        checked="SELECT count(*) FROM billing_ledgeraccount",
        differing="""
            SELECT concat('organization ', account.organization_id, ', ',
                          account.kind, ': balance ', account.balance_nanos,
                          ', entries ', coalesce(sum(entry.amount_nanos), 0))
            FROM billing_ledgeraccount AS account
            LEFT JOIN billing_ledgerentry AS entry ON entry.account_id = account.id
            GROUP BY account.id
            HAVING account.balance_nanos <> coalesce(sum(entry.amount_nanos), 0)
        """,
    )


def ledger_equals_records() -> Finding:
    """Check posted usage by organization and cycle, up to the watermark."""
    return find(
        "I5 ledger",
        "posted usage is the sum of the records up to the ledger's watermark",
        checked="SELECT count(*) FROM billing_ledgertransaction "
        "WHERE kind IN ('usage', 'simulated_usage')",
        differing=f"""
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          CASE WHEN simulated THEN ', simulated' END,
                          ': posted ', coalesce(posted_nanos, 0),
                          ', records ', coalesce(cost_nanos, 0))
            FROM ({POSTED_USAGE}) AS ledger
            FULL JOIN (
                SELECT organization_id, cycle_start, simulated,
                       sum(cost_nanos) AS cost_nanos
                FROM usage_usagerecord WHERE sequence <= {POSTED}
                GROUP BY organization_id, cycle_start, simulated
            ) AS records USING (organization_id, cycle_start, simulated)
            WHERE coalesce(posted_nanos, 0) <> coalesce(cost_nanos, 0)
        """,  # noqa: S608 - our own SQL
    )


def ledger_equals_budgets() -> Finding:
    """Check posted usage, and what is to be posted, against the budget rows."""
    return find(
        "I5 ledger budgets",
        "posted usage and what is not posted yet is what budgets say was spent",
        checked="SELECT count(*) FROM billing_budget",
        differing=f"""
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ': posted ', coalesce(posted_nanos, 0), ', to be posted ',
                          coalesce(cost_nanos, 0), ', spent ',
                          coalesce(spent_nanos, 0))
            FROM billing_budget
            FULL JOIN (
                SELECT organization_id, cycle_start, sum(posted_nanos) AS posted_nanos
                FROM ({POSTED_USAGE}) AS ledger GROUP BY organization_id, cycle_start
            ) AS posted USING (organization_id, cycle_start)
            FULL JOIN (
                SELECT organization_id, cycle_start, sum(cost_nanos) AS cost_nanos
                FROM usage_usagerecord WHERE sequence > {POSTED}
                GROUP BY organization_id, cycle_start
            ) AS unposted USING (organization_id, cycle_start)
            WHERE coalesce(posted_nanos, 0) + coalesce(cost_nanos, 0)
                <> coalesce(spent_nanos, 0)
        """,  # noqa: S608 - our own SQL
    )


def ledger_equals_rollups() -> Finding:
    """Check posted usage against the hourly sums, which are never behind it."""
    return find(
        "I5 ledger rollups",
        "posted usage and what is rolled up but not posted yet is what hours add up to",
        checked="SELECT count(*) FROM usage_usagehour",
        differing=f"""
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ': posted ', coalesce(posted_nanos, 0), ', to be posted ',
                          coalesce(unposted_nanos, 0), ', hours ',
                          coalesce(cost_nanos, 0))
            FROM (
                SELECT organization_id, cycle_start, simulated,
                       sum(cost_nanos) AS cost_nanos
                FROM usage_usagehour GROUP BY organization_id, cycle_start, simulated
            ) AS hours
            FULL JOIN ({POSTED_USAGE}) AS ledger
                USING (organization_id, cycle_start, simulated)
            FULL JOIN (
                SELECT organization_id, cycle_start, simulated,
                       sum(cost_nanos) AS unposted_nanos
                FROM usage_usagerecord WHERE sequence > {POSTED}
                    AND sequence <= (SELECT sequence FROM usage_rollupwatermark)
                GROUP BY organization_id, cycle_start, simulated
            ) AS unposted USING (organization_id, cycle_start, simulated)
            WHERE coalesce(posted_nanos, 0) + coalesce(unposted_nanos, 0)
                <> coalesce(cost_nanos, 0)
        """,  # noqa: S608 - our own SQL
    )


def credit_liability_equals_grants() -> Finding:
    """
    Check what credit the ledger says is left, against the grants.

    Only where something is posted already, and not while records of a gateway of the
    release before the ledger wait to be posted, which do not say what credit paid.
    """
    return find(
        "I5 credit",
        "credit in the ledger is what is left of the grants",
        checked="SELECT count(*) FROM billing_creditgrant",
        differing=f"""
            SELECT concat('organization ', organization_id, ': owed ', owed_nanos,
                          ', left ', coalesce(left_nanos, 0), ', to be posted ',
                          coalesce(unposted_nanos, 0))
            FROM (
                SELECT organization_id, -balance_nanos AS owed_nanos
                FROM billing_ledgeraccount WHERE kind = 'credit_liability'
            ) AS ledger
            LEFT JOIN (
                SELECT organization_id,
                    sum(amount_nanos - consumed_nanos - written_off_nanos) AS left_nanos
                FROM billing_creditgrant GROUP BY organization_id
            ) AS grants USING (organization_id)
            LEFT JOIN (
                SELECT organization_id, sum(credit_nanos) AS unposted_nanos,
                       bool_or(credit_nanos IS NULL AND cost_nanos > 0) AS is_early
                FROM usage_usagerecord WHERE sequence > {POSTED}
                GROUP BY organization_id
            ) AS unposted USING (organization_id)
            WHERE owed_nanos <> coalesce(left_nanos, 0) + coalesce(unposted_nanos, 0)
                AND is_early IS NOT TRUE
        """,  # noqa: S608 - our own SQL
    )
