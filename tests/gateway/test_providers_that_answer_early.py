"""A provider that refuses a large body before it has read it is heard all the same."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import orjson
import pytest
from django.utils import timezone

from keys.actions import store_provider_key
from tests.gateway.conftest import House
from tests.gateway.forms import CONTENT_TYPE, field, file, form, wav
from tests.gateway.raw import Answer, call
from tests.rig import wait_until
from usage.models import Outcome

pytestmark = pytest.mark.processes
LARGE_BYTES = 20 * 1024 * 1024
ERROR = orjson.dumps({"error": {"message": "too busy", "type": "x", "code": "busy"}})
REFUSAL = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(ERROR)
)


class Early(socketserver.StreamRequestHandler):
    """Answers when it has read the head, then reads the rest."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(REFUSAL)
        self.wfile.flush()
        # The gateway has the head of the answer, and is still sending.
        time.sleep(0.3)
        self.rfile.read(LARGE_BYTES // 2)
        self.wfile.write(ERROR)
        self.wfile.flush()
        while self.rfile.read1():
            pass


@pytest.fixture
def early(house: House) -> Iterator[House]:
    """Acme, whose provider answers before it has read."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Early) as server:
        server.daemon_threads = True
        # So that not all of a body is on its way when the answer comes.
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store_provider_key(
            organization=house.organization,
            base_url=f"http://127.0.0.1:{server.server_address[1]}/v1",
            secret="sk-provider-secret",
            acting_user=None,
            now=timezone.now(),
        )
        yield house
        server.shutdown()


def passed_and_free(house: House, answer: Answer) -> None:
    assert (answer.status, answer.body) == (429, ERROR)
    wait_until(lambda: bool(house.records()) and not house.holds())
    (record,) = house.records()
    assert (record.outcome, record.cost_nanos) == (Outcome.PROVIDER_ERROR, 0)


def test_a_form_that_is_refused_early_costs_nothing(early: House) -> None:
    raw = form(field("model", "whisper-1"), file("file", wav(1) + bytes(LARGE_BYTES)))
    sent = {"Content-Type": CONTENT_TYPE}
    path = "/v1/audio/transcriptions"

    passed_and_free(early, call(early.url, early.key, raw, path=path, headers=sent))


def test_a_large_conversation_that_is_refused_early_costs_nothing(early: House) -> None:
    messages = [{"role": "user", "content": "x" * LARGE_BYTES}]
    body = {"model": "gpt-4o-mini", "messages": messages}

    passed_and_free(early, call(early.url, early.key, body))
