"""Bodies, paths and methods that make no sense: a clear error, and nothing written."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import ASK, BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes

NOT_JSON = [
    b"",
    b"{",
    b"not json",
    b'{"model": "gpt-4o-mini",}',
    b'{"model": NaN}',
    b'{"model": "\xff"}',
    b'{"model": "\\ud800"}',
    b"[" * 100_000,
]
NO_OBJECTS: list[object] = [[], [BODY], "text", 7, None, True]
WRONG_IN_CHAT: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": 4}, "model"),
    ({"model": ["gpt-4o-mini"]}, "model"),
    ({"model": "gpt-4o-mini\x00"}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Say something."}, "messages"),
    ({"messages": {"role": "user"}}, "messages"),
    ({"messages": [*ASK, "Hello"]}, "messages[1]"),
    ({"messages": [{"content": "Hello"}]}, "messages[0].role"),
    ({"messages": [{"role": 1, "content": "Hello"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": "usage"}, "stream_options"),
    ({"stream_options": []}, "stream_options"),
    ({"n": 0}, "n"),
    ({"n": -1}, "n"),
    ({"n": 129}, "n"),
    ({"n": "2"}, "n"),
    ({"n": 1.0}, "n"),
    ({"n": True}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -5}, "max_tokens"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"max_tokens": 1e30}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"max_completion_tokens": False}, "max_completion_tokens"),
    ({"max_completion_tokens": [1]}, "max_completion_tokens"),
    ({"tools": 5}, "tools"),
    ({"tools": "search"}, "tools"),
    ({"tools": {"type": "function"}}, "tools"),
    ({"modalities": 5}, "modalities"),
    ({"modalities": "audio"}, "modalities"),
]
WRONG_IN_EMBEDDINGS: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"input": ""}, "input"),
    ({"input": []}, "input"),
    ({"input": 5}, "input"),
    ({"input": {"text": "house"}}, "input"),
    ({"dimensions": 0}, "dimensions"),
    ({"dimensions": "256"}, "dimensions"),
    ({"stream": True}, "stream"),
    ({"model": None}, "model"),
]
WRONG_IN_RESPONSES: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"input": 5}, "input"),
    ({"input": {"role": "user"}}, "input"),
    ({"input": [{"role": "user", "content": "Hello"}, "Hello"]}, "input[1]"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_output_tokens": "9"}, "max_output_tokens"),
    ({"Max_Output_Tokens": 9}, "Max_Output_Tokens"),
    ({"background": "no"}, "background"),
    ({"stream": "true"}, "stream"),
    ({"stream_options": []}, "stream_options"),
    ({"tools": "search"}, "tools"),
]
WRONG_IN_COMPLETIONS: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": ["one", 2]}, "prompt"),
    ({"prompt": [[1], "two"]}, "prompt"),
    ({"prompt": [1, True]}, "prompt"),
    ({"prompt": [[1, 2.5]]}, "prompt"),
    ({"n": 0}, "n"),
    ({"best_of": 0}, "best_of"),
    ({"best_of": 129}, "best_of"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"echo": "yes"}, "echo"),
    ({"stream": 1}, "stream"),
]
WRONG_IN_MODERATIONS: list[tuple[dict[str, Any], str]] = [
    ({"model": 4}, "model"),
    ({"model": ""}, "model"),
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"stream": True}, "stream"),
]
MALFORMED = (400, "invalid_request_error", None)


def refusals(
    house: House, provider: rig.Provider, bodies: list[Any], **options: Any
) -> Iterator[tuple[object, Answer]]:
    """Send bodies that must leave no trace, each with a limit and without."""
    with nothing_written(provider):
        for limit in (None, "1"):
            house.limit(limit)
            for body in bodies:
                yield body, call(house.url, house.key, body, **options)


def test_malformed_json_is_refused(house: House, provider: rig.Provider) -> None:
    for body, answer in refusals(house, provider, NOT_JSON):
        assert answer.summary == MALFORMED, body
        assert "could not parse the JSON" in answer.error["message"]


def test_a_body_that_is_no_object_is_refused(
    house: House, provider: rig.Provider
) -> None:
    for body, answer in refusals(house, provider, NO_OBJECTS):
        assert answer.summary == MALFORMED, body
        assert "must be a JSON object" in answer.error["message"]


def test_a_wrong_type_is_refused_and_named(
    house: House, provider: rig.Provider
) -> None:
    params = [param for _, param in WRONG_IN_CHAT] * 2
    bodies = [{**BODY, **change} for change, _ in WRONG_IN_CHAT]
    answers = refusals(house, provider, bodies)
    for (body, answer), param in zip(answers, params, strict=True):
        assert answer.summary == MALFORMED, body
        assert answer.error["param"] == param, body


TEXT_INPUT = {"model": "text-embedding-3-small", "input": "house"}
OTHERS: list[tuple[str, dict[str, Any], list[tuple[dict[str, Any], str]]]] = [
    ("embeddings", TEXT_INPUT, WRONG_IN_EMBEDDINGS),
    ("responses", {"model": "gpt-4o-mini", "input": "Hi"}, WRONG_IN_RESPONSES),
    ("completions", {"model": "gpt-4o-mini", "prompt": "Hi"}, WRONG_IN_COMPLETIONS),
    ("moderations", {"input": "Hi"}, WRONG_IN_MODERATIONS),
]


@pytest.mark.parametrize(("name", "good", "wrong"), OTHERS)
def test_a_wrong_type_elsewhere_is_refused_and_named(
    house: House,
    provider: rig.Provider,
    name: str,
    good: dict[str, Any],
    wrong: list[tuple[dict[str, Any], str]],
) -> None:
    params = [param for _, param in wrong] * 2
    bodies = [{**good, **change} for change, _ in wrong]
    answers = refusals(house, provider, bodies, path=f"/v1/{name}")
    for (body, answer), param in zip(answers, params, strict=True):
        assert answer.summary == MALFORMED, body
        assert answer.error["param"] == param, body


def test_a_body_over_the_limit_is_refused_and_the_gateway_goes_on(
    house: House, provider: rig.Provider
) -> None:
    text = "x" * (32 * 1024 * 1024)
    body = {**BODY, "messages": [{"role": "user", "content": text}]}

    with nothing_written(provider):
        answer = call(house.url, house.key, body)

    assert answer.summary == (413, "invalid_request_error", None)
    assert "33554432 bytes" in answer.error["message"]
    assert call(house.url, house.key).status == 200


def test_a_body_is_not_read_before_its_key_is(
    house: House, provider: rig.Provider
) -> None:
    with nothing_written(provider):
        assert call(house.url, "th-nobody", b"{").status == 401


def test_a_compressed_body_is_not_opened(house: House, provider: rig.Provider) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    for encoding in ("gzip", "br", "deflate", "GZIP, identity"):
        with nothing_written(provider):
            headers = {"Content-Encoding": encoding}
            answer = call(house.url, house.key, bomb, headers=headers)

        assert answer.summary == (415, "invalid_request_error", None)


@pytest.mark.parametrize("depth", [100, 200, 1000, 1023, 1024, 50_000])
def test_nesting_is_passed_on_or_refused_and_never_an_error_of_ours(
    house: House, depth: int
) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    body = b'{"model": "gpt-4o-mini", "messages": [], "x": ' + nested + b"}"

    answer = call(house.url, house.key, body)

    assert answer.status == 400
    assert answer.error["message"]


NO_PATHS = ["/v1", "/v1/", "/v1/chat", "/v1/images", "/v1/responses/x", "/v1/%00"]
WRONG_METHODS = [
    ("GET", "/v1/chat/completions", "POST"),
    ("PUT", "/v1/chat/completions", "POST"),
    ("DELETE", "/v1/embeddings", "POST"),
    ("POST", "/v1/models", "GET"),
    ("DELETE", "/v1/models/gpt-4o-mini", "GET"),
]


def test_an_unknown_path_is_refused(house: House, provider: rig.Provider) -> None:
    with nothing_written(provider):
        for path in NO_PATHS:
            answer = call(house.url, house.key, path=path)

            assert answer.summary == (404, "invalid_request_error", None), path
            assert "Invalid URL (POST /v1" in answer.error["message"]


def test_a_wrong_method_is_refused_and_the_right_one_named(
    house: House, provider: rig.Provider
) -> None:
    with nothing_written(provider):
        for method, path, allowed in WRONG_METHODS:
            answer = call(house.url, house.key, method=method, path=path)

            assert answer.summary == (405, "invalid_request_error", None), path
            assert answer.headers["allow"] == allowed


def test_every_answer_names_its_request_and_its_organization(house: House) -> None:
    house.limit("0.000001")
    known = [
        call(house.url, house.key, b"{"),
        call(house.url, house.key),
        call(house.url, house.key, method="GET", path="/v1/models"),
    ]
    unknown = [call(house.url, None), call(house.url, house.key, path="/v1/nowhere")]

    assert [answer.status for answer in known + unknown] == [400, 429, 200, 401, 404]
    for answer in known + unknown:
        assert answer.headers["x-request-id"].startswith("req_")
        assert int(answer.headers["openai-processing-ms"]) >= 0
    for answer in known:
        assert answer.headers["openai-organization"] == house.organization.public_id


def test_the_sdk_raises_what_it_raises_for_openai(house: House) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        house.client().chat.completions.create(model="gpt-4o-mini", messages=[])

    assert refusal.value.param == "messages"
    assert refusal.value.request_id is not None
    assert refusal.value.request_id.startswith("req_")


def test_of_a_name_given_twice_the_provider_reads_what_was_bounded(
    house: House, provider: rig.Provider
) -> None:
    before = len(provider.bills())
    message = '{"role": "user", "content": "{\\"output\\": 3}"}'
    body = f'{{"model": "gpt-4o-mini", "n": 9, "messages": [{message}], "n": 1}}'

    assert call(house.url, house.key, body.encode()).status == 200

    (bill,) = provider.bills()[before:]
    assert bill["usage"]["completion_tokens"] == 3


def test_a_name_in_capitals_that_the_bound_would_miss_is_refused(
    house: House, provider: rig.Provider
) -> None:
    with nothing_written(provider):
        answer = call(house.url, house.key, {**BODY, "N": 9})

    assert (answer.status, answer.error["param"]) == (400, "N")
