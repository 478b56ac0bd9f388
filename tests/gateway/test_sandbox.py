"""The sandbox answers the SDK like a provider: repeatable, counted, priced."""

from __future__ import annotations

import math
from typing import Any, cast

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from billing.models import Price
from gateway import tokens
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Wie geht's, «Haus»? 🏠"},
]


def complete(house: House, **options: Any) -> ChatCompletion:
    given = {"model": "sandbox-1", "messages": MESSAGES, **options}
    return cast("ChatCompletion", house.client().chat.completions.create(**given))


def stream(house: House, **options: Any) -> list[ChatCompletionChunk]:
    given = {"model": "sandbox-1", "messages": MESSAGES, "stream": True, **options}
    with house.client().chat.completions.create(**given) as events:
        return list(events)


def text_of(answer: ChatCompletion, index: int = 0) -> str:
    return answer.choices[index].message.content or ""


def streamed_text(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return "".join(c.delta.content or "" for c in choices if c.index == index)


def test_the_same_request_has_the_same_answer(staging: House) -> None:
    first, second = complete(staging), complete(staging, temperature=1.3, seed=5)
    other = complete(staging, messages=[{"role": "user", "content": "Other"}])

    assert text_of(first) == text_of(second) != text_of(other)
    assert len(text_of(first).split()) >= 20
    assert first.id != second.id
    assert (first.model, first.choices[0].finish_reason) == ("sandbox-1", "stop")


def test_tokens_are_counted_truly(staging: House) -> None:
    answer = complete(staging)

    texts = [text for message in MESSAGES for text in message.values()]
    counted = sum(tokens.count("sandbox-1", text) for text in texts)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 3 + 3 * len(MESSAGES) + counted
    assert answer.usage.completion_tokens == tokens.count("sandbox-1", text_of(answer))
    assert answer.usage.total_tokens == (
        answer.usage.prompt_tokens + answer.usage.completion_tokens
    )


def test_a_stream_says_what_the_whole_answer_says(staging: House) -> None:
    chunks = stream(staging)

    answer = complete(staging)
    assert streamed_text(chunks) == text_of(answer)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    whole, streamed = staging.records()[1], staging.records()[0]
    assert (whole.streamed, streamed.streamed) == (False, True)
    assert streamed.output_tokens == whole.output_tokens
    assert streamed.input_tokens == whole.input_tokens


def test_a_stream_ends_with_its_usage_for_those_who_ask(staging: House) -> None:
    asked = stream(staging, stream_options={"include_usage": True})
    unasked = stream(staging)

    record = staging.records()[0]
    usage = asked[-1].usage
    assert usage is not None
    assert usage.completion_tokens == record.output_tokens
    assert all(chunk.usage is None for chunk in asked[:-1] + unasked)
    assert len(asked) == len(unasked) + 1


@pytest.mark.parametrize("parameter", ["max_completion_tokens", "max_tokens"])
def test_an_answer_is_cut_where_the_client_says(staging: House, parameter: str) -> None:
    short = complete(staging, **{parameter: 7})
    chunks = stream(staging, **{parameter: 7})

    assert short.choices[0].finish_reason == "length"
    assert chunks[-1].choices[0].finish_reason == "length"
    assert streamed_text(chunks) == text_of(short)
    assert text_of(complete(staging)).startswith(text_of(short))
    assert [record.output_tokens for record in staging.records()[:2]] == [7, 7]


def test_each_choice_is_another_text_and_all_are_charged(staging: House) -> None:
    answer = complete(staging, n=3)
    chunks = stream(staging, n=3)

    texts = [text_of(answer, index) for index in range(3)]
    assert len(set(texts)) == 3
    assert texts == [streamed_text(chunks, index) for index in range(3)]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == sum(
        tokens.count("sandbox-1", text) for text in texts
    )


def test_the_sandbox_has_a_price_of_its_own_and_its_usage_is_simulated(
    staging: House,
) -> None:
    complete(staging)

    (record,) = staging.records()
    price = Price.objects.get(model="sandbox-1")
    assert (price.source, record.price_id) == ("sandbox", price.pk)
    assert price.input_nanos is not None
    assert price.output_nanos is not None
    assert record.cost_nanos == (
        record.input_tokens * price.input_nanos
        + record.output_tokens * price.output_nanos
    )
    assert (record.simulated, record.kind) == (True, "actual")
    assert staging.budget().spent_nanos == record.cost_nanos
    assert staging.holds() == []


def test_any_priced_model_can_be_tried_at_its_own_price(staging: House) -> None:
    answer = complete(staging, model="gpt-4o-mini")

    (record,) = staging.records()
    price = Price.objects.get(model="gpt-4o-mini", service_tier="")
    assert answer.model == record.model == "gpt-4o-mini"
    assert (record.simulated, record.price_id) == (True, price.pk)


def test_an_embedding_is_the_same_in_floats_and_in_base64(staging: House) -> None:
    """The SDK asks for base64 when nothing is said, and unpacks it."""
    client = staging.client()
    packed = client.embeddings.create(model="sandbox-embedding-1", input="a house")
    floats = client.embeddings.create(
        model="sandbox-embedding-1", input="a house", encoding_format="float"
    )

    vector = floats.data[0].embedding
    assert packed.data[0].embedding == pytest.approx(vector, rel=1e-6)
    assert len(vector) == 256
    assert math.fsum(x * x for x in vector) == pytest.approx(1)


def test_each_text_has_its_own_vector_of_the_size_asked_for(staging: House) -> None:
    answer = staging.client().embeddings.create(
        model="sandbox-embedding-1", input=["house", "tree", "house"], dimensions=32
    )

    one, other, again = (entry.embedding for entry in answer.data)
    assert [len(one), len(other)] == [32, 32]
    assert one == again != other
    assert [entry.index for entry in answer.data] == [0, 1, 2]


def test_an_embedding_is_charged_for_its_tokens(staging: House) -> None:
    texts = ["a house", "🏠 mit Garten"]
    answer = staging.client().embeddings.create(
        model="sandbox-embedding-1", input=texts
    )

    (record,) = staging.records()
    counted = sum(tokens.count("sandbox-embedding-1", text) for text in texts)
    assert answer.usage.prompt_tokens == record.input_tokens == counted
    price = Price.objects.get(model="sandbox-embedding-1")
    assert price.input_nanos is not None
    assert record.cost_nanos == counted * price.input_nanos
    assert (record.output_tokens, record.simulated) == (0, True)


def test_token_ids_are_embedded_and_counted_as_they_are(staging: House) -> None:
    client = staging.client()
    one = client.embeddings.create(model="sandbox-embedding-1", input=[15, 7, 99])
    two = client.embeddings.create(
        model="sandbox-embedding-1", input=[[15, 7, 99], [1]]
    )

    assert (len(one.data), len(two.data)) == (1, 2)
    assert one.data[0].embedding == two.data[0].embedding
    assert (one.usage.prompt_tokens, two.usage.prompt_tokens) == (3, 4)


def test_a_model_for_embeddings_makes_no_conversation_within_a_limit(
    staging: House,
) -> None:
    staging.limit("1")

    with nothing_written(), pytest.raises(openai.BadRequestError) as refusal:
        complete(staging, model="sandbox-embedding-1")

    assert refusal.value.code == "request_not_bounded"


def test_the_cost_of_an_answer_is_in_its_headers(staging: House) -> None:
    answer = call(
        staging.url, staging.key, {"model": "sandbox-1", "messages": MESSAGES}
    )

    (record,) = staging.records()
    cost = float(answer.headers["x-tokenhouse-cost-usd"])
    assert round(cost * 1e9) == record.cost_nanos > 0
