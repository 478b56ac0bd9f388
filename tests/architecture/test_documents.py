"""The documents are true: each setting, command, file and test they name exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from config.secret_values import NAMES, OPTIONAL_NAMES
from tests.architecture.source import (
    APPS,
    CHECKOUT,
    python_files,
    shown,
    text_files,
    text_of,
    tree_of,
)

DOCUMENTS = [file for file in text_files() if file.suffix == ".md"]
SETTINGS_ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]*) \|", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
PATH = re.compile(
    rf"`((?:{'|'.join(APPS)}|tests|bench|docs|templates|static)/[\w./-]+\.\w+)"
)
TEST_NAME = re.compile(r"`(test_\w+)`")
# Set by our own processes for each other, or for Django.
INTERNAL = {"DJANGO_SETTINGS_MODULE"}


def documented_settings() -> dict[str, str]:
    """Return each setting in docs/configuration.md with its default."""
    return dict(SETTINGS_ROW.findall(text_of("docs/configuration.md")))


def settings_read() -> dict[str, object]:
    """Return each variable that the code reads, with its default if it is plain."""
    found: dict[str, object] = dict.fromkeys((*NAMES, *OPTIONAL_NAMES))
    for file in python_files(*APPS):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call) and reads_environment(node.func):
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    found.setdefault(str(name.value), default_of(node))
    return {name: found[name] for name in found if name not in INTERNAL}


def reads_environment(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    source = ast.unparse(function.value)
    return source == "env" or (
        source == "os.environ" and function.attr in {"get", "setdefault"}
    )


def default_of(call: ast.Call) -> object:
    for keyword in call.keywords:
        if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None


def as_documented(default: object) -> str:
    match default:
        case True:
            return "`on`"
        case False:
            return "`off`"
        case float():
            return f"`{default:g}`"
        case _:
            return f"`{default}`"


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    assert sorted(documented_settings()) == sorted(settings_read())


@pytest.mark.parametrize(
    ("name", "default"),
    [
        (name, value)
        for name, value in settings_read().items()
        if value not in (None, "")
    ],
)
def test_a_documented_default_is_the_one_in_force(name: str, default: object) -> None:
    assert as_documented(default) in documented_settings()[name]


def test_the_example_environment_names_only_settings_that_exist() -> None:
    names = re.findall(r"^#?\s?([A-Z_]+)=", text_of(".env.example"), re.MULTILINE)
    known = settings_read().keys() | {
        f"{name}_FILE" for name in (*NAMES, *OPTIONAL_NAMES)
    }

    assert len(names) > 10
    assert set(names) <= known


@pytest.mark.parametrize(
    "command", sorted(name for name, app in get_commands().items() if app in APPS)
)
def test_every_command_is_documented(command: str) -> None:
    assert f"`manage.py {command}" in text_of("docs/operations.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_what_a_document_points_to_exists(document: Path) -> None:
    text = document.read_text()
    links = [document.parent / link for link in LINK.findall(text)]
    paths = [CHECKOUT / path for path in PATH.findall(text)]

    assert [str(path) for path in links + paths if not path.exists()] == []


def test_every_test_that_a_document_names_exists() -> None:
    names = {name for document in DOCUMENTS for name in names_in(document)}
    modules = {file.stem for file in python_files("tests")}

    assert names
    assert names - set(defined_tests()) - modules == set()


def names_in(document: Path) -> list[str]:
    return TEST_NAME.findall(document.read_text())


def defined_tests() -> Iterator[str]:
    for file in python_files("tests"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name


def test_decisions_are_numbered_one_by_one() -> None:
    names = sorted(path.name for path in CHECKOUT.glob("docs/decisions/*.md"))
    numbers = [int(name[:4]) for name in names if name[0].isdigit()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_invariants_that_are_checked_stand_beside_the_money_code() -> None:
    """Each line that `verify_ledger` prints is explained in billing/README.md."""
    text = text_of("billing/README.md")
    lines = [
        str(node.args[0].value)
        for file in python_files("billing/verification")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "find"
        and isinstance(node.args[0], ast.Constant)
    ]

    assert len(lines) > 8
    assert [line for line in lines if f"`{line}`" not in text] == []
