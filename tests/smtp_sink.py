"""A mail server for tests: takes mail over SMTP (RFC 5321) and keeps it."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class Sink:
    """What arrived, and how to answer."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    # Addresses that are refused with 550.
    unknown: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def recipients(self) -> list[str]:
        return sorted(str(message["To"]) for message in self.messages)


class Session(socketserver.StreamRequestHandler):
    sink: Sink

    def handle(self) -> None:
        with self.sink.lock:
            self.sink.connections += 1
        self.say("220 sink")
        for line in self.rfile:
            command = line.decode().strip()
            verb = command.partition(" ")[0].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "DATA":
                self.take_message()
            elif verb == "RCPT" and self.is_unknown(command):
                self.say("550 5.1.1 no such user")
            else:
                self.say("250 ok")

    def is_unknown(self, command: str) -> bool:
        return any(f"<{address}>" in command for address in self.sink.unknown)

    def take_message(self) -> None:
        self.say("354 go on")
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        with self.sink.lock:
            self.sink.messages.append(message)
        self.say("250 taken")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def mail_server() -> Iterator[Sink]:
    """Serve on a free port of loopback for the time of the block."""
    sink = Sink()
    handler = type("SinkSession", (Session,), {"sink": sink})
    with Server(("127.0.0.1", 0), handler) as server:
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
