"""Money: integer nano-dollars (1e-9 USD) inside, dollars for people at the edge."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANOS_PER_DOLLAR = 1_000_000_000
NANOS_PER_CENT = 10_000_000
# A signed 64-bit column holds 9.2 billion dollars; no amount a person enters may
# come near it, so that sums never overflow.
LARGEST_AMOUNT_NANOS = 10_000_000 * NANOS_PER_DOLLAR


class NotWholeNanos(ValueError):
    """An amount is finer than a nano-dollar."""


def nanos_from_dollars(dollars: Decimal) -> int:
    """
    Convert dollars to nano-dollars exactly.

    :raises NotWholeNanos: if the amount is finer than a nano-dollar.
    """
    nanos = dollars * NANOS_PER_DOLLAR
    if nanos != nanos.to_integral_value():
        raise NotWholeNanos(f"{dollars} USD is finer than a nano-dollar")
    return int(nanos)


def dollars_from_nanos(nanos: int) -> Decimal:
    """Convert nano-dollars to dollars exactly."""
    return Decimal(nanos) / NANOS_PER_DOLLAR


def exact_usd(nanos: int) -> str:
    """Write an amount in full, without trailing zeros: `0.0001234`."""
    text = f"{dollars_from_nanos(nanos):.9f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def cents_usd(nanos: int) -> str:
    """Write an amount rounded to cents, with separators: `1,234.50`."""
    rounded = dollars_from_nanos(nanos).quantize(
        Decimal("0.01"), rounding=ROUND_HALF_EVEN
    )
    return f"{rounded:,.2f}"
