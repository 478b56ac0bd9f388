"""Streams under way in the background, for tests that break something meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import openai

from tests.gateway.conftest import client_of

MODEL = "gpt-4o-mini"


def ask_for(output: int, pause_s: float) -> dict[str, object]:
    """Return a request for a stream of `output` tokens with a pause before each."""
    content = f'{{"output": {output}, "pause_s": {pause_s}}}'
    return {
        "model": MODEL,
        "stream": True,
        "max_completion_tokens": output,
        "messages": [{"role": "user", "content": content}],
    }


class Streams:
    """Some streams read by threads; knows how many have begun and how many ended."""

    def __init__(self, url: str, key: str, *, count: int, ask: dict[str, object]):
        self.begun = threading.Semaphore(0)
        self.whole = 0
        self._threads = [
            threading.Thread(target=self._read, args=(url, key, ask))
            for _ in range(count)
        ]
        self._lock = threading.Lock()

    def _read(self, url: str, key: str, ask: dict[str, object]) -> None:
        with contextlib.suppress(openai.APIError):
            with client_of(url, key) as client:
                stream = client.chat.completions.create(**ask)  # type: ignore[call-overload]
                for number, _ in enumerate(stream):
                    if number == 0:
                        self.begun.release()
            with self._lock:
                self.whole += 1

    def wait_begun(self) -> None:
        """Return once every stream has sent something."""
        for _ in self._threads:
            assert self.begun.acquire(timeout=20), "a stream did not begin"

    def __enter__(self) -> Streams:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for thread in self._threads:
            thread.join(30)


@contextlib.contextmanager
def streams(
    url: str, key: str, *, count: int, output: int, pause_s: float
) -> Iterator[Streams]:
    """Read so many streams while the block runs, and wait for their end."""
    asked = Streams(url, key, count=count, ask=ask_for(output, pause_s))
    with asked:
        asked.wait_begun()
        yield asked
