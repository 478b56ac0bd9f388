"""Each failure of others that docs/peers-failures.md names is held off by a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import CHECKOUT, text_of, tree_of

REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [
    line
    for line in text_of("docs/peers-failures.md").splitlines()
    if line.startswith("| ") and not line.startswith("| failure |")
]


def names_in(file: Path) -> set[str]:
    if not file.exists():
        return set()
    return {
        node.name
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(":")[0][2:60])
def test_every_failure_is_held_off_by_tests_that_exist(row: str) -> None:
    named = REFERENCE.findall(row)
    missing = [name for file, name in named if name not in names_in(CHECKOUT / file)]

    assert named, "no test is named"
    assert missing == []


def test_the_table_is_read() -> None:
    assert len(ROWS) > 60
