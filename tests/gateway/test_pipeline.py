"""The pipeline notices when it no longer knows where it stands."""

from __future__ import annotations

import asyncio

import pytest
from psycopg.pq import ExecStatus

from gateway.pipeline import Pipeline, PipelineBroken, is_in_step

ROWS, FAILED = ExecStatus.TUPLES_OK, ExecStatus.FATAL_ERROR
SKIPPED, END = ExecStatus.PIPELINE_ABORTED, ExecStatus.PIPELINE_SYNC


@pytest.mark.parametrize(
    ("statuses", "ends", "expected"),
    [
        ([ROWS, ROWS, END], True, True),
        ([ROWS, FAILED, SKIPPED, END], True, True),
        ([FAILED, SKIPPED], False, True),
        ([END], True, True),
        ([END, ROWS], True, False),
        ([END, ROWS], False, False),
        ([SKIPPED, END], True, False),
        ([ROWS, SKIPPED], False, False),
    ],
)
def test_results_that_are_not_of_what_was_sent_are_noticed(
    statuses: list[ExecStatus], ends: bool, expected: bool
) -> None:
    assert is_in_step(statuses, ends=ends) is expected


@pytest.mark.usefixtures("committed_db")
def test_a_connection_that_cannot_prepare_all_statements_is_given_up() -> None:
    with pytest.raises(PipelineBroken):
        asyncio.run(Pipeline.connect(["SELECT 1", "SELECT none FROM nowhere"]))
