"""`POST /audio/speech`: text read aloud, priced by character or by token."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates, Tokens, highest_cost_nanos
from gateway import errors
from gateway.calls.bounds import NotBounded
from gateway.calls.fields import check_text

BOUNDING = frozenset(
    {"model", "input", "stream_format", "response_format", "service_tier"}
)
SSE = "sse"
DEFAULT_FORMAT = "mp3"
# OpenAI's models that are priced by tokens report them in a stream of events only.
TELLING_MODELS = ("gpt-",)


def check(body: dict[str, Any]) -> None:
    value = body.get("input")
    if not isinstance(value, str) or not value:
        raise errors.malformed("'input' must be a non-empty string", "input")
    for name in ("stream_format", "response_format"):
        check_text(body, name)


def ask_for_usage(body: dict[str, Any]) -> str | None:
    """
    Ask for a stream of events where only that tells the usage.

    Returns the format of the sound in the events if the client did not ask for them.
    """
    is_events = body.get("stream_format") == SSE
    if is_events or not body["model"].startswith(TELLING_MODELS):
        return None
    body["stream_format"] = SSE
    wanted: str = body.get("response_format") or DEFAULT_FORMAT
    return wanted


def bound_nanos(body: dict[str, Any], rates: Rates, *, text_length: int) -> int:
    """
    Return the most that speech can cost: by character it is what it will cost.

    :raises NotBounded: if nobody knows how much sound a model makes at most.
    """
    if rates.character_nanos is not None:
        return highest_cost_nanos(rates, characters=characters_of(body))
    known = [rates.max_output_tokens, rates.context_window]
    output = min((n for n in known if n is not None), default=None)
    if output is None:
        raise NotBounded(
            "model",
            f"How much sound `{body['model']}` can make is not stated anywhere, and "
            "your organization has a limit: use a model that is priced by character "
            "(`tts-1`), or ask the operator to enter the most output tokens in its "
            "price.",
        )
    return highest_cost_nanos(
        rates,
        input_tokens=text_length,
        output_tokens=output,
        audio_output_tokens=output,
    )


def characters_of(body: dict[str, Any]) -> int:
    """Return what is charged for: code points, as Python and OpenAI count them."""
    return len(body["input"])


def known_usage(rates: Rates | None, characters: int) -> Tokens | None:
    """Return what speech uses, if that is known before it is made."""
    if rates is None or rates.character_nanos is None:
        return None
    return Tokens(characters=characters)
