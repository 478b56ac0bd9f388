"""The project speaks of itself alone, and of nobody's machine."""

from __future__ import annotations

import re

from tests.architecture.source import CHECKOUT, shown, text_files

# Hosts that texts may name: ours, reserved ones (RFC 2606, RFC 6761), and what the
# product speaks to or cites.
HOST = re.compile(r"https?://(?:[^/\s@\"'`]*@)?([A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9-]*)")
RESERVED = (".example", ".invalid", ".test", ".localhost")
CITED = {
    "localhost",
    "focus.finops.org",
    "api.openai.com",
    "API.openai.com",
    "API.OpenAI.com",
    *("api.stripe.com", "js.stripe.com", "hooks.stripe.com", "docs.stripe.com"),
    "www.standardwebhooks.com",
    "www.w3.org",
    "www.apache.org",
}
PERSONAL_PATHS = re.compile(r"(?<![\w.])/(?:home|Users|root|mnt|Volumes)/\w+")
EXAMPLES_OF_BAD_ADDRESSES = "tests/keys/"


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{shown(file)}: {match[0]}"
        for file in text_files()
        for match in pattern.finditer(file.read_text(encoding="utf-8"))
    ]


def test_no_text_names_a_folder_of_somebodys_machine() -> None:
    assert lines_with(PERSONAL_PATHS) == []


def test_no_text_names_where_it_was_written() -> None:
    here = re.compile(rf"(?<!\w){re.escape(str(CHECKOUT))}(?!\w)")
    is_telling = len(CHECKOUT.parts) > 2

    assert not is_telling or lines_with(here) == []


def test_addresses_are_our_own_reserved_or_cited() -> None:
    foreign = {
        f"{shown(file)}: {host}"
        for file in text_files()
        if not shown(file).startswith(EXAMPLES_OF_BAD_ADDRESSES)
        for host in HOST.findall(file.read_text(encoding="utf-8"))
        if host not in CITED and not host.endswith(RESERVED)
    }

    assert foreign == set()


def test_the_walk_sees_the_project() -> None:
    names = {shown(file) for file in text_files()}

    assert {"README.md", "Makefile", ".env.example", "config/settings.py"} <= names
    assert not any(name.startswith((".venv", "static/vendor")) for name in names)
