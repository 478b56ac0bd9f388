"""
How many tokens an image in the input can have, by family of models. Pure.

Only what OpenAI states is here ("Calculating costs" in its guide to images and vision,
developers.openai.com/api/docs/guides/images-vision); of any other model an image may
take as much as the context window, and be charged for more. A number too small would
make a bound untrue. How large a file is, or where it lies, does not matter: images are
scaled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Scaled into a square of 2048 pixels and to a shorter side of 768: tiles of 512.
TILES_MAX = 2 * 4
PATCHES_MAX = 1536
# Each token of an image in the context window is charged as so many hundredths.
AS_IS = 100
# The most that is stated of any model but `gpt-4o-mini`, which is below.
OF_UNKNOWN = 250
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Family:
    """The most tokens of an image, and by what they are multiplied for the bill."""

    most_tokens: int
    low_tokens: int
    hundredths: int = AS_IS


def tiles(base: int, tile: int, hundredths: int = AS_IS) -> Family:
    """A base for the image, and so much for each tile, unless its detail is low."""
    return Family(base + TILES_MAX * tile, base, hundredths)


def patches(hundredths: int) -> Family:
    """So many hundredths of a token for each patch, at any detail."""
    most = -(-PATCHES_MAX * hundredths // 100)
    return Family(most, most, hundredths)


FAMILIES = {
    "gpt-4o": tiles(85, 170),
    "gpt-4.1": tiles(85, 170),
    # Charged like `gpt-4o`, at a price per token that is a fraction of its.
    "gpt-4o-mini": tiles(2833, 5667, hundredths=3400),
    "o1": tiles(75, 150),
    "o3": tiles(75, 150),
    "gpt-5": tiles(70, 140),
    "gpt-5-chat-latest": tiles(70, 140),
    "gpt-5-mini": patches(162),
    "gpt-5-nano": patches(246),
    "gpt-4.1-mini": patches(162),
    "gpt-4.1-nano": patches(246),
    "o4-mini": patches(172),
}
DEAREST = "gpt-4o-mini"


def family_of(model: str) -> Family | None:
    """Return what is stated of a model, dated or not; None if nothing is."""
    dated = DATED.search(model)
    if dated is not None and dated.end() == len(model):
        model = model[: dated.start()]
    return FAMILIES.get(model)


def image_tokens_max(model: str, detail: object) -> int | None:
    """Return the most tokens of one image, or None if that is not stated."""
    family = family_of(model)
    if family is None:
        return None
    return family.low_tokens if detail == "low" else family.most_tokens


def charged_hundredths(model: str) -> int:
    """Return as how many hundredths a token in the context window may be charged."""
    family = family_of(model)
    if family is None and DEAREST in model:
        # Tuned, or by a reseller's name for it.
        family = FAMILIES[DEAREST]
    return OF_UNKNOWN if family is None else family.hundredths
