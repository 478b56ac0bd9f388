"""Habits that made holes in others are not in the code at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import APPS, CHECKOUT, python_files, shown, tree_of

SOURCES = list(python_files(*APPS))
CALLS = {
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
        "mark_safe",
        "SafeString",
        "csrf_exempt",
    ),
    *("pickle.loads", "pickle.load", "marshal.loads", "yaml.load", "shelve.open"),
    *(
        "os.system",
        "os.popen",
        "Template",
        "engines.from_string",
        "ssl._create_unverified_context",
    ),
    *("extra", "RawSQL", "hashlib.md5", "hashlib.sha1", "random.SystemRandom"),
}
# `Template` from a string, extra(): nothing of these may come from outside, so none is.
UNSAFE_IN_TEMPLATES = (
    "|safe",
    "autoescape off",
    "safeseq",
    "javascript:",
    " onclick=",
    "<script>",
    # Slow on odd HTML (CVE-2026-1285).
    "truncatechars_html",
    "truncatewords_html",
)

# Figures escape what could end their element
# (`test_a_name_is_neither_markup_of_the_page_nor_of_the_figure`); help texts are ours.
TRUSTED = {
    ("templates/usage/usage.html", "{{ figure|safe }}"),
    ("templates/usage/usage.html", "{{ sum_figure|safe }}"),
    ("templates/usage/health.html", "{{ figure|safe }}"),
    ("templates/billing/overview.html", "{{ figure|safe }}"),
    ("templates/parts/field.html", "{{ field.help_text|safe }}"),
}


def calls_in(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def calls_of(names: set[str]) -> list[str]:
    return [
        f"{shown(file)}:{node.lineno} {called}"
        for file in SOURCES
        for called, node in calls_in(file)
        if called in names or (called.rpartition(".")[2] in names - {"compile"})
    ]


def test_nothing_runs_text_or_opens_objects_from_outside() -> None:
    assert calls_of(CALLS) == []


def test_nothing_but_what_is_signed_or_has_a_key_comes_without_our_token() -> None:
    exempt = [
        f"{shown(file)}: {node.name}"
        for file in SOURCES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef)
        and "csrf_exempt" in map(ast.unparse, node.decorator_list)
    ]

    assert sorted(exempt) == [
        "billing/payment_event_views.py: receive",
        # These look at no cookie: a key that the caller sends says who asks.
        "gateway/admin_api/door.py: guarded",
        "gateway/admin_api/door.py: not_offered",
        "orgs/views/mails.py: unsubscribe",
    ]


def test_no_command_goes_through_a_shell() -> None:
    shells = [
        f"{shown(file)}:{node.lineno}"
        for file in SOURCES
        for _, node in calls_in(file)
        for keyword in node.keywords
        if keyword.arg == "shell"
    ]

    assert shells == []


def test_no_certificate_goes_unverified() -> None:
    unverified = [
        f"{shown(file)}:{node.lineno}"
        for file in SOURCES
        for _, node in calls_in(file)
        for keyword in node.keywords
        if keyword.arg in ("verify", "ssl", "verify_ssl", "check_hostname")
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
    ]

    assert unverified == []


def test_no_query_takes_its_fields_from_a_request() -> None:
    """A name of a field that comes from outside can order or filter by any column."""
    expanded = [
        f"{shown(file)}:{node.lineno}"
        for file in SOURCES
        for called, node in calls_in(file)
        if called.rpartition(".")[2]
        in ("filter", "exclude", "annotate", "order_by", "update", "create")
        for keyword in node.keywords
        if keyword.arg is None and "request" in ast.unparse(keyword.value)
    ]

    assert expanded == []


@pytest.mark.parametrize("mark", UNSAFE_IN_TEMPLATES)
def test_no_template_trusts_text_or_holds_a_script(mark: str) -> None:
    templates = sorted(CHECKOUT.glob("templates/**/*.html"))
    texts = {shown(file): file.read_text() for file in templates}
    for name, trusted in TRUSTED:
        assert trusted in texts[name]
        texts[name] = texts[name].replace(trusted, "")

    assert len(templates) > 50
    assert [name for name, text in texts.items() if mark in text] == []


def test_control_the_walk_sees_calls() -> None:
    assert len(calls_of({"render"})) > 10
