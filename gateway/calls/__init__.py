"""
What a client asks for: the body read, checked and bounded. Pure.

What is the same for every endpoint is here; a module each says what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from billing.pricing import Rates, Unpriced, highest_cost_nanos
from core.money import LARGEST_AMOUNT_NANOS
from gateway import errors
from gateway.calls import (
    chat,
    completions,
    embeddings,
    media,
    moderations,
    responses,
    speech,
)
from gateway.calls.bounds import NotBounded, refuse_unpriced_tier
from gateway.calls.inputs import InputMax
from gateway.calls.look_alikes import refuse_look_alikes
from gateway.calls.media import MEDIA, Facts
from gateway.payloads import Payload, StoredForm
from usage.models import Endpoint

__all__ = [
    "Call",
    "NotBounded",
    "bound_nanos",
    "call_of",
    "form_call",
    "free_rates",
    "parse_object",
    "read_call",
    "written_anew",
]
# The price of what is free, which has no row in the price list.
NO_PRICE = 0


def bytes_only(body: dict[str, Any], length: int, rates: Rates) -> InputMax:
    """Return the most input of a body whose texts have a context window each."""
    return InputMax(length)


def never_speaks(body: dict[str, Any]) -> bool:
    return False


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
    # Takes the body, its length in bytes, and rates. Raises `NotBounded`.
    input_tokens_max: Callable[[dict[str, Any], int, Rates], InputMax] = bytes_only
    # Whether what is answered can be sound.
    speaks: Callable[[dict[str, Any]], bool] = never_speaks
    # How the names begin of models that OpenAI charges nothing for.
    free_models: tuple[str, ...] = ()


KINDS = {
    Endpoint.CHAT_COMPLETIONS: Kind(
        check=chat.check,
        output_tokens_max=chat.output_tokens_max,
        length_param=chat.LENGTH_PARAM,
        has_usage_on_request=True,
        bounding=chat.BOUNDING,
        input_tokens_max=chat.input_tokens_max,
        speaks=chat.speaks,
    ),
    Endpoint.RESPONSES: Kind(
        check=responses.check,
        output_tokens_max=responses.output_tokens_max,
        length_param=responses.LENGTH_PARAM,
        has_usage_on_request=False,
        bounding=responses.BOUNDING,
        input_tokens_max=responses.input_tokens_max,
    ),
    Endpoint.COMPLETIONS: Kind(
        check=completions.check,
        output_tokens_max=completions.output_tokens_max,
        length_param=completions.LENGTH_PARAM,
        has_usage_on_request=True,
        bounding=completions.BOUNDING,
        input_tokens_max=completions.input_tokens_max,
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
    """A request to a model. `payload` is what goes to the provider, or `form`."""

    endpoint: Endpoint
    path: str
    model: str
    body: dict[str, Any]
    payload: bytes
    streamed: bool
    # The stream's usage is the client's: asked for, or part of an event they need.
    wants_usage: bool
    # Served by the sandbox, which has no context window: it counts all that it is sent.
    is_simulated: bool = False
    # Of images and sound only.
    facts: Facts | None = None
    # What goes to the provider instead of `payload`.
    form: StoredForm | None = None

    @property
    def sent(self) -> Payload:
        """What goes to the provider."""
        return self.payload if self.form is None else self.form

    @property
    def length_param(self) -> str | None:
        """What a client sets to make the bound smaller."""
        return KINDS[self.endpoint].length_param if self.facts is None else None


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
    if endpoint in MEDIA:
        return media_call(endpoint, path, body)
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


def media_call(endpoint: Endpoint, path: str, body: dict[str, Any]) -> Call:
    """Read a request for images or sound that is JSON."""
    medium = MEDIA[endpoint]
    if not medium.takes_json:
        raise errors.malformed("Send a form (multipart/form-data) with your file.")
    refuse_look_alikes(body, medium.bounding)
    medium.check(body)
    model = read_model(body)
    facts = medium.prepare(body, None)
    payload = written_anew(body)
    facts = replace(facts, text_length=len(payload))
    return Call(
        endpoint=endpoint,
        path=path,
        model=model,
        body=body,
        payload=payload,
        streamed=is_streamed(body) and facts.wrapped_sound is None,
        wants_usage=True,
        facts=facts,
    )


def form_call(endpoint: Endpoint, path: str, form: StoredForm) -> Call:
    """
    Read a request for images or sound that is a form with files.

    :raises ApiError: for wrong types, and what can be read in two ways.
    """
    medium = MEDIA[endpoint]
    body = media.fields_of(form, medium)
    medium.check(body)
    model = read_model(body)
    facts = medium.prepare(body, form)
    return Call(
        endpoint=endpoint,
        path=path,
        model=model,
        body=body,
        payload=b"",
        streamed=is_streamed(body),
        wants_usage=True,
        facts=replace(facts, text_length=form.text_length),
        form=form,
    )


def is_streamed(body: dict[str, Any]) -> bool:
    return body.get("stream") is True or body.get("stream_format") == speech.SSE


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
    if call.facts or not call.model.startswith(KINDS[call.endpoint].free_models):
        return None
    return Rates(NO_PRICE, call.model, 0, None, 0, None, None)


def bound_nanos(call: Call, rates: Rates) -> int:
    """
    Return the most that the call can cost, in nano-dollars: a true upper bound.

    The input is bounded by the body's length and the model's context window, the
    output by what the client allows or the model can give, times the choices.

    :raises NotBounded: if that is not known.
    """
    try:
        bound = highest_of(call, rates)
    except Unpriced as error:
        what = error.kind.replace("_", " ")
        text = f"The model `{rates.model}` has no price of {what}."
        raise NotBounded("model", text) from None
    if bound > LARGEST_AMOUNT_NANOS:
        param = call.length_param or "input"
        text = "This request may cost more than any limit can be: set a smaller"
        raise NotBounded(param, f"{text} {param}.")
    return bound


def highest_of(call: Call, rates: Rates) -> int:
    """Return the most that a call can cost. Raises `NotBounded`, `Unpriced`."""
    refuse_unpriced_tier(call.body, rates)
    if call.facts is not None:
        return MEDIA[call.endpoint].bound_nanos(call.body, rates, call.facts)
    kind = KINDS[call.endpoint]
    most = kind.input_tokens_max(call.body, len(call.payload), rates)
    if call.is_simulated:
        most = replace(most, tokens=max(most.tokens, len(call.payload)))
    output = kind.output_tokens_max(call.body, most.tokens, rates)
    return highest_cost_nanos(
        rates,
        input_tokens=most.tokens,
        audio_input_tokens=most.audio_tokens,
        image_input_tokens=most.image_tokens,
        output_tokens=output,
        audio_output_tokens=output if kind.speaks(call.body) else 0,
    )
