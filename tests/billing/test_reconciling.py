"""What was booked and what was billed is compared by day and model: all of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.reconciliation_models import ReconciliationRow, Verdict
from billing.reconciling import (
    NAMELESS,
    Booked,
    Compared,
    Tolerance,
    compare,
    family,
    name_of,
)
from billing.reconciling_words import explanation
from core.money import NANOS_PER_CENT, NANOS_PER_DOLLAR
from keys.provider_figures import Cost, Count
from tests.factories import usd

DAY = date(2026, 11, 2)
EXACT = Tolerance(0, Decimal(0))


def booked(model: str, dollars: str, *, tokens: int = 10, estimated: int = 0) -> Booked:
    return Booked(DAY, model, usd(dollars), 1, estimated, tokens)


def billed(line_item: str, dollars: str) -> Cost:
    return Cost(DAY, line_item, Decimal(dollars))


def only(
    ours: list[Booked],
    theirs: list[Cost],
    *,
    counts: tuple[Count, ...] = (),
    tolerance: Tolerance = EXACT,
) -> Compared:
    (row,) = compare(booked=ours, costs=theirs, counts=counts, tolerance=tolerance)
    return row


@pytest.mark.parametrize(
    ("line_item", "name"),
    [
        ("gpt-4o-mini-2024-07-18, input", "gpt-4o-mini"),
        ("gpt-4o-2024-08-06, cached input", "gpt-4o"),
        ("gpt-5, output_tokens", "gpt-5"),
        ("GPT-5, Output", "gpt-5"),
        ("gpt-4o-audio-preview, audio input", "gpt-4o-audio-preview"),
        ("ft:gpt-4o-2024-08-06:acme::x1, output", "ft:gpt-4o:acme::x1"),
        ("whisper-1", "whisper-1"),
        ("file search tool calls", "file search tool calls"),
        ("web search, per call", "web search, per call"),
        ("", NAMELESS),
    ],
)
def test_a_line_item_is_of_a_model_or_stays_itself(line_item: str, name: str) -> None:
    assert name_of(line_item, {"whisper-1"}) == name


def test_a_snapshot_and_its_family_are_one_model() -> None:
    assert family("gpt-5-2025-08-07") == family("gpt-5") == "gpt-5"
    row = only(
        [booked("gpt-5", "1"), booked("gpt-5-2025-08-07", "2")],
        [billed("gpt-5-2025-08-07, input", "2.5"), billed("gpt-5, output", "0.5")],
    )

    assert row.verdict == Verdict.MATCHED
    assert row.ours_nanos == row.theirs_nanos == usd(3)
    assert row.line_items == ["gpt-5, output", "gpt-5-2025-08-07, input"]


def test_each_verdict_is_found() -> None:
    verdicts = {
        row.model: row.verdict
        for row in compare(
            booked=[booked("a", "1"), booked("b", "1"), booked("c", "1")],
            costs=[billed("a", "1"), billed("b", "1.5"), billed("d", "1")],
            counts=[],
            tolerance=EXACT,
        )
    }

    assert verdicts == {
        "a": Verdict.MATCHED,
        "b": Verdict.DIFFERS,
        "c": Verdict.OURS_ONLY,
        "d": Verdict.THEIRS_ONLY,
    }


@pytest.mark.parametrize(
    ("dollars", "verdict"),
    [("100.99", Verdict.MATCHED), ("101.02", Verdict.DIFFERS)],
)
def test_a_share_of_their_amount_is_tolerated(dollars: str, verdict: Verdict) -> None:
    tolerance = Tolerance(NANOS_PER_CENT, Decimal(1))
    row = only([booked("a", "100")], [billed("a", dollars)], tolerance=tolerance)

    assert row.verdict == verdict


def test_a_cent_is_tolerated_where_the_share_is_less() -> None:
    tolerance = Tolerance(NANOS_PER_CENT, Decimal(1))
    row = only([booked("a", "0.02")], [billed("a", "0.03")], tolerance=tolerance)
    small = only([booked("a", "0.005")], [], tolerance=tolerance)

    assert row.verdict == small.verdict == Verdict.MATCHED


def test_many_small_amounts_are_rounded_once() -> None:
    """Each alone would be rounded to nothing."""
    costs = [billed("a", "0.0000000004")] * 1000
    row = only([booked("a", "0.0000004")], costs)

    assert row.theirs_nanos == 400
    assert row.verdict == Verdict.MATCHED


def test_what_cost_nobody_anything_is_no_row() -> None:
    rows = compare(
        booked=[booked("moderation", "0")],
        costs=[billed("free things", "0.0")],
        counts=[Count(DAY, "gpt-5", 3, 4)],
        tolerance=EXACT,
    )
    assert rows == []


names = st.sampled_from(["gpt-5", "gpt-5-2025-08-07", "o3", "storage", ""])
kinds = st.sampled_from(["", ", input", ", output", ", per call"])
amounts = st.integers(0, 10**6)


@given(st.lists(st.tuples(names, amounts)), st.lists(st.tuples(names, kinds, amounts)))
def test_whatever_was_booked_or_billed_is_in_a_row(
    ours: list[tuple[str, int]], theirs: list[tuple[str, str, int]]
) -> None:
    rows = compare(
        booked=[Booked(DAY, model, nanos, 1, 0, 1) for model, nanos in ours],
        costs=[
            Cost(DAY, name + kind, Decimal(nanos) / NANOS_PER_DOLLAR)
            for name, kind, nanos in theirs
        ],
        counts=[],
        tolerance=EXACT,
    )

    assert sum(row.ours_nanos or 0 for row in rows) == sum(n for _, n in ours)
    assert sum(row.theirs_nanos or 0 for row in rows) == sum(n for _, _, n in theirs)


def explained(**facts: object) -> str:
    values = {
        **{"verdict": Verdict.DIFFERS, "ours_nanos": 5, "theirs_nanos": 9},
        **{"ours_requests": 2, "ours_tokens": 7, "theirs_tokens": 7},
        "is_provisional": False,
    }
    return explanation(ReconciliationRow(**(values | facts)))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"verdict": Verdict.MATCHED}, ""),
        ({"verdict": Verdict.THEIRS_ONLY, "ours_nanos": None}, "did not pass"),
        ({"verdict": Verdict.OURS_ONLY, "theirs_nanos": None}, "billed nothing"),
        (
            {"verdict": Verdict.OURS_ONLY, "theirs_nanos": None, "ours_estimated": 2},
            "at its bound",
        ),
        ({"is_provisional": True, "theirs_nanos": 1}, "still come in"),
        ({"ours_nanos": 0}, "no price here"),
        ({"ours_estimated": 1, "theirs_nanos": 1}, "at its bound"),
        ({"theirs_tokens": 8}, "did not pass Tokenhouse"),
        ({"theirs_tokens": 6}, "More tokens were booked"),
        ({}, "the same tokens"),
        ({"theirs_tokens": None}, "Compare the prices"),
    ],
)
def test_a_difference_is_explained(facts: dict[str, object], words: str) -> None:
    text = explained(**facts)
    assert words in text
    assert bool(text) == bool(words)
