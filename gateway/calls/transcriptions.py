"""`POST /audio/transcriptions` and `/audio/translations`."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates, highest_cost_nanos
from gateway import errors
from gateway.calls.bounds import NotBounded
from gateway.calls.fields import check_bool, check_text

FILES = frozenset({"file"})
NESTED = frozenset({"chunking_strategy"})
BOUNDING = frozenset(
    {"model", "stream", "response_format", "service_tier", *FILES, *NESTED}
)
# Formats that tell no usage, and the one to ask for instead; they are made from it.
TOLD_BY = {"text": "json", "srt": "verbose_json", "vtt": "verbose_json"}
# Translations tell how long the recording was in this format only.
TRANSLATION_FORMAT = "verbose_json"


def check(body: dict[str, Any]) -> None:
    check_bool(body, "stream")
    check_text(body, "response_format")


def check_file(files: int) -> None:
    if files != 1:
        raise errors.malformed("'file' must be one file", "file")


def format_to_ask_for(body: dict[str, Any], *, is_translation: bool) -> str | None:
    """Return the format that tells the usage; None if the client's own does."""
    wanted = body.get("response_format") or "json"
    if is_translation:
        return None if wanted == TRANSLATION_FORMAT else TRANSLATION_FORMAT
    return TOLD_BY.get(wanted)


def bound_nanos(
    body: dict[str, Any], rates: Rates, *, text_length: int, seconds: int | None
) -> int:
    """
    Return the most that writing a recording down can cost.

    :raises NotBounded: if that is not known.
    """
    if rates.second_nanos is not None:
        if seconds is None:
            raise NotBounded(
                "file",
                "How long this recording is cannot be told from its file, and your "
                "organization has a limit: send it as WAV (PCM) or MP3, or use a model "
                "that is priced by token.",
            )
        return highest_cost_nanos(rates, seconds=seconds)
    if body.get("chunking_strategy") is not None:
        text = "In pieces (chunking_strategy) a recording has no bound here."
        raise NotBounded("chunking_strategy", text)
    window = rates.context_window
    if window is None:
        text = f"How much `{body['model']}` can hear at once is not known here."
        raise NotBounded("model", text)
    return highest_cost_nanos(
        rates,
        input_tokens=window,
        audio_input_tokens=window,
        output_tokens=min(rates.max_output_tokens or window, window),
    )
