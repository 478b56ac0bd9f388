"""CSV that spreadsheets open and do not run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(lines: Iterable[Sequence[str]]) -> str:
    """Return lines as CSV (RFC 4180) that no spreadsheet takes for formulas."""
    text = io.StringIO()
    writer = csv.writer(text)
    for line in lines:
        writer.writerow([defused(value) for value in line])
    return text.getvalue()


def defused(value: str) -> str:
    """
    Return a value that a spreadsheet shows and does not run.

    What begins like a formula gets an apostrophe (OWASP, "CSV Injection"); numbers,
    also negative ones, stay numbers.
    """
    if not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    return value if is_number(value) else f"'{value}"


def is_number(value: str) -> bool:
    return value.removeprefix("-").replace(".", "", 1).isdecimal()
