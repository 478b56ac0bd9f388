"""Each cost against the price that its record names."""

from __future__ import annotations

from billing.charges_sql import CHARGES_OF_RECORD, SHARES
from billing.verification.findings import Finding, find

# A quantity without a rate makes a cost unknown, which is nothing that a metered
# record can have.
DUE = f"""
    SELECT event_id, cost_nanos, CASE price_id WHEN 0 THEN 0 ELSE (
        SELECT CASE WHEN bool_or(nanos IS NULL) THEN NULL
                    ELSE coalesce(sum(quantity * nanos), 0) END
        FROM ({CHARGES_OF_RECORD}) AS charge (place, kind, quantity, nanos, has_long)
        WHERE quantity <> 0
    ) END AS due
    FROM usage_usagerecord AS record
    LEFT JOIN billing_price AS price ON price.id = record.price_id
    {SHARES}
    WHERE kind = 'actual'
"""  # noqa: S608 - our own SQL


def costs_equal_prices() -> Finding:
    """Check each cost that was metered: quantities times the rates of its price."""
    return find(
        "I7 costs",
        "each cost is quantity times price, of the price in its record",
        checked="SELECT count(*) FROM usage_usagerecord WHERE kind = 'actual'",
        differing=f"""
            SELECT concat('record ', event_id, ': cost ', cost_nanos, ', due ', due)
            FROM ({DUE}) AS record
            WHERE due IS DISTINCT FROM cost_nanos
        """,  # noqa: S608 - our own SQL
    )


def prices_were_in_force() -> Finding:
    """Check that each record's price is of its model and owner, and began before it."""
    return find(
        "I7 prices",
        "each record's price is one of its model and organization, and was in force",
        checked="SELECT count(*) FROM billing_price",
        differing="""
            SELECT concat('record ', event_id, ' of ', record.model, ': price ',
                          price.id, ' of ', price.model, ' from ', effective_from)
            FROM usage_usagerecord AS record
            JOIN billing_price AS price ON price.id = record.price_id
            WHERE effective_from > occurred_at OR price.ends
                OR price.organization_id <> record.organization_id OR NOT (
                record.model = price.model
                OR right(price.model, 1) = '*'
                AND starts_with(record.model, left(price.model, -1))
            )
            UNION ALL
            SELECT concat('price of ', model, ' from ', effective_from, ' overlaps')
            FROM billing_price
            GROUP BY organization_id, model, service_tier, effective_from
            HAVING count(*) > 1
        """,
    )
