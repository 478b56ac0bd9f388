"""The table of faults in docs/reliability.md: each row names tests that exist."""

from __future__ import annotations

import re

from tests.architecture.source import python_files, text_of
from tests.faults.points import POINTS
from tests.faults.schedule import WEIGHTS
from tests.provider_faults import FAULTS

ROW = re.compile(
    r"^\| (?!fault|---)([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE
)


def rows() -> list[tuple[str, ...]]:
    matrix = text_of("docs/reliability.md").partition("## The matrix")[2]
    return [match.groups() for match in ROW.finditer(matrix.partition("\n## ")[0])]


def test_each_row_of_the_matrix_names_what_holds_it() -> None:
    files = "".join(file.read_text() for file in python_files("tests"))
    named = [re.findall(r"`(\w+)`", row[3]) for row in rows()]

    assert len(named) > 25
    assert all(named), "a row names neither a test nor a fault of the random run"
    known = WEIGHTS.keys()
    assert [
        name
        for names in named
        for name in names
        if name not in known and f"def {name}(" not in files
    ] == []


def test_every_fault_that_is_drawn_or_ordered_stands_in_the_document() -> None:
    text = text_of("docs/reliability.md")
    assert [n for n in (*WEIGHTS, *POINTS, *FAULTS) if f"`{n}`" not in text] == []
