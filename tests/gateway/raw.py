"""Requests as bytes, for what the SDK cannot send; and what they left behind."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from billing.models import Budget, CreditGrant, Hold
from tests import rig
from tests.answered import note
from usage.models import UsageRecord

CHAT = "/v1/chat/completions"
ASK: list[dict[str, Any]] = [{"role": "user", "content": "Say something."}]
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": ASK}


@dataclass
class Answer:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error object, whose shape is OpenAI's."""
        document = orjson.loads(self.body)
        assert list(document) == ["error"]
        error: dict[str, Any] = document["error"]
        assert {"message", "type", "param", "code"} <= set(error)
        return error

    @property
    def summary(self) -> tuple[int, str, str | None]:
        """Status, type and code: the row of the table of refusals."""
        return self.status, self.error["type"], self.error["code"]


def call(
    url: str,
    key: str | None,
    body: object = BODY,
    *,
    method: str = "POST",
    path: str = CHAT,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send one request; `body` is bytes, or is written as JSON."""
    payload = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"Content-Type": "application/json", **(headers or {})}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body=payload, headers=sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, found, response.read())
        note(found.get("x-request-id", ""))
        return answer


@contextlib.contextmanager
def nothing_written(provider: rig.Provider | None = None) -> Iterator[None]:
    """Prove that no hold, record, charge or credit came about, and no bill."""
    before = traces(provider)
    yield
    assert traces(provider) == before


def traces(provider: rig.Provider | None) -> dict[str, Any]:
    return {
        "holds": Hold.objects.count(),
        "records": UsageRecord.objects.count(),
        "spent": sum(Budget.objects.values_list("spent_nanos", flat=True)),
        "held": sum(Budget.objects.values_list("held_nanos", flat=True)),
        "credit": sum(CreditGrant.objects.values_list("consumed_nanos", flat=True)),
        "bills": len(provider.bills()) if provider else 0,
    }
