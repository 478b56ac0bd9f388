"""What bounds the output of a request, and what nobody can bound."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates
from gateway.calls.tiers import is_priced

# How long the cache keeps what is written at the listed rate: the default, by name.
PRICED_CACHE_TTLS = (None, "30m")
PRICED_TOOLS = ("function", "custom")
# What every endpoint's bound reads of a body.
COMMON = frozenset(
    {"model", "stream", "stream_options", "service_tier", "prompt_cache_options"}
)


class NotBounded(Exception):
    """Nobody can say what the request may cost; says which parameter and why."""

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(reason)
        self.param = param
        self.reason = reason


def longest_answer(stated: list[int | None], rates: Rates, *, param: str) -> int:
    """
    Return the most tokens that one choice can have.

    Of several lengths `stated` any may be the one that the provider obeys. `param`
    is the client's to set where nothing else bounds an answer.
    """
    if rates.output_nanos is None:
        raise NotBounded("model", f"The model `{rates.model}` has no output price.")
    known = [rates.max_output_tokens, rates.context_window]
    asked = max((n for n in stated if n is not None), default=None)
    possible = min((n for n in known if n is not None), default=None)
    if asked is None and possible is None:
        raise NotBounded(
            param,
            f"How long an answer of `{rates.model}` can be is not known here, and your "
            f"organization has a limit: set {param}.",
        )
    return min(n for n in (asked, possible) if n is not None)


def refuse_unpriced_tier(body: dict[str, Any], rates: Rates) -> None:
    """Refuse a service tier that the rates are not of, at any endpoint."""
    if not is_priced(body, rates):
        text = f"The model `{rates.model}` has no price of this service tier."
        raise NotBounded("service_tier", text)


def refuse_unpriced_terms(body: dict[str, Any], rates: Rates) -> None:
    """Refuse terms of service at other prices than the listed ones."""
    cache = body.get("prompt_cache_options") or {}
    if not isinstance(cache, dict) or cache.get("ttl") not in PRICED_CACHE_TTLS:
        text = "Only cache writes that are kept for 30 minutes are priced here."
        raise NotBounded("prompt_cache_options", text)
    if "-search-" in body["model"]:
        raise NotBounded("model", "Searching models charge fees that have no price.")


def refuse_unpriced_tools(body: dict[str, Any]) -> None:
    for tool in body.get("tools") or ():
        if not isinstance(tool, dict) or tool.get("type") not in PRICED_TOOLS:
            raise NotBounded("tools", "Only function and custom tools are priced here.")
