"""The records themselves: once, priced by the list, summed up in the rollups."""

from __future__ import annotations

from billing.verification.findings import Finding, find

ALL_RECORDS = "SELECT count(*) FROM usage_usagerecord"
# Written apart from usage.counts and usage.rollups, which they check.
COUNTS = (
    *("input_tokens", "cached_input_tokens", "cache_write_tokens"),
    *("audio_input_tokens", "cached_audio_input_tokens"),
    *("image_input_tokens", "cached_image_input_tokens"),
    *("output_tokens", "reasoning_tokens"),
    *("audio_output_tokens", "image_output_tokens"),
    *("characters", "seconds"),
)
RECOMPUTED_HOURS = f"""
    SELECT organization_id, date_bin('1 hour', occurred_at, '2000-01-01 00:00+00'),
           cycle_start, api_key_id, user_id, model, endpoint, simulated,
           sum(CASE kind WHEN 'correction' THEN 0 ELSE 1 END),
           sum(CASE WHEN kind = 'correction' THEN 0
                    WHEN outcome IN ('succeeded', 'cached', 'client_left') THEN 0
                    ELSE 1 END),
           sum(CASE kind WHEN 'estimated' THEN 1 ELSE 0 END),
           {", ".join(f"sum({name})" for name in COUNTS)}, sum(cost_nanos)
    FROM usage_usagerecord
    WHERE sequence <= (SELECT sequence FROM usage_rollupwatermark)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608 - our own column names
HOUR_COLUMNS = (
    "organization_id, hour, cycle_start, api_key_id, user_id, model, endpoint, "
    "simulated, requests, failed_requests, estimated_requests, "
    f"{', '.join(COUNTS)}, cost_nanos"
)
HOURS = f"SELECT {HOUR_COLUMNS} FROM usage_usagehour"  # noqa: S608 - our own names

DIMENSIONS = ", ".join(
    (
        *("organization_id", "hour", "cycle_start", "api_key_id", "user_id"),
        *("model", "endpoint", "simulated"),
    )
)
TIMING_COLUMNS = f"{DIMENSIONS}, measure, bucket, amount"
# Where buckets of latencies begin: four for each doubling from 16 ms on.
BUCKETS_MS = [round(2 ** (4 + n / 4)) for n in range(64)]
# A line for each bucket that has something, so that rows differ wherever they do.
RECOMPUTED_TIMINGS = f"""
    SELECT {DIMENSIONS}, measure, bucket, sum(amount)
    FROM (
        SELECT *, date_bin('1 hour', occurred_at, '2000-01-01 00:00+00') AS hour,
            latency_ms::bigint AS whole_ms, first_token_ms::bigint AS first_ms
        FROM usage_usagerecord
        WHERE kind <> 'correction' AND outcome = 'succeeded' AND sequence <=
            (SELECT timed_sequence FROM usage_rollupwatermark)
    ) AS record CROSS JOIN LATERAL (VALUES
        ('latency', width_bucket(whole_ms, ARRAY{BUCKETS_MS}::bigint[]), 1),
        ('first token', width_bucket(first_ms, ARRAY{BUCKETS_MS}::bigint[]), 1),
        ('tokens', 0, CASE WHEN first_ms < whole_ms THEN output_tokens END),
        ('generation', 0, CASE WHEN first_ms < whole_ms THEN whole_ms - first_ms END)
    ) AS measured (measure, bucket, amount)
    WHERE bucket IS NOT NULL AND amount > 0
    GROUP BY {DIMENSIONS}, measure, bucket
"""  # noqa: S608 - our own names
TIMINGS = " UNION ALL ".join(
    f"SELECT {DIMENSIONS}, '{measure}', place - 1, amount FROM usage_timinghour, "  # noqa: S608
    f"unnest({amounts}) WITH ORDINALITY AS bucket (amount, place) WHERE amount <> 0"
    for measure, amounts in (
        ("latency", "latency_counts"),
        ("first token", "first_token_counts"),
        ("tokens", "ARRAY[generated_tokens]"),
        ("generation", "ARRAY[generation_ms]"),
    )
)


def records_are_unique() -> Finding:
    """Check that a request is recorded once, and lies where its id says."""
    return find(
        "I3 once",
        "each request is recorded once, at the instant inside its id",
        checked=ALL_RECORDS,
        differing="""
            SELECT concat('request ', event_id, ' is recorded ', count(*), ' times')
            FROM usage_usagerecord GROUP BY event_id HAVING count(*) > 1
            UNION ALL
            SELECT concat('record ', event_id, ' says ', occurred_at)
            FROM usage_usagerecord
            WHERE ('x' || left(replace(event_id::text, '-', ''), 12))::bit(48)::bigint
                <> floor(extract(epoch FROM occurred_at) * 1000)
        """,
    )


def corrections_name_estimates() -> Finding:
    """Check that what is corrected is an estimate of the same budget."""
    return find(
        "I3 corrections",
        "each correction is of one estimate, paid by the same budget",
        checked="SELECT count(*) FROM usage_usagerecord WHERE kind = 'correction'",
        differing="""
            SELECT concat('correction ', correction.event_id,
                          ' of ', correction.corrects)
            FROM (
                SELECT *, count(*) OVER (PARTITION BY corrects) AS rivals
                FROM usage_usagerecord WHERE kind = 'correction'
            ) AS correction
            LEFT JOIN usage_usagerecord AS estimate
                ON estimate.event_id = correction.corrects
                AND estimate.kind = 'estimated'
                AND estimate.organization_id = correction.organization_id
                AND estimate.cycle_start = correction.cycle_start
            WHERE estimate.event_id IS NULL OR rivals > 1
        """,
    )


def rollups_equal_records() -> Finding:
    """Check the rollups by every dimension, up to their watermark."""
    return find(
        "I5 rollups",
        "the rollups are the sums of the records, by every dimension",
        checked="SELECT count(*) FROM usage_usagehour",
        differing=f"""
            SELECT concat(side, ': ', row(bad.*)) FROM (
                SELECT 'rollup' AS side, *
                FROM ({HOURS} EXCEPT ALL {RECOMPUTED_HOURS}) AS kept ({HOUR_COLUMNS})
                UNION ALL
                SELECT 'records', *
                FROM ({RECOMPUTED_HOURS} EXCEPT ALL {HOURS}) AS due ({HOUR_COLUMNS})
            ) AS bad
        """,  # noqa: S608 - our own SQL
    )


def timings_equal_records() -> Finding:
    """Check the timings by every dimension and bucket, up to their watermark."""
    return find(
        "I5 timings",
        "the timings are the counts of the records, by every dimension and bucket",
        checked="SELECT count(*) FROM usage_timinghour",
        differing=f"""
            SELECT concat(side, ': ', row(bad.*)) FROM (
                SELECT 'rollup' AS side, * FROM (({TIMINGS})
                    EXCEPT ALL {RECOMPUTED_TIMINGS}) AS kept ({TIMING_COLUMNS})
                UNION ALL
                SELECT 'records', * FROM ({RECOMPUTED_TIMINGS}
                    EXCEPT ALL ({TIMINGS})) AS due ({TIMING_COLUMNS})
            ) AS bad
        """,  # noqa: S608 - our own SQL
    )


def records_are_append_only() -> Finding:
    """Check that nobody has turned off what refuses changes."""
    return find(
        "I6 append-only",
        "the triggers that refuse changes are in force",
        checked="SELECT count(*) FROM pg_trigger WHERE tgname ~ '_append_only$'",
        differing="""
            SELECT concat(coalesce(tgrelid::regclass::text, relation), ' can change')
            FROM (VALUES ('usage_usagerecord'), ('orgs_auditevent'),
                         ('billing_ledgertransaction'), ('billing_ledgerentry'),
                         ('billing_invoice'), ('billing_invoiceline'),
                         ('billing_invoicepayment'))
                AS expected (relation)
            FULL JOIN (
                SELECT tgrelid, tgenabled FROM pg_trigger
                WHERE tgname ~ '_append_only$'
            ) AS found ON tgrelid = to_regclass(relation)
            WHERE tgenabled IS NULL OR tgenabled NOT IN ('O', 'A')
        """,
    )
