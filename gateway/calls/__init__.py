"""
What a client asks for: the body read, checked and bounded. Pure.

What is the same for every endpoint is here; a module each says what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import Rates, highest_cost_nanos
from core.money import LARGEST_AMOUNT_NANOS
from gateway import errors
from gateway.calls import chat, completions, embeddings, moderations, responses
from gateway.calls.bounds import NotBounded
from usage.models import Endpoint

__all__ = ["Call", "NotBounded", "bound_nanos", "call_of", "free_rates", "read_call"]
# The price of what is free, which has no row in the price list.
NO_PRICE = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """How the requests of one endpoint are read and bounded."""

    # Refuses a body with wrong types; makes explicit what the bound relies on.
    check: Callable[[dict[str, Any]], None]
    # Takes the body, the bound of its input tokens, and rates. Raises `NotBounded`.
    output_tokens_max: Callable[[dict[str, Any], int, Rates], int]
    # What a client sets to make the bound smaller, if there is such a thing.
    length_param: str | None
    # Its streams report usage only to those who ask, in a chunk of its own.
    has_usage_on_request: bool
    # What the bound reads of a body.
    bounding: frozenset[str]
    # How the names begin of models that OpenAI charges nothing for.
    free_models: tuple[str, ...] = ()


KINDS = {
    Endpoint.CHAT_COMPLETIONS: Kind(
        check=chat.check,
        output_tokens_max=chat.output_tokens_max,
        length_param=chat.LENGTH_PARAM,
        has_usage_on_request=True,
        bounding=chat.BOUNDING,
    ),
    Endpoint.RESPONSES: Kind(
        check=responses.check,
        output_tokens_max=responses.output_tokens_max,
        length_param=responses.LENGTH_PARAM,
        has_usage_on_request=False,
        bounding=responses.BOUNDING,
    ),
    Endpoint.COMPLETIONS: Kind(
        check=completions.check,
        output_tokens_max=completions.output_tokens_max,
        length_param=completions.LENGTH_PARAM,
        has_usage_on_request=True,
        bounding=completions.BOUNDING,
    ),
    Endpoint.EMBEDDINGS: Kind(
        check=embeddings.check,
        output_tokens_max=embeddings.output_tokens_max,
        length_param=None,
        has_usage_on_request=False,
        bounding=embeddings.BOUNDING,
    ),
    Endpoint.MODERATIONS: Kind(
        check=moderations.check,
        output_tokens_max=moderations.output_tokens_max,
        length_param=None,
        has_usage_on_request=False,
        bounding=moderations.BOUNDING,
        free_models=moderations.FREE_MODELS,
    ),
}


@dataclass(slots=True)
class Call:
    """A request to a model. `payload` is what goes to the provider."""

    endpoint: Endpoint
    path: str
    model: str
    body: dict[str, Any]
    payload: bytes
    streamed: bool
    # The stream's usage is the client's: asked for, or part of an event they need.
    wants_usage: bool

    @property
    def length_param(self) -> str | None:
        """What a client sets to make the bound smaller."""
        return KINDS[self.endpoint].length_param


def read_call(endpoint: Endpoint, path: str, raw: bytes) -> Call:
    """
    Read a body and check what the bound and the price depend on.

    :raises ApiError: for a body that is not JSON, or has wrong types.
    """
    return call_of(endpoint, path, parse_object(raw))


def call_of(endpoint: Endpoint, path: str, body: dict[str, Any]) -> Call:
    """
    Check what of a body the bound and the price depend on, and write it anew.

    Unknown fields pass through.

    :raises ApiError: for wrong types.
    """
    kind = KINDS[endpoint]
    refuse_look_alikes(body, kind.bounding)
    kind.check(body)
    model = read_model(body)
    streamed = body.get("stream") is True
    wants_usage = streamed and (not kind.has_usage_on_request or ask_for_usage(body))
    return Call(
        endpoint=endpoint,
        path=path,
        model=model,
        body=body,
        payload=written_anew(body),
        streamed=streamed,
        wants_usage=wants_usage,
    )


def parse_object(raw: bytes | bytearray) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"We could not parse the JSON body of your request: {error}."
        raise errors.malformed(message) from None
    if not isinstance(body, dict):
        raise errors.malformed("The body of your request must be a JSON object.")
    return body


def written_anew(body: dict[str, Any]) -> bytes:
    """Write a body: of a name given twice the provider reads what we read."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # Deeper than can be written, though not than can be read.
        raise errors.malformed("Your request is nested too deeply.") from None


def refuse_look_alikes(body: dict[str, Any], bounding: frozenset[str]) -> None:
    """
    Refuse `N` beside `n`: some providers take names in any case, and would read it.
    """
    for name in body:
        # Folded, not lowered: to Go's decoder `ſ` is an `s`.
        folded = name.casefold()
        if name not in bounding and folded in bounding:
            raise errors.malformed(f"Write '{folded}' instead of '{name}'", name)


def read_model(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise errors.malformed("you must provide a model parameter", "model")
    if "\0" in model:  # Postgres keeps no such text
        raise errors.malformed("'model' must not contain a NUL character", "model")
    return model


def ask_for_usage(body: dict[str, Any]) -> bool:
    """
    Make the provider end the stream with a usage chunk.

    Returns whether the client asked for it itself.
    """
    options = body.get("stream_options") or {}
    is_wanted = options.get("include_usage") is True
    body["stream_options"] = {**options, "include_usage": True}
    return is_wanted


def free_rates(call: Call) -> Rates | None:
    """Return rates of zero for what costs nothing; None for anything else."""
    if not call.model.startswith(KINDS[call.endpoint].free_models):
        return None
    return Rates(NO_PRICE, call.model, 0, None, 0, None, None)


def bound_nanos(call: Call, rates: Rates) -> int:
    """
    Return the most that the call can cost, in nano-dollars: a true upper bound.

    Byte-level encodings make at most one token of a byte, and the JSON around a
    message has more bytes than the tokens a model adds for it: the body's length
    bounds the input. The output is bounded by what the client allows or the model
    can give, times the choices.

    :raises NotBounded: if that is not known.
    """
    kind, input_tokens = KINDS[call.endpoint], len(call.payload)
    bound = highest_cost_nanos(
        rates,
        input_tokens=input_tokens,
        output_tokens=kind.output_tokens_max(call.body, input_tokens, rates),
    )
    if bound > LARGEST_AMOUNT_NANOS:
        param = kind.length_param or "input"
        text = "This request may cost more than any limit can be: set a smaller"
        raise NotBounded(param, f"{text} {param}.")
    return bound
