"""Clients with the official SDK, who ask all the time and now and then leave."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
import orjson

from tests.provider_faults import FAULTS

MODEL = "gpt-4o-mini"
# A request's number is the output that it allows at most: each has one of its own.
FIRST_NUMBER = 1000
LAST_NUMBER = 16_000
# As they are sent on. No two requests have the same bound in nano-dollars: the
# lengths differ by one byte, and a token of output costs as much as four bytes.
PLAIN_BYTES, STREAM_BYTES = 400, 401
USAGE = {"stream_options": {"include_usage": True}}
TIMEOUT_S = 15.0
# From the commit that revoked a key on, gateways may take it so long.
REVOKED_AFTER_S = 2.0
# Of so many requests the provider misbehaves.
MISBEHAVIOR = 0.3
# So many come with a key that has a limit of its own.
OWN_LIMIT = 0.45
REFUSED_PAUSE_S = (0.05, 0.4)


@dataclass
class KeyRing:
    """The key that is good, those with limits, and those that no longer are good."""

    organization: str
    good: str
    # With the names of whom they belong to.
    limited: list[tuple[str, str]]
    # When each was known to be revoked, on the steady clock.
    revoked: list[tuple[float, str]] = field(default_factory=list)

    def long_revoked(self) -> list[str]:
        before = time.monotonic() - REVOKED_AFTER_S
        return [text for at, text in self.revoked if at < before]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client was told: `answered`, `left`, `lost`, or an error's code."""

    word: str
    status: int = 0
    request_id: str = ""
    key_was_revoked: bool = False


class Clients:
    """So many threads that ask until they are told to stop."""

    def __init__(
        self, urls: Sequence[str], keys: KeyRing, *, count: int, seed: int
    ) -> None:
        self.heard: dict[int, Heard] = {}
        # Who asked, by the request's number: those with limits of their own.
        self.asked_by: dict[int, str] = {}
        self._urls = urls
        self._keys = keys
        self._numbers = itertools.count(FIRST_NUMBER)
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask_on, args=(random.Random(f"{seed}/{i}"),))
            for i in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return once the last has its answer."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def count(self, word: str) -> int:
        """Return how often clients have been told a word."""
        return sum(heard.word == word for heard in list(self.heard.values()))

    def _ask_on(self, source: random.Random) -> None:
        while not self._is_over.is_set():
            number = next(self._numbers)
            if number > LAST_NUMBER:
                return
            old = self._keys.long_revoked() if source.random() < 0.05 else []
            key = source.choice(old) if old else self._pick_key(source, number)
            heard = self._ask(source, number, key, was_revoked=bool(old))
            self.heard[number] = heard
            if heard.word not in ("answered", "left"):
                self._is_over.wait(source.uniform(*REFUSED_PAUSE_S))

    def _pick_key(self, source: random.Random, number: int) -> str:
        if source.random() > OWN_LIMIT:
            return self._keys.good
        key, self.asked_by[number] = source.choice(self._keys.limited)
        return key

    def _ask(
        self, source: random.Random, number: int, key: str, *, was_revoked: bool
    ) -> Heard:
        gateway = source.randrange(len(self._urls))
        ask = ask_of(source, number)
        leave_after = source.randrange(1, 6) if source.random() < 0.2 else None
        with openai.OpenAI(
            base_url=f"{self._urls[gateway]}/v1",
            api_key=key,
            organization=self._keys.organization,
            max_retries=0,
            timeout=TIMEOUT_S,
            # Goes on to the provider: so the way to it is told apart by gateway.
            default_headers={"User-Agent": name_of(gateway)},
        ) as client:
            try:
                return listen(client, ask, leave_after, was_revoked)
            except openai.APIStatusError as error:
                return Heard(str(error.code), error.status_code)
            except (openai.APIError, ValueError, AttributeError):
                # Broken off, or nothing that the SDK can read.
                return Heard("lost", key_was_revoked=False)


def name_of(gateway: int) -> str:
    """Return what requests by way of a gateway call themselves."""
    return f"faults-by-gateway-{gateway}"


def listen(
    client: openai.OpenAI, ask: dict[str, Any], leave_after: int | None, revoked: bool
) -> Heard:
    answer = client.chat.completions.create(**ask)
    if not ask.get("stream"):
        request_id = str(answer._request_id)
        return Heard("answered", 200, request_id, key_was_revoked=revoked)
    request_id = answer.response.headers["x-request-id"]
    for count, _ in enumerate(answer):
        if count == leave_after:
            answer.close()
            return Heard("left", 200, request_id, key_was_revoked=revoked)
    return Heard("answered", 200, request_id, key_was_revoked=revoked)


def ask_of(source: random.Random, number: int) -> dict[str, Any]:
    """Return a request that spends nearly all of its bound, streamed or plain."""
    is_streamed = source.random() < 0.6
    # Some ask for their usage, for the others the gateway does.
    asks_usage = source.random() < 0.3
    orders: dict[str, Any] = {"output": number, "pause_s": 0.05}
    if is_streamed:
        orders["chunks"] = source.randrange(1, 30)
    if source.random() < MISBEHAVIOR:
        orders["fault"] = source.choice(list(FAULTS))
    ask: dict[str, Any] = {"model": MODEL, "max_completion_tokens": number}
    if is_streamed:
        ask |= {"stream": True, **USAGE}
    length = STREAM_BYTES if is_streamed else PLAIN_BYTES
    pad = ""
    while True:
        content = orjson.dumps({**orders, "pad": pad}).decode()
        ask["messages"] = [{"role": "user", "content": content}]
        missing = length - len(orjson.dumps(ask))
        if missing == 0:
            break
        pad = "x" * (len(pad) + missing)
    if is_streamed and not asks_usage:
        del ask["stream_options"]
    return ask
