"""
How long an answer can be, by family of models. Pure.

The price list says how much a model reads, not how much it writes; without that, a
request that names no limit of its own is held at the whole context window. Only what
OpenAI states on its model pages (developers.openai.com/api/docs/models) is here: a
figure too small would make a bound untrue.
"""

from __future__ import annotations

MOST_OUTPUT_TOKENS = {
    "gpt-4o-mini-transcribe": 2_000,
    "gpt-4o-transcribe": 2_000,
    "gpt-4.1": 32_768,
    "gpt-4o": 16_384,
    "gpt-5": 128_000,
    "gpt-5.1": 128_000,
    "gpt-5.2": 128_000,
    "o1": 100_000,
    "o3": 100_000,
    "o4-mini": 100_000,
}
# Models that are named like a family, and may write more than it.
UNLIKE = ("-pro", "-tts")


def most_output_tokens(model: str) -> int | None:
    """Return the longest answer of a model in tokens, or None if it is not known."""
    if any(word in model for word in UNLIKE):
        return None
    for family, most in MOST_OUTPUT_TOKENS.items():
        if model == family or model.startswith(f"{family}-"):
            return most
    return None
