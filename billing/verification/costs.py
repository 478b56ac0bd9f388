"""Each cost against the price that its record names."""

from __future__ import annotations

from billing.verification.findings import Finding, find

# Written apart from billing.pricing, which it checks. A quantity without a rate makes
# a cost unknown, which is nothing that a metered record can have.
DUE = """
    SELECT event_id, cost_nanos, CASE price_id WHEN 0 THEN 0 ELSE (
        SELECT CASE WHEN bool_or(nanos IS NULL) THEN NULL
                    ELSE coalesce(sum(quantity * nanos), 0) END
        FROM (VALUES
            (text - written - cached, rates.input),
            (cached, coalesce(rates.cached_input, rates.input)),
            (written, coalesce(rates.cache_write, rates.input)),
            (audio - cached_audio, audio_input_nanos),
            (cached_audio, coalesce(cached_audio_input_nanos, audio_input_nanos)),
            (image - cached_image, image_input_nanos),
            (cached_image, coalesce(cached_image_input_nanos, image_input_nanos)),
            (output_tokens - spoken - drawn, rates.output),
            (spoken, audio_output_nanos),
            (drawn, image_output_nanos),
            (characters, character_nanos),
            (seconds, second_nanos)
        ) AS charge (quantity, nanos) WHERE quantity <> 0
    ) END AS due
    FROM usage_usagerecord AS record
    LEFT JOIN billing_price AS price ON price.id = record.price_id
    CROSS JOIN LATERAL (
        SELECT input_nanos, cached_input_nanos, cache_write_nanos, output_nanos
        WHERE (input_tokens > long_context_above) IS NOT TRUE
        UNION ALL
        SELECT long_input_nanos, long_cached_input_nanos, long_cache_write_nanos,
               long_output_nanos
        WHERE input_tokens > long_context_above
    ) AS rates (input, cached_input, cache_write, output)
    CROSS JOIN LATERAL (
        SELECT least(audio_input_tokens, input_tokens) AS audio,
               least(audio_output_tokens, output_tokens) AS spoken
    ) AS sound
    CROSS JOIN LATERAL (
        SELECT least(cached_audio_input_tokens, audio) AS cached_audio,
               CASE WHEN image_input_nanos IS NULL THEN 0
                    ELSE least(image_input_tokens, input_tokens - audio) END AS image,
               least(image_output_tokens, output_tokens - spoken) AS drawn
    ) AS images
    CROSS JOIN LATERAL (
        SELECT input_tokens - audio - image AS text,
               least(cached_image_input_tokens, image) AS cached_image
    ) AS texts
    CROSS JOIN LATERAL (SELECT least(cache_write_tokens, text) AS written) AS dearest
    CROSS JOIN LATERAL (
        SELECT least(text - written, greatest(
            cached_input_tokens - cached_audio - cached_image, 0
        )) AS cached
    ) AS cheapest
    WHERE kind = 'actual'
"""


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
    """Check that each record's price is of its model and began before it."""
    return find(
        "I7 prices",
        "each record's price is one of its model and was in force",
        checked="SELECT count(*) FROM billing_price",
        differing="""
            SELECT concat('record ', event_id, ' of ', record.model, ': price ',
                          price.id, ' of ', price.model, ' from ', effective_from)
            FROM usage_usagerecord AS record
            JOIN billing_price AS price ON price.id = record.price_id
            WHERE effective_from > occurred_at OR NOT (
                record.model = price.model
                OR right(price.model, 1) = '*'
                AND starts_with(record.model, left(price.model, -1))
            )
            UNION ALL
            SELECT concat('price of ', model, ' from ', effective_from, ' overlaps')
            FROM billing_price GROUP BY model, service_tier, effective_from
            HAVING count(*) > 1
        """,
    )
