"""
A provider's Costs and Usage API for tests, with books of its own.

Speaks OpenAI's shapes: pages of buckets (UTC days) with cursors, amounts as JSON
numbers in dollars. It is fed with what was billed, or with what the stand-in provider
wrote down of the requests that arrived (`note_requests`), at prices of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ADMIN_SECRET = "sk-admin-of-the-tests-0123456789"
# Dollars for a token, as a provider prints them; in, out.
PRICES = {
    "gpt-4o-mini": (Decimal("0.15") / 10**6, Decimal("0.60") / 10**6),
    "gpt-5": (Decimal("1.25") / 10**6, Decimal(10) / 10**6),
}
DAY_S = 86_400


@dataclass
class Fault:
    """An answer that comes instead of the next one."""

    status: int
    body: str = '{"error": {"message": "no", "type": "x", "code": null}}'
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Accounts:
    """What was billed and counted, and who asked."""

    # Day, line item, and the amount as it stands in the answer.
    costs: list[tuple[date, str, str]] = field(default_factory=list)
    # Day, model, requests, tokens in, tokens out.
    counts: list[tuple[date, str, int, int, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    days_in_page: int = 7
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def bill(self, day: date, line_item: str, amount: str) -> None:
        self.costs.append((day, line_item, amount))

    def note_requests(self, bills: Iterable[Mapping[str, Any]], *, day: date) -> None:
        """Bill what arrived at the provider, by its own prices."""
        for each in bills:
            model, usage = each["model"], each["usage"]
            dollars_in, dollars_out = PRICES[model]
            tokens_in, tokens_out = usage["prompt_tokens"], usage["completion_tokens"]
            snapshot = f"{model}-2025-08-07"
            self.bill(day, f"{snapshot}, input", f"{tokens_in * dollars_in:.12f}")
            self.bill(day, f"{snapshot}, output", f"{tokens_out * dollars_out:.12f}")
            self.counts.append((day, snapshot, 1, tokens_in, tokens_out))

    def answer_to(self, path: str, query: dict[str, list[str]]) -> str:
        """Return a page of days from where the cursor points to."""
        start = int(query.get("page", ["page_" + query["start_time"][0]])[0][5:])
        end = int(query["end_time"][0])
        length = min(int(query["limit"][0]), self.days_in_page)
        times = range(start, min(end, start + length * DAY_S), DAY_S)
        buckets = [self.bucket(path, time) for time in times]
        stop = start + length * DAY_S
        has_more = stop < end
        return (
            f'{{"object": "page", "data": [{", ".join(buckets)}], '
            f'"has_more": {json.dumps(has_more)}, '
            f'"next_page": {json.dumps(f"page_{stop}" if has_more else None)}}}'
        )

    def bucket(self, path: str, time: int) -> str:
        day = datetime.fromtimestamp(time, UTC).date()
        is_costs = path.endswith("/organization/costs")
        results = self.costs_of(day) if is_costs else self.counts_of(day, path)
        return (
            f'{{"object": "bucket", "start_time": {time}, "end_time": {time + DAY_S}, '
            f'"results": [{", ".join(results)}]}}'
        )

    def costs_of(self, day: date) -> Iterator[str]:
        for billed_on, line_item, amount in self.costs:
            if billed_on == day:
                yield (
                    '{"object": "organization.costs.result", "amount": '
                    f'{{"value": {amount}, "currency": "usd"}}, '
                    f'"line_item": {json.dumps(line_item)}, "project_id": null}}'
                )

    def counts_of(self, day: date, path: str) -> Iterator[str]:
        if not path.endswith("/completions"):
            return
        for counted_on, model, requests, tokens_in, tokens_out in self.counts:
            if counted_on == day:
                yield json.dumps(
                    {
                        "object": "organization.usage.completions.result",
                        "input_tokens": tokens_in,
                        "output_tokens": tokens_out,
                        "num_model_requests": requests,
                        "model": model,
                    }
                )


@contextmanager
def provider_accounts() -> Iterator[Accounts]:
    """Serve accounts on a loopback port."""
    accounts = Accounts()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            accounts.asked.append((parts.path, query))
            if self.headers["Authorization"] != f"Bearer {ADMIN_SECRET}":
                self.send(Fault(401))
            elif accounts.faults:
                self.send(accounts.faults.pop(0))
            else:
                self.send(Fault(200, accounts.answer_to(parts.path, query)))

        def send(self, answer: Fault) -> None:
            payload = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    accounts.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield accounts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def days_back(last: date, count: int) -> list[date]:
    """Return so many days up to the last, in order."""
    return [last - timedelta(days=count - 1 - n) for n in range(count)]
