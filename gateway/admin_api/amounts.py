"""Money as the JSON of OpenAI's answers has it."""

from __future__ import annotations

from core.money import NANOS_PER_CENT, NANOS_PER_DOLLAR


def dollars(nanos: int) -> float:
    """
    Return a number of dollars.

    Rounded to nine places it is exact again, up to nine million dollars.
    """
    return nanos / NANOS_PER_DOLLAR


def cents(nanos: int) -> float:
    """Return a number of cents, with what is finer behind the point."""
    return nanos / NANOS_PER_CENT
