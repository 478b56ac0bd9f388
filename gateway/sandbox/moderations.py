"""The sandbox's verdicts: it finds nothing wrong with anything."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.texts import new_id

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def moderate(body: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict on each text; parts of several kinds are judged together."""
    value = body["input"]
    is_several = isinstance(value, list) and all(isinstance(v, str) for v in value)
    verdict = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.0),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
    results = [verdict] * (len(value) if is_several else 1)
    return {"id": new_id("modr-"), "model": body["model"], "results": results}
