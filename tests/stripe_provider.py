"""
Stripe over HTTP, as its documentation describes it: what the real library speaks to.

It keeps what it was asked, answers a repeated idempotency key as it did the first
time, and lets a PaymentIntent succeed once.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]
SECRET_KEY, WEBHOOK_SECRET = "sk_test_tokenhouse", "whsec_tokenhouse"
PUBLISHABLE_KEY = "pk_test_tokenhouse"
# As it answers a card that it declines.
DECLINED = "Your card has insufficient funds."
ALREADY = "This PaymentIntent's payment has already succeeded."


class Refusal(Exception):
    def __init__(self, status: int, error: Json) -> None:
        super().__init__(error["message"])
        self.status, self.error = status, error


@dataclass
class StripeProvider:
    """Where it listens, what it has, and how it shall fail."""

    url: str
    objects: dict[str, Json] = field(default_factory=dict)
    answered: dict[str, Json] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    declines: bool = False
    # Does what it is asked, and then breaks off, so often.
    loses_answers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, form: Json, key: str) -> Json:
        with self.lock:
            self.requests.append(f"{method} {path}")
            if key and key in self.answered:
                return self.answered[key]
            found = self.act(path.removeprefix("/v1/").split("/"), form, method)
            if key:
                self.answered[key] = found
            return found

    def act(self, parts: list[str], form: Json, method: str) -> Json:
        if method == "POST" and len(parts) == 1:
            return self.make(parts[0], form)
        found = self.objects.get(parts[1])
        if found is None:
            raise Refusal(404, {"type": "invalid_request_error", "message": "No such"})
        if parts[2:] == ["confirm"]:
            return self.confirm(found, form)
        if method == "POST" and "amount" in form:
            return self.amend(found, form)
        return found

    def make(self, kind: str, form: Json) -> Json:
        singular = kind.removesuffix("s")
        prefix = {"customer": "cus", "setup_intent": "seti", "payment_intent": "pi"}
        made: Json = {
            "id": f"{prefix[singular]}_{len(self.objects) + 1}",
            "object": singular,
            "created": int(time.time()),
            "livemode": False,
            "metadata": {},
            "customer": form.get("customer"),
            "payment_method": None,
            "last_payment_error": None,
            "status": "requires_payment_method",
        }
        if singular != "customer":
            made["client_secret"] = f"{made['id']}_secret_1"
        if singular == "payment_intent":
            made["amount"] = int(form["amount"])
            made["amount_received"] = 0
            made["currency"] = form["currency"]
            made["description"] = form["description"]
        self.objects[made["id"]] = made
        return made

    def amend(self, intent: Json, form: Json) -> Json:
        if intent["status"] == "succeeded":
            code = "payment_intent_unexpected_state"
            error = {"type": "invalid_request_error", "code": code, "message": ALREADY}
            raise Refusal(400, error)
        intent["amount"] = int(form["amount"])
        intent["last_payment_error"] = None
        return intent

    def confirm(self, intent: Json, form: Json) -> Json:
        if intent["status"] == "succeeded":
            code = "payment_intent_unexpected_state"
            error = {"type": "invalid_request_error", "code": code, "message": ALREADY}
            raise Refusal(400, error)
        if self.declines:
            error = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "insufficient_funds",
                "message": DECLINED,
            }
            intent["last_payment_error"] = error
            raise Refusal(402, error)
        intent["status"], intent["last_payment_error"] = "succeeded", None
        intent["amount_received"] = intent["amount"]
        intent["payment_method"] = form["payment_method"]
        return intent

    def enter_card(
        self, customer_id: str, *, last_four: str = "4242", created: int | None = None
    ) -> Json:
        """Enter a card as the browser does, in Stripe's own form."""
        method_id = f"pm_{len(self.objects) + 1}"
        self.objects[method_id] = {
            "id": method_id,
            "object": "payment_method",
            "type": "card",
            "customer": customer_id,
            "card": {
                "brand": "visa",
                "last4": last_four,
                "exp_month": 4,
                "exp_year": 2030,
            },
        }
        with self.lock:
            intent = self.make("setup_intents", {"customer": customer_id})
        intent["status"], intent["payment_method"] = "succeeded", method_id
        intent["created"] = created or int(time.time())
        return intent

    @property
    def money(self) -> int:
        """Return what cards paid in all, in cents."""
        return sum(each.get("amount_received", 0) for each in self.objects.values())


@contextmanager
def stripe_provider() -> Iterator[StripeProvider]:
    """Run it on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.serve({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.serve(dict(parse_qsl(body.decode())))

        def serve(self, form: Json) -> None:
            assert self.headers["Authorization"] == f"Bearer {SECRET_KEY}"
            key = self.headers.get("Idempotency-Key", "")
            status = 200
            path = self.path.partition("?")[0]
            # The library makes up a key of its own for each request without one.
            key = key if ":" in key else ""
            try:
                answer = provider.answer(self.command, path, form, key)
            except Refusal as refusal:
                status, answer = refusal.status, {"error": refusal.error}
            if provider.loses_answers:
                provider.loses_answers -= 1
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = StripeProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def event_of(name: str, subject: Json, *, event_id: str = "evt_1") -> Json:
    """Return an event as Stripe sends it."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": name,
    }
