"""`POST /completions`: texts that go on, for the models that make no conversation."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates
from gateway import errors
from gateway.calls.bounds import COMMON, longest_answer, refuse_unpriced_terms
from gateway.calls.fields import CHOICES_MAX, check_bool, check_count, check_stream
from gateway.calls.inputs import InputMax, text_max

LENGTH_PARAM = "max_tokens"
BOUNDING = COMMON | {"prompt", "n", "best_of", "max_tokens", "echo", "suffix"}
# OpenAI's. It is sent by name, since other providers have none.
DEFAULT_MAX_TOKENS = 16


def check(body: dict[str, Any]) -> None:
    check_prompt(body.get("prompt"))
    check_stream(body)
    check_bool(body, "echo")
    check_count(body, "n", most=CHOICES_MAX)
    check_count(body, "best_of", most=CHOICES_MAX)
    # Who only wants the prompt's probabilities asks for 0.
    check_count(body, "max_tokens", least=0)
    if body.get("max_tokens") is None:
        body["max_tokens"] = DEFAULT_MAX_TOKENS


def check_prompt(prompt: object) -> None:
    """A text, token ids, or an array of either; without one the model begins anew."""
    if prompt is None or isinstance(prompt, str):
        return
    if not isinstance(prompt, list) or not prompt:
        text = "'prompt' must be a string or a non-empty array"
        raise errors.malformed(text, "prompt")
    is_text = all(isinstance(item, str) for item in prompt)
    if not (is_text or are_token_ids(prompt) or all(map(are_token_ids, prompt))):
        text = "'prompt' must hold strings, or token ids, or arrays of token ids"
        raise errors.malformed(text, "prompt")


def are_token_ids(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


def count_prompts(prompt: str | list[Any] | None) -> int:
    """Return how many texts a request makes at once."""
    if prompt is None or isinstance(prompt, str) or are_token_ids(prompt):
        return 1
    return len(prompt)


def input_tokens_max(body: dict[str, Any], length: int, rates: Rates) -> InputMax:
    """Return the most input of a body of some length: each prompt has the window."""
    return text_max(length, rates, texts=count_prompts(body.get("prompt")))


def output_tokens_max(body: dict[str, Any], input_tokens: int, rates: Rates) -> int:
    """
    Return the most tokens that all choices of all prompts can have together.

    Of `best_of` texts, all are charged and the best are returned.
    """
    refuse_unpriced_terms(body, rates)
    longest = longest_answer([body["max_tokens"]], rates, param=LENGTH_PARAM)
    choices = max(body.get("n") or 1, body.get("best_of") or 1)
    # A provider may count an echoed prompt as output.
    echoed = input_tokens if body.get("echo") else 0
    return choices * (count_prompts(body.get("prompt")) * longest + echoed)
