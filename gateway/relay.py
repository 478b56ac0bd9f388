"""Passing an answer on, metering it, and settling what it cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from billing.pricing import Tokens
from core.money import exact_usd
from gateway import errors, metrics
from gateway.calls import Call
from gateway.captions import heard_seconds, told_as
from gateway.errors import ApiError
from gateway.exchange import Exchange
from gateway.messages import Headers, Receive
from gateway.metering import StreamMeter
from gateway.reports import Report, report_of_body, usage_names
from gateway.sound_meter import sound_headers, sound_meter
from gateway.upstream import Answer, Lost, TimedOut
from usage.models import Endpoint, Outcome


class Meter(Protocol):
    """Watches a stream on its way, and says what it used."""

    is_complete: bool
    # Set once the provider has sent all of it.
    has_ended: bool

    @property
    def told(self) -> Tokens | None:
        """The usage to charge, if it is known of the whole answer."""
        ...

    @property
    def report(self) -> Report:
        """What the stream said of itself so far."""
        ...

    @property
    def tells_failure(self) -> bool:
        """Whether an event at the end may tell the client what went wrong."""
        ...

    def feed(self, part: bytes) -> bytes:
        """Take bytes and return those to pass on. Raises `Lost` at nonsense."""
        ...

    def finish(self) -> bytes:
        """Return what is left at the end."""
        ...


# A server on the way gave up waiting: the provider may be at work, and charge for it.
GAVE_UP_WAITING = (504, 524)


async def relay(exchange: Exchange, answer: Answer) -> None:
    """Pass an answer on; whatever happens, the call is settled once."""
    is_success, call = 200 <= answer.status < 300, exchange.call
    if not is_success:
        metrics.UPSTREAM_ERRORS.labels(f"{answer.status // 100}xx").inc()
    if not is_success or is_json(answer):
        await relay_whole(exchange, answer, is_success=is_success)
    elif call.streamed:
        meter = StreamMeter(call.wants_usage, usage_names(call.endpoint))
        with metrics.STREAMS_OPEN.track_inprogress():
            await relay_stream(exchange, answer, meter)
    elif call.endpoint == Endpoint.AUDIO_SPEECH:
        await relay_speech(exchange, answer)
    else:
        await relay_whole(exchange, answer, is_success=is_success)


def is_json(answer: Answer) -> bool:
    """Say whether a provider answered in one piece though a stream was asked for."""
    types = (value for name, value in answer.headers if name == b"content-type")
    return next(types, b"").startswith(b"application/json")


async def relay_whole(exchange: Exchange, answer: Answer, *, is_success: bool) -> None:
    """
    Pass on an answer in one piece, while its settlement is booked.

    A provider's own error passes unchanged.
    """
    try:
        body = await answer.read()
    except Lost as error:
        refusal = refusal_of(error)
        await exchange.settle(Outcome.PROVIDER_LOST, refusal.status, None)
        raise refusal from None
    headers = answer.headers
    if is_success:
        exchange.report = report_of_answer(exchange, body)
        body, headers = told_as_wanted(exchange.call, body, headers)
        settled = exchange.settle_soon(
            Outcome.SUCCEEDED, answer.status, exchange.report.tokens
        )
        cost = exact_usd(settled.record.cost_nanos).encode()
        headers = [*headers, (b"x-tokenhouse-cost-usd", cost)]
        exchange.begin_transcript(answer.status, headers)
        exchange.note(body)
        free = Tokens() if exchange.is_free else None
        await exchange.keep_answer(exchange.report.tokens or free)
    else:
        await settle_error(exchange, answer, body)
    await exchange.request.answer(answer.status, body, headers)


async def settle_error(exchange: Exchange, answer: Answer, body: bytes) -> None:
    """Book a provider's own error; one that was charged is kept for who asks again."""
    exchange.report = report_of_body(body, usage_names(exchange.call.endpoint))
    tokens = tokens_of_error(answer.status, exchange.report.tokens)
    settled = await exchange.settle(Outcome.PROVIDER_ERROR, answer.status, tokens)
    if not settled.record.cost_nanos:
        await exchange.forget_claim()
        return
    exchange.begin_transcript(answer.status, answer.headers)
    exchange.note(body)
    await exchange.keep_answer(None)


def tokens_of_error(status: int, told: Tokens | None) -> Tokens | None:
    """Return what a provider's error cost: nothing, unless it says or hides it."""
    return told if told or status in GAVE_UP_WAITING else Tokens()


def report_of_answer(exchange: Exchange, body: bytes) -> Report:
    """Return what an answer says of itself; of sound also how long it was."""
    report = report_of_body(body, usage_names(exchange.call.endpoint))
    rates = exchange.rates
    if report.tokens is None and rates is not None and rates.second_nanos is not None:
        seconds = heard_seconds(body)
        return report if seconds is None else Report(Tokens(seconds=seconds))
    return report


def told_as_wanted(call: Call, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Return an answer in the format that was wanted, if another was asked for."""
    wanted = call.facts.transcript_format if call.facts else None
    told = told_as(wanted, body) if wanted else None
    if told is None:
        return body, headers
    body, content_type = told
    return body, [content_type, *(h for h in headers if h[0] != b"content-type")]


async def relay_speech(exchange: Exchange, answer: Answer) -> None:
    """Pass sound on as it comes; the events around it, where there are, stay here."""
    meter = sound_meter(exchange.call, exchange.rates, answer)
    answer.headers = sound_headers(exchange.call, answer.headers, meter)
    with metrics.STREAMS_OPEN.track_inprogress():
        await relay_stream(exchange, answer, meter)


async def relay_stream(exchange: Exchange, answer: Answer, meter: Meter) -> None:
    """
    Pass a stream on as it comes, and have it settled at its end.

    A client that leaves does not stop the metering: the provider is heard to the
    end, for `GATEWAY_DRAIN_S` at most, then cut off and charged at the bound.
    """
    request = exchange.request
    client = Client(request.receive)
    outcome, end, failure = Outcome.SUCCEEDED, b"", b""
    try:
        await request.start_answer(answer.status, answer.headers)
        exchange.begin_transcript(answer.status, answer.headers)
        await pump(exchange, answer, meter, client)
        end = meter.finish()
        if client.has_left:
            outcome = Outcome.CLIENT_LEFT
        elif not meter.is_complete and meter.report.tokens is None:
            outcome = Outcome.PROVIDER_LOST
    except Lost as error:
        outcome, failure = Outcome.PROVIDER_LOST, error_event(refusal_of(error))
    except BaseException:
        exchange.report = meter.report
        exchange.stop(meter.told)
        raise
    finally:
        client.forget()
    exchange.report = meter.report
    exchange.settle_soon(outcome, answer.status, meter.told)
    if outcome is Outcome.PROVIDER_LOST and not meter.tells_failure:
        # Nothing can be said in sound: it stays unfinished, which the client notices.
        return
    end += failure
    exchange.note(end)
    is_whole = meter.is_complete and not failure
    await exchange.keep_answer(meter.report.tokens if is_whole else None)
    await request.send_part(end, is_last=True)


async def pump(
    exchange: Exchange, answer: Answer, meter: Meter, client: Client
) -> None:
    """Move the parts of an answer to the client, by way of the meter."""
    request = exchange.request
    loop = asyncio.get_running_loop()
    deadline = asyncio.timeout(None)
    drain_s = exchange.gateway.drain_s
    # A drain that takes too long ends like a stream: without usage, at the bound.
    with contextlib.suppress(TimeoutError):
        async with deadline:
            # Whoever sent an idempotency key comes back for the whole answer.
            if exchange.claim is None:
                client.on_leaving(lambda: deadline.reschedule(loop.time() + drain_s))
            async for part in answer.parts():
                passed = meter.feed(part)
                if exchange.first_token_ms is None:
                    exchange.first_token_ms = request.elapsed_ms()
                exchange.note(passed)
                if passed and not client.has_left:
                    await request.send_part(passed, is_last=False)
            meter.has_ended = True


class Client:
    """Whoever reads the stream; notices when they leave."""

    def __init__(self, receive: Receive) -> None:
        self.has_left = False
        self._on_leaving: Callable[[], None] | None = None
        self._watch = asyncio.create_task(self._wait(receive))

    def on_leaving(self, act: Callable[[], None]) -> None:
        """Call `act` once: when the client leaves, or now if they have."""
        self._on_leaving = act
        if self.has_left:
            act()

    def forget(self) -> None:
        self._on_leaving = None
        self._watch.cancel()

    async def _wait(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        if self._on_leaving is not None:
            self._on_leaving()


def refusal_of(error: Lost) -> ApiError:
    """Return what the client is told when the provider fails, and count it."""
    kind = "timeout" if isinstance(error, TimedOut) else "lost"
    metrics.UPSTREAM_ERRORS.labels(kind).inc()
    if isinstance(error, TimedOut):
        return errors.upstream_timeout()
    return errors.upstream_lost()


def error_event(error: ApiError) -> bytes:
    """Return the event that ends a broken stream; OpenAI's SDKs raise it."""
    return b"data: " + error.body() + b"\n\n"
