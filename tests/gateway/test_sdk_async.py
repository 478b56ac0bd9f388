"""The official asynchronous client works on the gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests import rig
from tests.gateway.conftest import House, async_client_of

pytestmark = pytest.mark.processes

MODEL = "gpt-4o-mini"


def asking(output: int, pause_s: float = 0) -> dict[str, Any]:
    content = f'{{"output": {output}, "pause_s": {pause_s}}}'
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": content}],
        "max_completion_tokens": output,
    }


def client(house: House) -> AsyncOpenAI:
    return async_client_of(house.url, house.key)


def run(work: Any) -> Any:
    """Run a coroutine in a loop of its own: the database stays outside."""
    return asyncio.run(work)


def test_many_at_once_are_each_answered_and_booked(house: House) -> None:
    async def ask_all() -> list[int]:
        async with client(house) as asked:
            calls = (asked.chat.completions.create(**asking(n)) for n in range(1, 33))
            answers = await asyncio.gather(*calls)
        return [answer.usage.completion_tokens for answer in answers]

    assert run(ask_all()) == list(range(1, 33))
    outputs = [record.output_tokens for record in house.records()]
    assert sorted(outputs) == list(range(1, 33))


def test_streams_at_once_do_not_mix(house: House) -> None:
    async def read(asked: AsyncOpenAI, output: int) -> str:
        stream = await asked.chat.completions.create(
            **asking(output, 0.002), stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def read_all() -> list[str]:
        async with client(house) as asked:
            return await asyncio.gather(*(read(asked, n) for n in range(1, 17)))

    assert run(read_all()) == ["word " * n for n in range(1, 17)]
    rig.wait_until(lambda: len(house.records()) == 16)
    assert house.holds() == []


def test_the_streaming_helper_is_awaited(house: House) -> None:
    async def read() -> tuple[str, Any]:
        async with (
            client(house) as asked,
            asked.chat.completions.stream(**asking(4)) as stream,
        ):
            kinds = {event.type async for event in stream}
            return str(kinds), await stream.get_final_completion()

    kinds, completion = run(read())
    assert "content.delta" in kinds
    assert completion.choices[0].message.content == "word " * 4


def test_a_response_is_streamed_to_its_end(house: House) -> None:
    async def read() -> Any:
        content = '{"shape": "text", "says": "Four degrees."}'
        async with (
            client(house) as asked,
            asked.responses.stream(model=MODEL, input=content) as stream,
        ):
            return await stream.get_final_response()

    assert run(read()).output_text == "Four degrees."


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cancelled_request_is_charged_what_the_provider_bills(
    house: House, provider: rig.Provider, streamed: bool
) -> None:
    before = len(provider.bills())

    async def cancel() -> None:
        async with client(house) as asked:
            ask = asking(20, 0.05) if streamed else asking(20, 0.5)
            task = asyncio.create_task(consume(asked, ask, streamed=streamed))
            await asyncio.to_thread(
                rig.wait_until, lambda: len(provider.bills()) > before
            )
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(cancel())

    rig.wait_until(lambda: bool(house.records()), what="nothing was booked")
    (record,) = house.records()
    assert (record.kind, record.output_tokens) == ("actual", 20)
    assert house.holds() == []


async def consume(asked: AsyncOpenAI, ask: Any, *, streamed: bool) -> None:
    answer: Any = await asked.chat.completions.create(**ask, stream=streamed)
    if streamed:
        async for _ in answer:
            pass
