"""Colors of groups, the same in every chart and beside every name. Pure."""

from __future__ import annotations

# Told apart by people of any color vision, in light and dark; from the fifth on a
# pattern tells them apart as well.
PALETTE = (
    "#5670e6",
    "#e08a00",
    "#0f9d7a",
    "#c2448f",
    "#2a9fd6",
    "#b3541e",
    "#7a5bd0",
    "#8a8f1c",
)
REST_COLOR = "#8793a7"


def color_of(place: int) -> str:
    return PALETTE[place % len(PALETTE)]
