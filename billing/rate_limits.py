"""Requests and tokens per minute: whom a rule meets. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# A request passes all rules that meet it, so there is an end to how many there are.
RATE_LIMITS_MAX = 50
REQUESTS_MAX = 1_000_000
TOKENS_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RateRule:
    """
    A rate limit as the gateway keeps it. Null means no limit of that kind.

    All requests that a rule meets share its allowance: those of each model that its
    pattern names, and of every key if it names none.
    """

    public_id: str
    # None: every key of the organization.
    api_key_id: int | None
    key_name: str
    # An exact name, a prefix that ends in `*`, or nothing: every model.
    model: str
    requests_per_minute: int | None
    tokens_per_minute: int | None

    def meets(self, *, api_key_id: int, model: str) -> bool:
        """Say whether a request of this key to this model counts here."""
        if self.api_key_id is not None and self.api_key_id != api_key_id:
            return False
        if self.model.endswith("*"):
            return model.startswith(self.model[:-1])
        return self.model in ("", model)
