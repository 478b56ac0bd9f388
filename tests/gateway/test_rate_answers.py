"""What clients are told of rate limits, and what a request is taken for. Pure."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.calls import Call, read_call
from gateway.messages import Message, Request
from gateway.rate_limits.answers import duration, headers_of, refusal_of
from gateway.rate_limits.buckets import TOKENS, WINDOW_MS
from gateway.rate_limits.estimates import MEDIA_TOKENS, OUTPUT_TOKENS, tokens_asked
from tests.gateway.rates import bucket
from usage.models import Endpoint


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (7, "7ms"),
        (120, "120ms"),
        (1000, "1s"),
        (1574, "1.574s"),
        (20_000, "20s"),
        (59_900, "59.9s"),
        (60_000, "1m0s"),
        (90_500, "1m30.5s"),
        (360_000, "6m0s"),
        (3_600_000, "1h0m0s"),
    ],
)
def test_durations_are_written_as_openai_does(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


def test_the_headers_are_of_the_bucket_with_least_left() -> None:
    wide, narrow = bucket(100), bucket(10)

    headers = dict(headers_of([(wide, 95 * WINDOW_MS), (narrow, 3 * WINDOW_MS)]))

    assert headers == {
        b"x-ratelimit-limit-requests": b"100",
        b"x-ratelimit-remaining-requests": b"5",
        b"x-ratelimit-reset-requests": b"57s",
    }


def test_the_longest_wait_is_the_one_that_is_told() -> None:
    requests = bucket(60)
    tokens = bucket(600, 100, kind=TOKENS)

    error = refusal_of(
        [(requests, 60 * WINDOW_MS), (tokens, 550 * WINDOW_MS)], "gpt-5", "org-x", "/"
    )

    assert error.type == "tokens"
    assert "Limit 600, Used 550, Requested 100. Please try again in 5s." in (
        error.message
    )
    assert error.headers == {"retry-after": "5", "retry-after-ms": "5000"}


async def test_our_headers_win_over_the_providers_of_the_same_name() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    request = Request("POST", "/", {}, receive=None, send=send)  # type: ignore[arg-type]
    request.added_headers = [(b"x-ratelimit-limit-requests", b"7")]
    theirs = [
        (b"x-ratelimit-limit-requests", b"500"),
        (b"x-ratelimit-limit-tokens", b"9"),
    ]

    await request.start_answer(200, theirs)

    limits = [h for h in sent[0]["headers"] if h[0].startswith(b"x-ratelimit")]
    assert limits == [theirs[1], *request.added_headers]


def chat(content: Any = "Go.", **fields: Any) -> Call:
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": content}]}
    raw = orjson.dumps({**body, **fields})
    return read_call(Endpoint.CHAT_COMPLETIONS, "/chat/completions", raw)


def test_the_length_that_is_asked_for_counts_for_each_choice() -> None:
    short, many = chat(max_tokens=10), chat(max_tokens=10, n=3)

    assert tokens_asked(short) == len(short.payload) // 4 + 10
    assert tokens_asked(many) == len(many.payload) // 4 + 30


def test_a_length_that_nobody_set_is_guessed() -> None:
    call = chat()

    assert tokens_asked(call) == len(call.payload) // 4 + OUTPUT_TOKENS


def test_a_picture_counts_for_little_however_many_bytes_it_has() -> None:
    picture = {"url": "data:image/png;base64," + "A" * 4_000_000}
    call = chat([{"type": "image_url", "image_url": picture}], max_tokens=10)

    assert MEDIA_TOKENS <= tokens_asked(call) < MEDIA_TOKENS + 100


def test_a_long_text_counts_in_full() -> None:
    call = chat("word " * 50_000, max_tokens=10)

    assert tokens_asked(call) == len(call.payload) // 4 + 10


def test_an_embedding_has_no_answer_to_count() -> None:
    raw = orjson.dumps({"model": "text-embedding-3-small", "input": "word " * 100})
    call = read_call(Endpoint.EMBEDDINGS, "/embeddings", raw)

    assert tokens_asked(call) == len(call.payload) // 4
