"""Nothing grows beyond what fits into a head."""

from __future__ import annotations

import ast

from tests.architecture.source import APPS, python_files, shown, tree_of

LONGEST_FUNCTION, LONGEST_MODULE = 70, 500
EVERYWHERE = python_files(*APPS, "tests", "bench")


def test_no_function_is_long() -> None:
    lengths = {
        f"{shown(file)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in EVERYWHERE
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert len(lengths) > 500, "the walk found hardly anything"
    assert {n: size for n, size in lengths.items() if size > LONGEST_FUNCTION} == {}


def test_no_module_is_long() -> None:
    lengths = {shown(file): len(file.read_text().splitlines()) for file in EVERYWHERE}

    assert {n: size for n, size in lengths.items() if size > LONGEST_MODULE} == {}
