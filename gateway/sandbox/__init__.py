"""
The built-in provider: deterministic text, true token counts, a realistic pace.

Serves staging organizations. It answers for its own models and for every model of
the price list, so that an application can be tried unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gateway.payloads import Payload
from gateway.sandbox.chat import complete
from gateway.sandbox.completions import go_on
from gateway.sandbox.embeddings import embed
from gateway.sandbox.images import draw, redraw
from gateway.sandbox.moderations import moderate
from gateway.sandbox.responses import respond
from gateway.sandbox.speech import speak
from gateway.sandbox.texts import (
    JSON_HEADERS,
    STREAM_HEADERS,
    Answered,
    Events,
)
from gateway.sandbox.transcriptions import transcribe, translate

FIRST_TOKEN_S = 0.18
TOKEN_S = 0.012


class Text(Protocol):
    """An answer in words."""

    @property
    def output_tokens(self) -> int: ...

    def as_object(self) -> dict[str, Any]:
        """Return the answer in one piece."""
        ...

    def events(self, pace_s: float) -> Events:
        """Yield the answer as a stream sends it, a token each."""
        ...


DOCUMENTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "/embeddings": embed,
    "/moderations": moderate,
}
TEXTS: dict[str, Callable[[dict[str, Any]], Text]] = {
    "/chat/completions": complete,
    "/responses": respond,
    "/completions": go_on,
}
MEDIA: dict[str, Callable[[Payload, float], Answered]] = {
    "/images/generations": draw,
    "/images/edits": redraw,
    "/audio/speech": speak,
    "/audio/transcriptions": transcribe,
    "/audio/translations": translate,
}


class SandboxUpstream:
    """Answers like a provider, from inside this process. Costs nobody anything."""

    origin = "sandbox"

    def __init__(self, *, is_paced: bool) -> None:
        self._is_paced = is_paced

    async def send(
        self, method: str, path: str, payload: Payload, headers: Mapping[bytes, bytes]
    ) -> SandboxAnswer:
        pace_s = TOKEN_S if self._is_paced else 0.0
        if self._is_paced:
            await asyncio.sleep(FIRST_TOKEN_S)
        if path in MEDIA:
            return SandboxAnswer(*MEDIA[path](payload, pace_s))
        assert isinstance(payload, bytes), "only images and sound come in forms"
        body = orjson.loads(payload)
        if path in DOCUMENTS:
            return whole_answer(DOCUMENTS[path](body))
        text = TEXTS[path](body)
        if body.get("stream"):
            return SandboxAnswer(STREAM_HEADERS, text.events(pace_s))
        if self._is_paced:
            await asyncio.sleep(pace_s * text.output_tokens)
        return whole_answer(text.as_object())


@dataclass(slots=True)
class SandboxAnswer:
    """An answer of the sandbox: parts, each after its pause."""

    headers: list[tuple[bytes, bytes]]
    source: Events
    status: int = 200

    async def read(self) -> bytes:
        return b"".join([part async for part in self.parts()])

    async def parts(self) -> AsyncIterator[bytes]:
        for pause_s, part in self.source:
            await asyncio.sleep(pause_s)
            yield part

    async def close(self) -> None:
        self.source = iter(())


def whole_answer(document: dict[str, Any]) -> SandboxAnswer:
    return SandboxAnswer(JSON_HEADERS, iter([(0.0, orjson.dumps(document))]))
