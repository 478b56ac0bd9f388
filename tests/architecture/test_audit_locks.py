"""A pinned version with a known vulnerability fails the build, where one can ask."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.architecture.source import CHECKOUT

LOCKS = [CHECKOUT / "requirements.lock", CHECKOUT / "requirements-dev.lock"]
SOUND = [{"name": "django", "version": "5.2", "vulns": []}]
HOLED = [{"name": "django", "version": "5.2", "vulns": [{"id": "PYSEC-2026-1"}]}]
UNKNOWN = [{"name": "django", "skip_reason": "not found"}]


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", CHECKOUT / ".ci/audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(*answers: list[dict[str, Any]] | None) -> Any:
    """Stand in for the database, which no test may depend on."""
    given = iter(answers)
    return lambda _: next(given)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((SOUND, SOUND, SOUND), 0),
        ((SOUND, SOUND, HOLED), 1),
        ((SOUND, HOLED, SOUND), 1),
        # Asked in the middle of an outage: not to be taken for sound.
        ((SOUND, SOUND, None), 1),
        ((SOUND, SOUND, UNKNOWN), 1),
        ((None,), 0),
        ((UNKNOWN,), 0),
    ],
)
def test_only_what_is_known_to_be_sound_passes(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: tuple[Any, ...],
    status: int,
) -> None:
    monkeypatch.setattr(audit, "audit", answering(*answers))

    assert audit.main(LOCKS) == status
    said = capsys.readouterr().out
    assert ("Skipped" in said) == (len(answers) == 1)


def test_the_probe_is_in_the_lock(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def note(lock: Path) -> list[dict[str, Any]]:
        asked.append(lock.read_text())
        return SOUND

    monkeypatch.setattr(audit, "audit", note)

    assert audit.is_reachable(LOCKS[0])
    assert asked[0].startswith("django==")
    assert asked[0].count("--hash=") >= 2


def test_without_the_tool_nothing_is_called_sound(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert audit.audit(LOCKS[0]) is None
