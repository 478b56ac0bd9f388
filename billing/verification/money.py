"""Budgets, holds and credit against the records."""

from __future__ import annotations

from billing.verification.findings import Finding, find

# A sweep may be late by so many intervals before what it left is a finding.
INTERVALS_LATE = 3
SUBJECT_AMOUNTS = """
    WITH amounts AS (
        SELECT organization_id, cycle_start, scope, subject_id, sum({amount}) AS amount
        FROM {table} CROSS JOIN LATERAL (
            VALUES ('key', api_key_id), ('member', user_id)
        ) AS subject (scope, subject_id)
        WHERE subject_id IS NOT NULL
        GROUP BY organization_id, cycle_start, scope, subject_id
    )
"""


def charges_within_holds() -> Finding:
    """Check that what was charged had been set aside, so that no limit was passed."""
    return find(
        "I1 within holds",
        "no request was charged more than was held for it",
        # Nothing needs to be held where no limit applies.
        checked="SELECT count(*) FROM usage_usagerecord WHERE held_nanos > 0",
        differing="""
            SELECT concat('record ', event_id, ': cost ', cost_nanos,
                          ', held ', held_nanos)
            FROM usage_usagerecord
            WHERE held_nanos > 0 AND cost_nanos > held_nanos
        """,
    )


def budgets_equal_records() -> Finding:
    """Check what each budget row says was spent."""
    return find(
        "I2 spent",
        "each budget's spent is the sum of its records' cost",
        checked="SELECT count(*) FROM billing_budget",
        differing="""
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ': spent ', coalesce(spent_nanos, 0),
                          ', records ', coalesce(cost_nanos, 0))
            FROM billing_budget
            FULL JOIN (
                SELECT organization_id, cycle_start, sum(cost_nanos) AS cost_nanos
                FROM usage_usagerecord GROUP BY organization_id, cycle_start
            ) AS records USING (organization_id, cycle_start)
            WHERE coalesce(spent_nanos, 0) <> coalesce(cost_nanos, 0)
        """,
    )


def budgets_equal_holds() -> Finding:
    """Check what each budget row says is held."""
    return find(
        "I2 held",
        "each budget's held is the sum of its open holds",
        checked="SELECT count(*) FROM billing_budget",
        differing="""
            SELECT concat('budget ', coalesce(budget.id, holds.budget_id),
                          ': held ', coalesce(held_nanos, 0),
                          ', holds ', coalesce(bound_nanos, 0))
            FROM billing_budget AS budget
            FULL JOIN (
                SELECT budget_id, organization_id, cycle_start,
                       sum(bound_nanos) AS bound_nanos
                FROM billing_hold GROUP BY budget_id, organization_id, cycle_start
            ) AS holds
                ON holds.budget_id = budget.id
                AND holds.organization_id = budget.organization_id
                AND holds.cycle_start = budget.cycle_start
            WHERE coalesce(held_nanos, 0) <> coalesce(bound_nanos, 0)
                OR budget.id IS NULL
        """,
    )


def scope_budgets_equal_records() -> Finding:
    """Check what each key and member is said to have spent."""
    return find(
        "I2 scopes spent",
        "what each key and member spent is the sum of their records' cost",
        checked="SELECT count(*) FROM billing_scopebudget",
        differing=f"""
            {SUBJECT_AMOUNTS.format(amount="cost_nanos", table="usage_usagerecord")}
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ', ', scope, ' ', subject_id,
                          ': spent ', coalesce(spent_nanos, 0),
                          ', records ', coalesce(amount, 0))
            FROM billing_scopebudget
            FULL JOIN amounts USING (organization_id, cycle_start, scope, subject_id)
            WHERE coalesce(spent_nanos, 0) <> coalesce(amount, 0)
        """,  # noqa: S608 - our own SQL
    )


def scope_budgets_equal_holds() -> Finding:
    """Check what is said to be held for each key and member."""
    return find(
        "I2 scopes held",
        "what is held for each key and member is the sum of their open holds",
        checked="SELECT count(*) FROM billing_scopebudget",
        differing=f"""
            {SUBJECT_AMOUNTS.format(amount="bound_nanos", table="billing_hold")}
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ', ', scope, ' ', subject_id,
                          ': held ', coalesce(held_nanos, 0),
                          ', holds ', coalesce(amount, 0))
            FROM billing_scopebudget
            FULL JOIN amounts USING (organization_id, cycle_start, scope, subject_id)
            WHERE coalesce(held_nanos, 0) <> coalesce(amount, 0)
        """,  # noqa: S608 - our own SQL
    )


def keys_add_up_to_budgets() -> Finding:
    """Check the parts against the whole: every request has a key."""
    return find(
        "I2 keys",
        "each budget is the sum of its keys' parts",
        checked="SELECT count(*) FROM billing_budget",
        differing="""
            SELECT concat('organization ', organization_id, ' in ', cycle_start,
                          ': spent and held ', budget.spent_nanos, ' and ',
                          budget.held_nanos, ', keys ', coalesce(keys.spent_nanos, 0),
                          ' and ', coalesce(keys.held_nanos, 0))
            FROM billing_budget AS budget
            LEFT JOIN (
                SELECT organization_id, cycle_start, sum(spent_nanos) AS spent_nanos,
                       sum(held_nanos) AS held_nanos
                FROM billing_scopebudget WHERE scope = 'key'
                GROUP BY organization_id, cycle_start
            ) AS keys USING (organization_id, cycle_start)
            WHERE budget.spent_nanos <> coalesce(keys.spent_nanos, 0)
                OR budget.held_nanos <> coalesce(keys.held_nanos, 0)
        """,
    )


def holds_not_recorded() -> Finding:
    """Check that a request is under way or over, never both."""
    return find(
        "I3 ended holds",
        "no request is both held and recorded",
        checked="SELECT count(*) FROM billing_hold",
        differing="""
            SELECT concat('request ', event_id, ' is held and recorded')
            FROM billing_hold JOIN usage_usagerecord USING (event_id)
        """,
    )


def holds_of_living_gateways(*, sweep_interval_s: float) -> Finding:
    """Check that what a lost gateway held was swept."""
    return find(
        "I4 orphans",
        "no hold outlives its gateway",
        checked="SELECT count(*) FROM billing_hold",
        differing="""
            SELECT concat('request ', hold.event_id, ' of gateway ', gateway_id,
                          ', last seen ', coalesce(beat_at, hold.created_at))
            FROM billing_hold AS hold
            LEFT JOIN billing_gatewayprocess AS process
                ON process.id = hold.gateway_id
            WHERE coalesce(beat_at, hold.created_at)
                < clock_timestamp() - make_interval(secs => %(late_s)s)
        """,
        parameters={"late_s": INTERVALS_LATE * sweep_interval_s},
    )


def credit_within_grants() -> Finding:
    """Check that credit was consumed by charges, and no more than was granted."""
    return find(
        "credit",
        "credit was consumed within its grant, and by charges",
        checked="SELECT count(*) FROM billing_creditgrant",
        differing="""
            SELECT concat('credit grant ', id, ': consumed ', consumed_nanos,
                          ' of ', amount_nanos)
            FROM billing_creditgrant
            WHERE consumed_nanos NOT BETWEEN 0 AND amount_nanos
            UNION ALL
            SELECT concat('organization ', organization_id, ': credit consumed ',
                          consumed_nanos, ', charged ', coalesce(charged_nanos, 0))
            FROM (
                SELECT organization_id, sum(consumed_nanos) AS consumed_nanos
                FROM billing_creditgrant GROUP BY organization_id
            ) AS credit
            LEFT JOIN (
                SELECT organization_id, sum(greatest(cost_nanos, 0)) AS charged_nanos
                FROM usage_usagerecord GROUP BY organization_id
            ) AS records USING (organization_id)
            WHERE consumed_nanos > coalesce(charged_nanos, 0)
        """,
    )
