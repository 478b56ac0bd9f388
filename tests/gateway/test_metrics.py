"""A gateway counts what it does, as operators read it at `/metrics`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, call

pytestmark = pytest.mark.processes

SMALL = {**BODY, "max_completion_tokens": 5}


def ask(house: House, **orders: Any) -> int:
    """Send a request; as keywords, what the provider is to do."""
    streamed = bool(orders.pop("stream", False))
    messages = [{"role": "user", "content": orjson.dumps(orders).decode()}]
    body = {**SMALL, "messages": messages, "stream": streamed}
    return call(house.url, house.key, body).status


class Counted:
    """What a gateway counted since this was made."""

    def __init__(self, process: rig.Process) -> None:
        self._process = process
        self._before = rig.metrics_of(process)

    def __call__(self, name: str) -> float:
        now = rig.metrics_of(self._process)
        return now.get(f"tokenhouse_{name}", 0) - self._before.get(
            f"tokenhouse_{name}", 0
        )


def test_requests_are_counted_by_endpoint_and_outcome(
    house: House, gateway: rig.Process
) -> None:
    counted = Counted(gateway)

    assert [ask(house), ask(house, stream=True), ask(house, status=500)] == [
        200,
        200,
        500,
    ]

    rig.wait_until(
        lambda: counted("requests_total chat.completions succeeded") == 2,
        what="two requests are not counted",
    )
    assert counted("requests_total chat.completions provider_error") == 1
    assert counted("upstream_errors_total 5xx") == 1
    assert counted("hold_seconds_count") == counted("settle_seconds_count") == 3
    assert counted("added_seconds_count") == 3
    assert counted("booking_batch_sum") >= 6
    assert counted("bound_violations_total") == 0


def test_refusals_are_counted_by_their_code(house: House, gateway: rig.Process) -> None:
    counted = Counted(gateway)
    house.limit("0")

    ask(house)
    call(house.url, "th-wrong")
    call(house.url, house.key, b"no JSON")

    assert counted("refusals_total organization_spend_limit_exceeded") == 1
    assert counted("refusals_total invalid_api_key") == 1
    assert counted("refusals_total 400") == 1
    assert counted("requests_total chat.completions succeeded") == 0


def test_at_rest_nothing_is_open(house: House, gateway: rig.Process) -> None:
    ask(house, stream=True)

    def is_at_rest() -> bool:
        values = rig.metrics_of(gateway)
        names = ("holds_open", "bookings_waiting", "streams_open", "holds")
        return not any(values[f"tokenhouse_{name}"] for name in names)

    rig.wait_until(is_at_rest, what="something is still open")
    assert rig.metrics_of(gateway)["tokenhouse_books_reachable"] == 1
    rig.wait_until(
        lambda: rig.metrics_of(gateway)["tokenhouse_gateways"] >= 1,
        what="the gateway does not say that it lives",
    )


def test_what_is_under_way_is_seen(house: House, gateway: rig.Process) -> None:
    slow = {"stream": True, "output": 5, "pause_s": 1}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(ask, house, **slow)
        rig.wait_until(
            lambda: rig.metrics_of(gateway)["tokenhouse_streams_open"] == 1,
            what="the stream is not seen",
        )
        assert rig.metrics_of(gateway)["tokenhouse_held_nanodollars"] > 0
