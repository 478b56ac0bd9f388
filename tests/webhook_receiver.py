"""A program that is told of events: it speaks HTTP and keeps what it got."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai


@dataclass(frozen=True, slots=True)
class Got:
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What arrived, and how to answer."""

    port: int = 0
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    got: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?to=acme"

    def verify(self, got: Got, secret: str) -> None:
        """Check a signature as the receiver's own library does. Raises."""
        client = openai.OpenAI(api_key="unused", webhook_secret=secret)
        # Tests live at a time of their own, so what is sent may be old.
        client.webhooks.verify_signature(
            got.body.decode(), got.headers, tolerance=10**10
        )


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """Serve on a free port of loopback for the time of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(names, body))
            time.sleep(receiver.pause_s)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
