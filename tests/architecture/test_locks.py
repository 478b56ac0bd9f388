"""The locks: every dependency pinned by hash, and not a word of whence it came."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source import text_of

LOCKS = ("requirements.lock", "requirements-dev.lock")
ADDRESS_OR_PATH = re.compile(
    r"://| @ |(?:^|\s)(?:file:|[./~]+/|/\w)|index-url|find-links"
)


def requirements_of(lock: str) -> dict[str, list[str]]:
    """Return each requirement line with the hashes under it."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in text_of(lock).splitlines():
        if line.startswith("    --hash="):
            found[current].append(line.strip(" \\").removeprefix("--hash="))
        elif line and not line.startswith((" ", "#")):
            current = line.removesuffix(" \\")
            found[current] = []
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    requirements = requirements_of(lock)

    assert len(requirements) > 30
    for requirement, hashes in requirements.items():
        assert re.match(r"^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[^\s;]+", requirement)
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_path(lock: str) -> None:
    lines = text_of(lock).splitlines()

    assert [line for line in lines if ADDRESS_OR_PATH.search(line)] == []


def test_the_larger_lock_holds_the_smaller_one() -> None:
    """What is tested is what is installed."""
    runtime, development = (requirements_of(lock) for lock in LOCKS)

    assert runtime.items() <= development.items()
