"""The countries of billing addresses: ISO 3166-1, by their codes."""

from __future__ import annotations

import pycountry


def country_choices() -> list[tuple[str, str]]:
    """Return codes and names, by name."""
    names = ((each.alpha_2, short_name(each)) for each in pycountry.countries)
    return sorted(names, key=lambda pair: pair[1])


def country_name(code: str) -> str:
    """Return a country's name; the code itself if nobody knows it."""
    found = pycountry.countries.get(alpha_2=code) if code else None
    return short_name(found) if found is not None else code


def short_name(country: object) -> str:
    return str(getattr(country, "common_name", None) or getattr(country, "name", ""))
