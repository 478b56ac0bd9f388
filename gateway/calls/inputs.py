"""
The most input that a request can have: what is in its bytes, and what is not. Pure.

Byte-level encodings make at most one token of a byte, and the JSON around a message has
more bytes than the tokens a model adds for it: the length of a body bounds its text. Of
what is not in the bytes (images by address, files, what the provider keeps) nobody can
count the tokens; but a provider refuses more than the model's context window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billing.pricing import Rates
from gateway.calls.bounds import NotBounded
from gateway.calls.image_input import charged_hundredths, image_tokens_max

INLINE = "data:image/"


@dataclass(frozen=True, slots=True)
class InputMax:
    """The most input tokens, and how many of them can be sound or images at most."""

    tokens: int
    audio_tokens: int = 0
    image_tokens: int = 0


@dataclass(slots=True)
class Contents:
    """What of a request is no text in its bytes; noted part by part."""

    model: str
    # Of images whose most tokens are stated.
    image_tokens: int = 0
    # What of the body is such an image, and no text.
    inline_bytes: int = 0
    # The first part of which nobody can say how much it is, and that is heard.
    opaque: str = ""
    heard: str = ""

    def note_image(self, url: object, detail: object, where: str) -> None:
        most = image_tokens_max(self.model, detail)
        if most is None:
            self.note_opaque(where)
            return
        self.image_tokens += most
        if isinstance(url, str) and url.startswith(INLINE):
            self.inline_bytes += len(url)

    def note_opaque(self, where: str) -> None:
        """Note what may be text or images, as much as the context window takes."""
        self.opaque = self.opaque or where

    def note_heard(self, where: str) -> None:
        self.heard = self.heard or where


def window_max(rates: Rates) -> int | None:
    """
    Return the most tokens that a request can have in the model's context window.

    Price lists write 1,000,000 for 1,048,576, and 32,000 for 32,768: a twentieth more.
    """
    window = rates.context_window
    return None if window is None else window + -(-window // 20)


def text_max(length: int, rates: Rates, *, texts: int = 1) -> InputMax:
    """Return the most input of so many texts that a body of some length holds."""
    window = window_max(rates)
    return InputMax(length if window is None else min(length, texts * window))


def input_max(contents: Contents, length: int, rates: Rates) -> InputMax:
    """
    Return the most input of a body of some length.

    :raises NotBounded: for what only a context window bounds, if none is known.
    """
    text = text_max(length - contents.inline_bytes, rates).tokens
    window = window_max(rates)
    if window is None:
        where = contents.opaque or contents.heard
        if where:
            raise NotBounded(where, unknown_window(rates))
        return InputMax(text + contents.image_tokens, 0, contents.image_tokens)
    charged = -(-window * charged_hundredths(contents.model) // 100)
    hears = bool(contents.heard)
    if contents.opaque:
        # What cannot be seen may be heard too, where the model has ears.
        hears = hears or rates.audio_input_nanos is not None
        return InputMax(charged, window if hears else 0, charged)
    total = (window if hears else text) + contents.image_tokens
    images = contents.image_tokens
    return InputMax(
        min(total, charged) if images else total, window if hears else 0, images
    )


def unknown_window(rates: Rates) -> str:
    return (
        f"How much `{rates.model}` can read of it is not known here: ask the operator "
        "to enter a context window in its price."
    )


def read_url(value: object) -> tuple[object, Any]:
    """Return the address and the detail of an image, as chats write it."""
    if isinstance(value, dict):
        return value.get("url"), value.get("detail")
    return value, None
