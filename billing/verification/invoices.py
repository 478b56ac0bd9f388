"""Invoices: the sums of their lines, and of the records that they bill."""

from __future__ import annotations

from billing.verification.findings import Finding, find

# By sequence alone, apart from billing.invoice_usage: each record in one cycle at most.
LAST_CLOSED = """
    SELECT DISTINCT ON (organization_id) organization_id, cycle_start, closed_sequence
    FROM billing_billingcycle WHERE state = 'closed'
    ORDER BY organization_id, cycle_start DESC
"""
POSTED = "(SELECT coalesce(max(sequence), 0) FROM billing_postingwatermark)"


def invoices_are_sums_of_lines() -> Finding:
    """Check totals, whole cents, and that no number is missing."""
    return find(
        "I7 invoices",
        "each invoice is the sum of its lines, and no number is missing",
        checked="SELECT count(*) FROM billing_invoice",
        differing="""
            SELECT concat(number, ': lines ', coalesce(sum(line.amount_nanos), 0),
                          ', total ', total_nanos)
            FROM billing_invoice AS invoice
            LEFT JOIN billing_invoiceline AS line ON line.invoice_id = invoice.id
            GROUP BY invoice.id
            HAVING coalesce(sum(line.amount_nanos), 0) <> total_nanos
                OR count(line.id) <> line_count
                OR coalesce(sum(line.exact_nanos - line.amount_nanos), 0)
                    <> carried_nanos
                OR total_nanos <> net_nanos + tax_nanos OR total_nanos % 10000000 <> 0
            UNION ALL
            SELECT concat(series.kind, ': ', count(invoice.id), ' of ', last_number)
            FROM billing_numberseries AS series
            LEFT JOIN billing_invoice AS invoice USING (kind)
            GROUP BY series.kind, last_number
            HAVING count(invoice.id) <> last_number
                OR coalesce(max(invoice.position), 0) <> last_number
        """,
    )


def invoices_equal_records() -> Finding:
    """Check what each invoice bills as usage and credit against its records."""
    return find(
        "I5 invoices",
        "each invoice's usage, less credit, is the sum of the records it bills",
        checked="SELECT count(*) FROM billing_invoice WHERE kind = 'invoice'",
        differing="""
            SELECT concat(number, ': lines ', billed_nanos, ', records ', due_nanos)
            FROM billing_invoice AS invoice
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(exact_nanos), 0) AS billed_nanos
                FROM billing_invoiceline AS line
                WHERE line.invoice_id = invoice.id AND line.transaction_id IS NULL
                    AND line.kind NOT IN ('carried', 'carried_on', 'tax')
            ) AS lines
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(cost_nanos - coalesce(credit_nanos, 0)), 0)
                    AS due_nanos
                FROM usage_usagerecord AS record
                WHERE record.organization_id = invoice.organization_id
                    AND NOT simulated AND sequence <= up_to_sequence
                    AND (record.cycle_start = invoice.cycle_start
                        OR record.cycle_start < invoice.cycle_start
                            AND sequence > after_sequence)
            ) AS records
            WHERE invoice.kind = 'invoice' AND billed_nanos <> due_nanos
        """,
    )


def unbilled_is_what_no_invoice_has() -> Finding:
    """Check what the ledger says is to be billed, so that nothing is billed twice."""
    return find(
        "I5 unbilled",
        "what is unbilled in the ledger is on no invoice yet, and the other way round",
        checked="SELECT count(*) FROM billing_ledgeraccount WHERE kind = 'unbilled'",
        differing=f"""
            SELECT concat('organization ', account.organization_id, ': unbilled ',
                          balance_nanos, ', due ', due_nanos)
            FROM billing_ledgeraccount AS account
            LEFT JOIN ({LAST_CLOSED}) AS closed USING (organization_id)
            CROSS JOIN LATERAL (
                SELECT coalesce((
                    SELECT carried_nanos FROM billing_invoice AS invoice
                    WHERE invoice.organization_id = account.organization_id
                        AND invoice.kind = 'invoice'
                    ORDER BY invoice.cycle_start DESC LIMIT 1
                ), 0) + coalesce((
                    SELECT sum(cost_nanos - coalesce(credit_nanos, 0))
                    FROM usage_usagerecord AS record
                    WHERE record.organization_id = account.organization_id
                        AND NOT simulated AND sequence <= {POSTED}
                        AND (closed.cycle_start IS NULL
                            OR record.cycle_start > closed.cycle_start
                            OR sequence > closed_sequence)
                ), 0) + coalesce((
                    SELECT sum(entry.amount_nanos)
                    FROM billing_ledgerentry AS entry
                    JOIN billing_ledgertransaction AS txn
                        ON txn.id = entry.transaction_id
                    LEFT JOIN billing_invoiceline AS line
                        ON line.transaction_id = txn.id
                    WHERE entry.account_id = account.id AND line.id IS NULL
                        AND txn.kind IN ('adjustment', 'early_credit', 'reversal')
                ), 0) AS due_nanos
            ) AS due
            WHERE account.kind = 'unbilled' AND balance_nanos <> due_nanos
        """,  # noqa: S608 - our own SQL
    )


def credit_notes_within_invoices() -> Finding:
    """Check what credit notes take back, together, of each invoice and each line."""
    return find(
        "I7 credit notes",
        "what credit notes take back is within their invoice and its lines",
        checked="SELECT count(*) FROM billing_invoice WHERE kind = 'credit_note'",
        differing="""
            SELECT concat(invoice.number, ': taken back ', sum(note.total_nanos),
                          ', total ', invoice.total_nanos)
            FROM billing_invoice AS invoice
            JOIN billing_invoice AS note ON note.credits_id = invoice.id
            GROUP BY invoice.id
            HAVING sum(note.net_nanos) > invoice.net_nanos
                OR sum(note.tax_nanos) > invoice.tax_nanos
                OR sum(note.net_nanos) = invoice.net_nanos
                    AND sum(note.tax_nanos) <> invoice.tax_nanos
                OR bool_or(note.organization_id <> invoice.organization_id)
            UNION ALL
            SELECT concat('line ', line.id, ': taken back ', sum(part.amount_nanos),
                          ', amount ', line.amount_nanos)
            FROM billing_invoiceline AS line
            JOIN billing_invoiceline AS part ON part.takes_back_id = line.id
            GROUP BY line.id HAVING sum(part.amount_nanos) > line.amount_nanos
        """,
    )


def receivable_is_what_is_due() -> Finding:
    """Check what the ledger says is to be paid against invoices and payments."""
    return find(
        "I5 receivable",
        "what is receivable in the ledger is invoices less credit notes and payments",
        checked="SELECT count(*) FROM billing_ledgeraccount WHERE kind = 'receivable'",
        differing="""
            SELECT concat('organization ', organization_id, ': receivable ',
                          coalesce(balance_nanos, 0), ', due ', coalesce(due_nanos, 0))
            FROM (
                SELECT organization_id, balance_nanos FROM billing_ledgeraccount
                WHERE kind = 'receivable'
            ) AS account
            FULL JOIN (
                SELECT organization_id, sum(nanos) AS due_nanos
                FROM (
                    SELECT organization_id, CASE kind WHEN 'credit_note'
                        THEN -total_nanos ELSE total_nanos END AS nanos
                    FROM billing_invoice
                    UNION ALL
                    SELECT organization_id, -amount_nanos FROM billing_invoicepayment
                ) AS documents
                GROUP BY organization_id
            ) AS documents USING (organization_id)
            WHERE coalesce(balance_nanos, 0) <> coalesce(due_nanos, 0)
        """,
    )
