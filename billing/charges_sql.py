"""
How a record's quantities are shared out among kinds and rates, in SQL, for all at once.

Written apart from `billing.pricing.charges_of`, which `verify_ledger` checks by it.
"""

from __future__ import annotations

# For a `usage_usagerecord` and its `billing_price`, both of whose columns are in sight.
SHARES = """
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
"""
# Place, kind, quantity, rate, and whether that kind has a long rate.
CHARGES_OF_RECORD = """VALUES
        (1, 'input', text - written - cached, rates.input, true),
        (2, 'cached_input', cached, coalesce(rates.cached_input, rates.input), true),
        (3, 'cache_write', written, coalesce(rates.cache_write, rates.input), true),
        (4, 'audio_input', audio - cached_audio, audio_input_nanos, false),
        (5, 'cached_audio_input', cached_audio,
            coalesce(cached_audio_input_nanos, audio_input_nanos), false),
        (6, 'image_input', image - cached_image, image_input_nanos, false),
        (7, 'cached_image_input', cached_image,
            coalesce(cached_image_input_nanos, image_input_nanos), false),
        (8, 'output', output_tokens - spoken - drawn, rates.output, true),
        (9, 'audio_output', spoken, audio_output_nanos, false),
        (10, 'image_output', drawn, image_output_nanos, false),
        (11, 'character', characters, character_nanos, false),
        (12, 'second', seconds, second_nanos, false)
"""
