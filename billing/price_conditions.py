"""What every row of the price list keeps to, as conditions of the database."""

from __future__ import annotations

from functools import reduce
from operator import and_

from django.db.models import Q

RATES = ("input_nanos", "cached_input_nanos", "cache_write_nanos", "output_nanos")
LONG_RATES = tuple(f"long_{name}" for name in RATES)


def rates_are_positive() -> Q:
    """Return the condition that a rate is above zero or absent; input has one."""
    conditions = (
        Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": 0})
        for name in (*RATES[1:], *LONG_RATES)
    )
    return reduce(and_, conditions, Q(input_nanos__gt=0))


def long_context_is_whole() -> Q:
    """Return the condition that a threshold has all long rates, or there is none."""
    nothing = {f"{name}__isnull": True for name in LONG_RATES}
    whole = Q(long_context_above__isnull=False, long_input_nanos__isnull=False)
    for name in RATES[1:]:
        whole &= Q(**{f"{name}__isnull": True}) | Q(**{f"long_{name}__isnull": False})
    return Q(long_context_above__isnull=True, **nothing) | whole
