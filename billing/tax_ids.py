"""Tax ids, checked as their countries form them. Pure."""

from __future__ import annotations

import re

from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

# What a country calls the number that stands on invoices, as the library names it.
NUMBERS = ("vat", "tin", "businessid")
# Of a country that the library does not know.
ANY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{2,39}")


class WrongTaxId(ValueError):
    """The text is no tax id of the country."""


def checked_tax_id(country: str, text: str) -> str:
    """
    Return a tax id as its country writes it without separators; empty if there is none.

    :raises WrongTaxId: if its form or its check digits are wrong.
    """
    entered = text.strip()
    if not entered:
        return ""
    modules = [get_cc_module(country.lower(), name) for name in NUMBERS]
    known = [module for module in modules if module is not None]
    for module in known:
        try:
            return str(module.validate(entered))
        except ValidationError:
            continue  # it may be another of the country's numbers
    if known or not ANY.fullmatch(entered):
        raise WrongTaxId
    return entered
