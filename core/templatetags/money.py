"""Money in templates: `{{ nanos|usd }}` and `{{ nanos|usd_exact }}`."""

from __future__ import annotations

from django import template

from core import money

register = template.Library()
NOTHING = "—"


@register.filter
def usd(nanos: int | None) -> str:
    """Write nano-dollars rounded to cents: `$1,234.50`; a dash for no amount."""
    if nanos is None:
        return NOTHING
    return signed(nanos, money.cents_usd(abs(nanos)))


@register.filter
def usd_exact(nanos: int | None) -> str:
    """Write nano-dollars in full, with at least two decimals: `$0.000123456`."""
    if nanos is None:
        return NOTHING
    whole, _, fraction = money.exact_usd(abs(nanos)).partition(".")
    return signed(nanos, f"{int(whole):,}.{fraction}")


@register.filter
def usd_change(nanos: int) -> str:
    """Write a difference in full, with its sign: `+$1.20`, `-$0.50`, `$0.00`."""
    return f"+{usd_exact(nanos)}" if nanos > 0 else usd_exact(nanos)


@register.filter
def usd_for(nanos: int | None, count: int) -> str:
    """Write what so many cost in full, as price lists do: of a million, `$2.50`."""
    return usd_exact(None if nanos is None else nanos * count)


@register.filter
def cents(nanos: int) -> str:
    """Write nano-dollars as a form's field has them: `1234.50`."""
    return money.cents_usd(nanos).replace(",", "")


def signed(nanos: int, amount: str) -> str:
    return f"-${amount}" if nanos < 0 else f"${amount}"
