"""The project's own text: what the architecture tests read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# In the order of imports: each may use what comes after it.
APPS = ("config", "gateway", "billing", "usage", "keys", "orgs", "core")
# Made by tools or by other people.
NOT_OURS = (".venv", ".git", ".data", "static/vendor", "staticfiles", "bench/results")
TEXT = {".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ".json", ".svg", ".sh"}
TEXT_NAMES = {"Makefile", ".env.example", ".gitignore", "NOTICE", "run"}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below folders of the checkout, sorted."""
    return sorted(file for name in folders for file in (CHECKOUT / name).rglob("*.py"))


def text_files() -> list[Path]:
    """Return every text file of the project but its licence and its locks."""
    return sorted(file for file in files_below(CHECKOUT) if is_text(file))


def files_below(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        path = entry.relative_to(CHECKOUT).as_posix()
        is_hidden = entry.is_dir() and path.startswith(".") and path != ".ci"
        if path in NOT_OURS or path == "tests/output" or is_hidden:
            continue
        if entry.is_dir():
            yield from files_below(entry)
        else:
            yield entry


def is_text(file: Path) -> bool:
    return file.suffix in TEXT or file.name in TEXT_NAMES


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def text_of(path: str) -> str:
    """Return a file of the checkout."""
    return (CHECKOUT / path).read_text(encoding="utf-8")


def shown(file: Path) -> str:
    """Return a file's path as people write it."""
    return file.relative_to(CHECKOUT).as_posix()
