"""A key that somebody puts where it does not belong is not in the log."""

from __future__ import annotations

import logging

import pytest

from config.log_lines import LineFormatter
from keys.secrets import make_key


def line_of(message: str, *, error: BaseException | None = None) -> str:
    problem = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("x", 30, "f", 1, "%s", (message,), problem)
    return LineFormatter("%(message)s").format(record)


@pytest.mark.parametrize("kind", ["personal", "service", "admin"])
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_no_key_of_ours_is_logged_whole(kind: str, environment: str) -> None:
    key = make_key(kind=kind, environment=environment)

    line = line_of(f"Not Found: /v1/{key.text}?a={key.text}")

    assert key.text[-40:] not in line
    assert line.count(f"{key.handle}-…") == 2


def test_no_providers_key_is_logged_even_in_a_traceback() -> None:
    line = line_of("failed", error=ValueError("key sk-proj-0123456789abcdefghij"))

    assert "0123456789" not in line
    assert "sk-…" in line


def test_other_text_stays_as_it_is() -> None:
    assert line_of("th-is is fine, sk-ip it") == "th-is is fine, sk-ip it"
