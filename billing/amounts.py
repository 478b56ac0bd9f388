"""Amounts as people enter them: dollars with at most cents."""

from __future__ import annotations

import re
from decimal import Decimal

from core.money import LARGEST_AMOUNT_NANOS, cents_usd
from core.money import nanos_from_dollars as to_nanos

# At most so many characters are looked at, or shown again in a message.
LONGEST = 40
NUMBER = re.compile(
    r"(?P<sign>[+-]?)\$? ?(?P<whole>\d{1,3}(,\d{3})+|\d+)?(\.(?P<fraction>\d*))?",
    re.ASCII,
)
EXAMPLE = "Enter dollars with at most two decimals, such as 250 or 99.50."


class NotAnAmount(ValueError):
    """The text is not an amount; the message says what is allowed."""


def amount_from(text: str, *, least_nanos: int = 0) -> int:
    """
    Return the amount that a person entered, in nano-dollars.

    Takes `250`, `99.5`, `1,234.50` and a leading `$`; nothing beyond cents.

    :raises NotAnAmount: if it is anything else, too small or too large.
    """
    entered = text.strip().removesuffix("USD").strip()
    sign, whole, fraction = parts_of(entered)
    if sign == "-":
        raise NotAnAmount(f"An amount cannot be negative. {EXAMPLE}")
    if len(fraction.rstrip("0")) > 2:
        raise NotAnAmount(f"An amount has at most cents. {EXAMPLE}")
    largest = f"The largest amount is ${cents_usd(LARGEST_AMOUNT_NANOS)}."
    if len(whole) > len(str(LARGEST_AMOUNT_NANOS)):
        raise NotAnAmount(largest)
    nanos = to_nanos(Decimal(f"{whole or 0}.{fraction or 0}"))
    if nanos > LARGEST_AMOUNT_NANOS:
        raise NotAnAmount(largest)
    if nanos < least_nanos:
        raise NotAnAmount(f"The smallest amount is ${cents_usd(least_nanos)}.")
    return nanos


def parts_of(entered: str) -> tuple[str, str, str]:
    """Return sign, whole dollars and decimals, without separators."""
    if not entered:
        raise NotAnAmount(f"No amount was entered. {EXAMPLE}")
    found = NUMBER.fullmatch(entered)
    if found is None or not (found["whole"] or found["fraction"]):
        shown = entered if len(entered) <= LONGEST else entered[:LONGEST] + "…"
        raise NotAnAmount(f"“{shown}” is not an amount. {EXAMPLE}")
    whole = (found["whole"] or "").replace(",", "")
    return found["sign"], whole, found["fraction"] or ""
