"""What every row of the price list keeps to, as conditions of the database."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from django.db.models import Q

# The rates of text, which may be others above a length.
RATES = ("input_nanos", "cached_input_nanos", "cache_write_nanos", "output_nanos")
LONG_RATES = tuple(f"long_{name}" for name in RATES)
# The rates of sound and images, the same at any length.
MEDIA_RATES = (
    "audio_input_nanos",
    "cached_audio_input_nanos",
    "image_input_nanos",
    "cached_image_input_nanos",
    "audio_output_nanos",
    "image_output_nanos",
    "character_nanos",
    "second_nanos",
)
EVERY_RATE = (*RATES, *LONG_RATES, *MEDIA_RATES)


def rates_are_positive() -> Q:
    """Return the condition that a rate is above zero or absent."""
    conditions = (
        Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": 0}) for name in EVERY_RATE
    )
    return reduce(and_, conditions)


def ends_or_prices() -> Q:
    """
    Return the condition that a row has rates, or ends those before it.

    Rates are there if what goes in has one, by one unit or another.
    """
    units = ("input_nanos", "character_nanos", "second_nanos")
    something = reduce(or_, (Q(**{f"{name}__isnull": False}) for name in units))
    nothing = reduce(and_, (Q(**{f"{name}__isnull": True}) for name in EVERY_RATE))
    return Q(ends=False) & something | Q(ends=True) & nothing


def long_context_is_whole() -> Q:
    """Return the condition that a threshold has all long rates, or there is none."""
    nothing = {f"{name}__isnull": True for name in LONG_RATES}
    whole = Q(long_context_above__isnull=False, long_input_nanos__isnull=False)
    for name in RATES[1:]:
        whole &= Q(**{f"{name}__isnull": True}) | Q(**{f"long_{name}__isnull": False})
    return Q(long_context_above__isnull=True, **nothing) | whole
