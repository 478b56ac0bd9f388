"""Checks of single fields of a body: a wrong type is refused and named."""

from __future__ import annotations

from typing import Any

from gateway import errors

# OpenAI allows 128 choices at most.
CHOICES_MAX = 128


def check_bool(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name), bool | None):
        raise errors.malformed(f"'{name}' must be a boolean", name)


def check_list(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name), list | None):
        raise errors.malformed(f"'{name}' must be an array", name)


def check_count(
    body: dict[str, Any], name: str, *, least: int = 1, most: int | None = None
) -> None:
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise errors.malformed(f"'{name}' must be an integer of at least {least}", name)
    if most is not None and value > most:
        raise errors.malformed(f"'{name}' must be at most {most}", name)


def check_input(body: dict[str, Any], answers: str) -> None:
    """Check the input of an endpoint whose `answers` come in one piece only."""
    value = body.get("input")
    if not isinstance(value, str | list) or not value:
        text = "'input' must be a non-empty string or array"
        raise errors.malformed(text, "input")
    if body.get("stream"):
        raise errors.malformed(f"{answers} cannot be streamed", "stream")


def check_stream(body: dict[str, Any]) -> None:
    check_bool(body, "stream")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise errors.malformed("'stream_options' must be an object", "stream_options")


def check_text(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name), str | None):
        raise errors.malformed(f"'{name}' must be a string", name)
