"""Shortening an answer to what a limit leaves, where the organization wants that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from billing.limits import Refusal
from billing.pricing import Rates
from gateway.calls import Call, NotBounded, bound_nanos, written_anew
from gateway.exchange import Exchange

HEADER = b"x-tokenhouse-max-output-tokens"
# A shorter answer is of no use, and OpenAI's responses cannot be shorter.
LEAST_TOKENS = 16
# No model answers at such length.
MOST_TOKENS = 1 << 31
# Others spend what is left meanwhile.
TRIES = 3
# What clients set to bound an answer; where several are set, all count.
LENGTHS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


async def hold_what_fits(
    exchange: Exchange,
    refusal: Refusal,
    place: Callable[[Exchange], Awaitable[Refusal | None]],
) -> Refusal | None:
    """
    Hold a refused call once more, its answer shortened to what is left.

    Returns None if it stands then, which a header of the answer says; else the
    refusal, with the call as it was.
    """
    asked, hold = exchange.call, exchange.hold
    settings = await exchange.gateway.directory.gateway_settings(hold.organization_id)
    if exchange.rates is None or not settings.clamps_output:
        return refusal
    latest = refusal
    for _ in range(TRIES):
        most = longest_fit(asked, exchange.rates, latest.left_nanos)
        if most is None:
            break
        exchange.call = shortened(asked, most)
        bound = bound_nanos(exchange.call, exchange.rates)
        exchange.hold = replace(hold, bound_nanos=bound)
        again = await place(exchange)
        if again is None:
            exchange.request.added_headers.append((HEADER, str(most).encode()))
            # Not what was asked for: it is no answer for others.
            exchange.slot = None
            return None
        latest = again
    exchange.call, exchange.hold = asked, hold
    return replace(latest, bound_nanos=refusal.bound_nanos)


def longest_fit(call: Call, rates: Rates, left_nanos: int) -> int | None:
    """
    Return the most tokens that an answer may have for the call to cost so little.

    For each choice. A token more would not fit. None if `LEAST_TOKENS` do not, or if
    the length of the answer is not what the cost depends on.
    """
    if call.length_param is None or not isinstance(call.payload, bytes):
        return None
    fits = Fitting(call, rates, left_nanos)
    if not fits.holds(LEAST_TOKENS) or fits.holds(MOST_TOKENS):
        return None
    return last_that(fits.holds, LEAST_TOKENS, MOST_TOKENS)


def last_that(holds: Callable[[int], bool], least: int, most: int) -> int:
    """Return the last number for which `holds`; it does for `least`, not `most`."""
    step = least
    while least + step < most and holds(least + step):
        least, step = least + step, step * 2
    most = min(least + step, most)
    while most - least > 1:
        middle = (least + most) // 2
        if holds(middle):
            least = middle
        else:
            most = middle
    return least


class Fitting:
    """
    Asks whether a call fits at some length of its answer.

    The bound depends on how long the payload is, not on what it says: payloads of one
    length share one stand-in, so that a large body is not written for each question.
    """

    def __init__(self, call: Call, rates: Rates, left_nanos: int) -> None:
        self._call, self._rates, self._left_nanos = call, rates, left_nanos
        self._names = stated_lengths(call)
        without = {k: v for k, v in call.body.items() if k not in self._names}
        self._base = len(written_anew(without))
        self._payloads: dict[int, bytes] = {}

    def holds(self, most: int) -> bool:
        lengths = with_at_most(self._call, self._names, most)
        written = sum(len(name) + len(str(n)) + 4 for name, n in lengths.items())
        payload = self._of_length(self._base + written)
        body = {**self._call.body, **lengths}
        probe = replace(self._call, body=body, payload=payload)
        try:
            return bound_nanos(probe, self._rates) <= self._left_nanos
        except NotBounded:
            return False

    def _of_length(self, length: int) -> bytes:
        if length not in self._payloads:
            self._payloads[length] = bytes(length)
        return self._payloads[length]


def shortened(call: Call, most: int) -> Call:
    """Return a call whose answer has at most so many tokens for each choice."""
    body = {**call.body, **with_at_most(call, stated_lengths(call), most)}
    return replace(call, body=body, payload=written_anew(body))


def stated_lengths(call: Call) -> tuple[str, ...]:
    """Return the names that the client bounds the answer by, or the one there is."""
    stated = tuple(name for name in LENGTHS if call.body.get(name) is not None)
    assert call.length_param is not None
    return stated or (call.length_param,)


def with_at_most(call: Call, names: tuple[str, ...], most: int) -> dict[str, Any]:
    """Return the lengths to send: never more than the client allows."""
    stated = {name: call.body.get(name) for name in names}
    return {name: most if n is None else min(n, most) for name, n in stated.items()}
