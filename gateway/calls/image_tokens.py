"""
How many tokens an image has at most, by model. Pure.

Only what OpenAI states is here (developers.openai.com/api/docs/guides/image-generation
and the calculator on that page): a figure too small would make a bound untrue. Models
that also write text between their images (`gpt-image-1.5`, `chatgpt-image-latest`),
and those without stated figures, have none: a price with `max_output_tokens` (of one
image) and `context_window` bounds them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Each partial image of a stream, as output.
PARTIAL_TOKENS = 100
SQUARE, PORTRAIT, LANDSCAPE = "1024x1024", "1024x1536", "1536x1024"
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")

# The first image models: output tokens by quality and size.
STATED_OUTPUT = {
    "low": {SQUARE: 272, PORTRAIT: 408, LANDSCAPE: 400},
    "medium": {SQUARE: 1_056, PORTRAIT: 1_584, LANDSCAPE: 1_568},
    "high": {SQUARE: 4_160, PORTRAIT: 6_240, LANDSCAPE: 6_208},
}
# The small model's page states prices of images instead, which come to somewhat more
# tokens at its rate of output. Rounded up to the next half of its last digit.
STATED_OUTPUT_MINI = {
    "low": {SQUARE: 688, PORTRAIT: 813, LANDSCAPE: 813},
    "medium": {SQUARE: 1_438, PORTRAIT: 1_938, LANDSCAPE: 1_938},
    "high": {SQUARE: 4_563, PORTRAIT: 6_563, LANDSCAPE: 6_563},
}
TABLES = {"gpt-image-1": STATED_OUTPUT, "gpt-image-1-mini": STATED_OUTPUT_MINI}

# What the first model sees of an image: tiles of 512 pixels of a picture that fits
# into 2,048 and whose shorter side is scaled down to 512, so four tiles at most.
SEEN_TOKENS = 65 + 4 * 129
SEEN_TOKENS_HIGH_FIDELITY = SEEN_TOKENS + 6_240


@dataclass(frozen=True, slots=True)
class Grid:
    """
    Models whose images may have any size: the calculator's formula.

    The longer side counts so many steps by quality, the shorter in proportion; their
    product grows with the area.
    """

    steps: dict[str, int]
    area_base: int = 2_000_000
    area_divisor: int = 4_000_000
    pixels_min: int = 655_360
    pixels_max: int = 3_840 * 2_160
    aspect_max: int = 3

    def tokens(self, quality: str, size: str | None) -> int:
        """Return the tokens of an image; of a size that cannot be, the most of any."""
        long_steps = self.steps[quality]
        width, height = dimensions_of(size) or (0, 0)
        longer, shorter, area = max(width, height), min(width, height), width * height
        is_drawn = self.pixels_min <= area <= self.pixels_max
        if not is_drawn or longer > self.aspect_max * shorter:
            return self._at(long_steps, long_steps, self.pixels_max)
        short_steps = (2 * long_steps * shorter + longer) // (2 * longer)
        return self._at(long_steps, short_steps, area)

    def _at(self, long_steps: int, short_steps: int, area: int) -> int:
        return -(
            -long_steps * short_steps * (self.area_base + area) // self.area_divisor
        )


GRIDS = {"gpt-image-2": Grid({"low": 16, "medium": 48, "high": 96})}


def drawn_tokens(model: str, *, quality: str | None, size: str | None) -> int | None:
    """Return the most output tokens of one image; None if nobody states them."""
    family = DATED.sub("", model)
    if family in GRIDS:
        grid = GRIDS[family]
        return grid.tokens(quality if quality in grid.steps else "high", size)
    table = TABLES.get(family)
    if table is None:
        return None
    by_size = table.get(quality or "", table["high"])
    return by_size.get(size or "", max(by_size.values()))


def seen_tokens(model: str, *, fidelity: str | None) -> int | None:
    """Return the most input tokens of one image; None if nobody states them."""
    if DATED.sub("", model) != "gpt-image-1":
        return None
    return SEEN_TOKENS if fidelity in (None, "low") else SEEN_TOKENS_HIGH_FIDELITY


def dimensions_of(size: str | None) -> tuple[int, int] | None:
    found = SIZE.fullmatch(size or "")
    return (int(found[1]), int(found[2])) if found else None
