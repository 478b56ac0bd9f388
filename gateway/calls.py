"""What a client asks for: the body read, checked and bounded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import Rates, highest_cost_nanos
from core.money import LARGEST_AMOUNT_NANOS
from gateway import errors
from usage.models import Endpoint

# OpenAI allows 128 choices at most.
CHOICES_MAX = 128
# Tiers whose price the price list knows: the standard one under its two names.
PRICED_TIERS = (None, "auto", "default")
# What the bound reads of a body.
BOUNDING = frozenset(
    {
        *("model", "messages", "input", "n", "stream", "stream_options"),
        *("max_completion_tokens", "max_tokens", "prediction", "service_tier"),
        *("tools", "modalities", "audio", "web_search_options"),
        "prompt_cache_options",
    }
)
PRICED_TOOLS = ("function", "custom")
TEXT_PARTS = ("text", "refusal")
# How long the cache keeps what is written at the listed rate: the default, by name.
PRICED_CACHE_TTLS = (None, "30m")


@dataclass(slots=True)
class Call:
    """A request to a model. `payload` is what goes to the provider."""

    endpoint: str
    path: str
    model: str
    body: dict[str, Any]
    payload: bytes
    streamed: bool
    # The client asked for the usage chunk itself, so it is left in the stream.
    wants_usage: bool


def read_call(endpoint: str, path: str, raw: bytes) -> Call:
    """
    Read a body and check what the bound and the price depend on.

    Unknown fields pass through.

    :raises ApiError: for a body that is not JSON, or has wrong types.
    """
    body = parse_object(raw)
    refuse_look_alikes(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise errors.malformed("you must provide a model parameter", "model")
    if "\0" in model:  # Postgres keeps no such text
        raise errors.malformed("'model' must not contain a NUL character", "model")
    if endpoint == Endpoint.CHAT_COMPLETIONS:
        check_chat(body)
    else:
        check_embeddings(body)
    streamed = body.get("stream") is True
    wants_usage = streamed and ask_for_usage(body)
    return Call(
        endpoint=endpoint,
        path=path,
        model=model,
        body=body,
        # Written anew: of a name given twice the provider reads what we read.
        payload=orjson.dumps(body),
        streamed=streamed,
        wants_usage=wants_usage,
    )


def parse_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"We could not parse the JSON body of your request: {error}."
        raise errors.malformed(message) from None
    if not isinstance(body, dict):
        raise errors.malformed("The body of your request must be a JSON object.")
    return body


def refuse_look_alikes(body: dict[str, Any]) -> None:
    """
    Refuse `N` beside `n`: some providers take names in any case, and would read it.
    """
    for name in body:
        if name not in BOUNDING and name.lower() in BOUNDING:
            lower = name.lower()
            raise errors.malformed(f"Write '{lower}' instead of '{name}'", name)


def check_chat(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise errors.malformed("'messages' must be a non-empty array", "messages")
    for position, message in enumerate(messages):
        check_message(message, position)
    check_bool(body, "stream")
    check_count(body, "n", most=CHOICES_MAX)
    check_count(body, "max_completion_tokens")
    check_count(body, "max_tokens")
    check_list(body, "tools")
    check_list(body, "modalities")
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise errors.malformed("'stream_options' must be an object", "stream_options")


def check_message(message: object, position: int) -> None:
    where = f"messages[{position}]"
    if not isinstance(message, dict):
        raise errors.malformed(f"'{where}' must be an object", where)
    if not isinstance(message.get("role"), str):
        raise errors.malformed(f"'{where}.role' must be a string", f"{where}.role")
    content = message.get("content")
    if not isinstance(content, str | list | None):
        text = f"'{where}.content' must be a string or an array"
        raise errors.malformed(text, f"{where}.content")


def check_embeddings(body: dict[str, Any]) -> None:
    value = body.get("input")
    if not isinstance(value, str | list) or not value:
        text = "'input' must be a non-empty string or array"
        raise errors.malformed(text, "input")
    if body.get("stream"):
        raise errors.malformed("embeddings cannot be streamed", "stream")
    check_count(body, "dimensions")


def check_bool(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name), bool | None):
        raise errors.malformed(f"'{name}' must be a boolean", name)


def check_list(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name), list | None):
        raise errors.malformed(f"'{name}' must be an array", name)


def check_count(body: dict[str, Any], name: str, *, most: int | None = None) -> None:
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise errors.malformed(f"'{name}' must be an integer of at least 1", name)
    if most is not None and value > most:
        raise errors.malformed(f"'{name}' must be at most {most}", name)


def ask_for_usage(body: dict[str, Any]) -> bool:
    """
    Make the provider end the stream with a usage chunk.

    Returns whether the client asked for it itself.
    """
    options = body.get("stream_options") or {}
    is_wanted = options.get("include_usage") is True
    body["stream_options"] = {**options, "include_usage": True}
    return is_wanted


class NotBounded(Exception):
    """Nobody can say what the request may cost; says which parameter and why."""

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(reason)
        self.param = param
        self.reason = reason


def bound_nanos(call: Call, rates: Rates) -> int:
    """
    Return the most that the call can cost, in nano-dollars: a true upper bound.

    Byte-level encodings make at most one token of a byte, and the JSON around a
    message has more bytes than the tokens a model adds for it: the body's length
    bounds the input. The output is bounded by what the client allows or the model
    can give, times the choices.

    :raises NotBounded: if that is not known.
    """
    input_tokens = len(call.payload)
    if call.endpoint == Endpoint.EMBEDDINGS:
        return highest_cost_nanos(rates, input_tokens=input_tokens, output_tokens=0)
    refuse_unbounded_parts(call.body)
    per_choice = output_tokens_max(call.body, rates)
    # A prediction that the answer departs from is charged as output.
    predicted = input_tokens if call.body.get("prediction") else 0
    choices = call.body.get("n") or 1
    bound = highest_cost_nanos(
        rates,
        input_tokens=input_tokens,
        output_tokens=(per_choice + predicted) * choices,
    )
    if bound > LARGEST_AMOUNT_NANOS:
        raise NotBounded(
            "max_completion_tokens",
            "This request may cost more than any limit can be: set a smaller "
            "max_completion_tokens.",
        )
    return bound


def output_tokens_max(body: dict[str, Any], rates: Rates) -> int:
    """Return the most tokens that one choice can have."""
    if rates.output_nanos is None:
        raise NotBounded("model", f"The model `{rates.model}` has no output price.")
    stated = [body.get("max_completion_tokens"), body.get("max_tokens")]
    known = [rates.max_output_tokens, rates.context_window]
    # Of the two parameters either may be the one the provider obeys.
    asked = max((n for n in stated if n is not None), default=None)
    possible = min((n for n in known if n is not None), default=None)
    if asked is None and possible is None:
        raise NotBounded(
            "max_completion_tokens",
            f"How long an answer of `{rates.model}` can be is not known here, and your "
            "organization has a limit: set max_completion_tokens.",
        )
    return min(n for n in (asked, possible) if n is not None)


def refuse_unbounded_parts(body: dict[str, Any]) -> None:
    """Refuse what costs more than its bytes say: tiers, tools, media."""
    if body.get("service_tier") not in PRICED_TIERS:
        raise NotBounded("service_tier", "Only the standard service tier is priced.")
    cache = body.get("prompt_cache_options") or {}
    if not isinstance(cache, dict) or cache.get("ttl") not in PRICED_CACHE_TTLS:
        text = "Only cache writes that are kept for 30 minutes are priced here."
        raise NotBounded("prompt_cache_options", text)
    if body.get("web_search_options") is not None:
        raise NotBounded("web_search_options", "Web search has no price here.")
    if body.get("audio") is not None or "audio" in (body.get("modalities") or ()):
        raise NotBounded("modalities", "Audio output has no price here.")
    for tool in body.get("tools") or ():
        if not isinstance(tool, dict) or tool.get("type") not in PRICED_TOOLS:
            raise NotBounded("tools", "Only function and custom tools are priced here.")
    if "-search-" in body["model"]:
        raise NotBounded("model", "Searching models charge fees that have no price.")
    for position, message in enumerate(body["messages"]):
        if message.get("audio") is not None:
            where = f"messages[{position}].audio"
            raise NotBounded(where, "Audio has no price here.")
        content = message.get("content")
        parts = content if isinstance(content, list) else ()
        for part in parts:
            if not isinstance(part, dict) or part.get("type") not in TEXT_PARTS:
                where = f"messages[{position}].content"
                raise NotBounded(where, "Only text content is priced here yet.")
