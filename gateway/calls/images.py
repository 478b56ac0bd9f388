"""`POST /images/generations` and `/images/edits`."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates, highest_cost_nanos
from gateway import errors
from gateway.calls.bounds import NotBounded
from gateway.calls.fields import check_bool, check_count, check_list, check_text
from gateway.calls.image_tokens import PARTIAL_TOKENS, drawn_tokens, seen_tokens

# OpenAI's most.
IMAGES_MAX, PARTIAL_MAX, SEEN_MAX = 10, 3, 16
COUNTS = frozenset({"n", "partial_images", "frame_count"})
FILES = frozenset({"image", "mask", "markup"})
SHOWN = FILES | {"images"}
BOUNDING = frozenset(
    {
        *("model", "n", "size", "quality", "stream", "partial_images"),
        *("output_format", "input_fidelity", "complexity", "frame_count", "svg"),
        *("images", "service_tier", *FILES),
    }
)
# What makes an image cost more than its size and quality say, and why.
UNBOUNDED = {
    "svg": "Drawings (SVG) are written by a second model, which has no bound here.",
    "frame_count": "Moving images (GIF) have no bound here.",
    "complexity": "The planning of an image has no bound here.",
}
UNBOUNDED_FORMATS = {"svg": UNBOUNDED["svg"], "gif": UNBOUNDED["frame_count"]}


def check(body: dict[str, Any]) -> None:
    prompt = body.get("prompt")
    # Of a form the prompt is not read: its length is known, and that is all it takes.
    if prompt is not None and (not isinstance(prompt, str) or not prompt):
        raise errors.malformed("'prompt' must be a non-empty string", "prompt")
    for name in ("size", "quality", "output_format", "input_fidelity", "complexity"):
        check_text(body, name)
    check_bool(body, "stream")
    check_count(body, "n", most=IMAGES_MAX)
    check_count(body, "partial_images", least=0, most=PARTIAL_MAX)
    check_list(body, "images")


def bound_nanos(
    body: dict[str, Any], rates: Rates, *, text_length: int, files: int
) -> int:
    """
    Return the most that a request can cost: each of `n` images is charged by itself.

    `text_length` bounds the text, `files` are those of a form. What a body names by
    address or id counts as well.

    :raises NotBounded: if that is not known.
    """
    refuse_unbounded(body)
    count: int = body.get("n") or 1
    output = drawn_max(body, rates) + PARTIAL_TOKENS * (body.get("partial_images") or 0)
    seen = files + sum(map(count_of, (body.get(name) for name in SHOWN)))
    text, images = input_max(body, rates, text_length, seen)
    return highest_cost_nanos(
        rates,
        input_tokens=count * (text + images),
        image_input_tokens=count * images,
        output_tokens=count * output,
        image_output_tokens=count * output,
    )


def count_of(value: object) -> int:
    """Return how many images a field of a body names."""
    return len(value) if isinstance(value, list) else int(value is not None)


def refuse_unbounded(body: dict[str, Any]) -> None:
    for name, reason in UNBOUNDED.items():
        if body.get(name) is not None:
            raise NotBounded(name, reason)
    if body.get("output_format") in UNBOUNDED_FORMATS:
        raise NotBounded("output_format", UNBOUNDED_FORMATS[body["output_format"]])


def drawn_max(body: dict[str, Any], rates: Rates) -> int:
    """Return the most output tokens of one image."""
    stated = drawn_tokens(
        body["model"], quality=body.get("quality"), size=body.get("size")
    )
    # What the price list says of one answer holds for one image.
    known = stated if stated is not None else rates.max_output_tokens
    if known is None:
        raise NotBounded(
            "model",
            f"How many tokens an image of `{body['model']}` can have is not stated "
            "anywhere, and your organization has a limit: use `gpt-image-2`, or ask "
            "the operator to enter the most output tokens of an image in its price.",
        )
    return known


def input_max(
    body: dict[str, Any], rates: Rates, text_length: int, seen: int
) -> tuple[int, int]:
    """Return the most tokens of text and of `seen` images, for one image drawn."""
    if not seen:
        return text_length, 0
    if seen > SEEN_MAX + len(FILES):
        raise errors.malformed(f"There may be {SEEN_MAX} images at most", "image")
    each = seen_tokens(body["model"], fidelity=body.get("input_fidelity"))
    if each is not None:
        return text_length, seen * each
    if rates.context_window is not None:
        return 0, rates.context_window
    raise NotBounded(
        "image",
        f"How many tokens `{body['model']}` makes of an image that it is given is not "
        "stated anywhere, and your organization has a limit: ask the operator to enter "
        "a context window in its price.",
    )
