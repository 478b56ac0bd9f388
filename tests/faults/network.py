"""
The network between our processes, which can be bad: TCP proxies, switched live.

A proxy listens on a loopback port and passes bytes on to its target (a TCP address
or a Unix socket). Its `weather` says what becomes of them, and a `Trap` stops the
connection on which certain bytes are seen, so that somebody can be killed at exactly
that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Target = tuple[str, int] | str

READ_BYTES = 65_536
LOOK_S = 0.01
CALL_TIMEOUT_S = 10.0
DRIP_BYTES = 64
# Closing with this sends RST instead of FIN (socket(7)).
LINGER_NOT = struct.pack("ii", 1, 0)


class Way(enum.Enum):
    """To the server, or back to its client."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Weather:
    """What becomes of the bytes of all connections of a proxy, both ways."""

    latency_s: float = 0.0
    # Time for each 64 bytes.
    drip_s: float = 0.0
    # Nothing arrives and nobody is told; what was sent arrives once it is over.
    is_black_hole: bool = False
    # Connections break (RST) after so many bytes of answer.
    breaks_after: int | None = None


FAIR = Weather()


@dataclass(slots=True)
class Trap:
    """
    Stops one connection at the moment that bytes with `pattern` go up.

    With `answers` = None before they are passed on, else once they are, after so
    many parts of what comes back: 0 stops before the first.
    """

    pattern: bytes
    answers: int | None = None
    is_sprung: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)
    is_dropped: bool = False

    def release(self) -> None:
        """Let the bytes go on."""
        self.is_over.set()

    def drop(self) -> None:
        """Break the connection; what was stopped never arrives."""
        self.is_dropped = True
        self.is_over.set()


class Network:
    """The event loop of all proxies, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._proxies: list[Proxy] = []

    def proxy(self, target: Target) -> Proxy:
        """Return a proxy that listens on a port of its own."""
        self._proxies.append(Proxy(self, target))
        return self._proxies[-1]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(CALL_TIMEOUT_S)

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.close()
        self.run(end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def end_tasks() -> None:
    """Cancel whatever still runs on this loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextlib.contextmanager
def network() -> Iterator[Network]:
    opened = Network()
    try:
        yield opened
    finally:
        opened.close()


@dataclass(slots=True, eq=False)
class Link:
    """One connection through a proxy: a client's side and a server's side."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    # The end of what went up, since a pattern may come in two parts.
    tail: bytes = b""
    passed_down: int = 0
    walked_into: Trap | None = None
    # Parts of the answer until that trap stops it.
    parts_left: int | None = None
    # Nothing passes any more, and neither side is told.
    is_forgotten: bool = False

    def break_off(self) -> None:
        """End both sides as a crash of the network does."""
        for writer in (self.client, self.server):
            ours = writer.get_extra_info("socket")
            if ours is not None and ours.family == socket.AF_INET:
                with contextlib.suppress(OSError):
                    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            writer.transport.abort()


class Proxy:
    """Passes connections on to its target, as the weather allows."""

    def __init__(self, network: Network, target: Target) -> None:
        self.weather = FAIR
        self._network = network
        self._target = target
        self._links: set[Link] = set()
        self._traps: list[Trap] = []
        self._heard: dict[Link, bytearray] | None = None
        self._server: asyncio.Server | None = None
        self.port = 0
        self.accept()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def suffers(self, weather: Weather) -> Iterator[None]:
        """Have this weather inside the `with` block."""
        self.weather = weather
        try:
            yield
        finally:
            self.weather = FAIR

    @contextlib.contextmanager
    def refuses(self) -> Iterator[None]:
        """Refuse new connections inside the `with` block; the old ones break."""
        self._network.run(self._stop_listening())
        self.cut()
        try:
            yield
        finally:
            self.accept()

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._network.run(self._listen())

    def cut(self) -> None:
        """Break all connections."""
        self._network.run(self._cut())

    def forget_links(self) -> None:
        """Let the connections of now die silently, as a router does that restarts."""
        for link in list(self._links):
            link.is_forgotten = True

    def set_trap(self, pattern: bytes, *, answers: int | None = None) -> Trap:
        """Set a trap; it springs once, on the first connection that walks into it."""
        trap = Trap(pattern, answers)
        self._traps.append(trap)
        return trap

    @contextlib.contextmanager
    def hears(self) -> Iterator[dict[Link, bytearray]]:
        """Write down what goes up inside the `with` block, by connection."""
        heard: dict[Link, bytearray] = {}
        self._heard = heard
        try:
            yield heard
        finally:
            self._heard = None

    def remove_trap(self, trap: Trap) -> None:
        """Take a trap away, whether it sprang or not; what it stopped goes on."""
        with contextlib.suppress(ValueError):
            self._traps.remove(trap)
        trap.release()

    def close(self) -> None:
        self._network.run(self._stop_listening())
        self.cut()

    def clear(self) -> None:
        """Fair weather, and no traps; whoever is still in one breaks off."""
        self.weather = FAIR
        self._traps.clear()
        for link in list(self._links):
            if link.walked_into is not None:
                link.walked_into.drop()
            if link.is_forgotten:
                self._network.run(self._break_off(link))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _cut(self) -> None:
        for link in list(self._links):
            link.break_off()

    async def _break_off(self, link: Link) -> None:
        link.break_off()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            server_reader, server_writer = await connect(self._target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server_writer)
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pump(link, Way.UP, reader)),
            asyncio.create_task(self._pump(link, Way.DOWN, server_reader)),
        ]
        try:
            # Cancelled when all proxies close: then this ends like any connection.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Either side's end ends the connection: nobody here half-closes.
            for pump in pumps:
                pump.cancel()
            self._links.discard(link)
            for side in (link.client, link.server):
                side.close()

    async def _pump(self, link: Link, way: Way, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                if way is Way.UP:
                    await self._pass_up(link, data)
                else:
                    await self._pass_down(link, data)

    async def _pass_up(self, link: Link, data: bytes) -> None:
        if self._heard is not None:
            self._heard.setdefault(link, bytearray()).extend(data)
        trap = self._trap_for(link, data)
        if trap is not None:
            link.walked_into, link.parts_left = trap, trap.answers
            if trap.answers is None:
                await stop_at(trap)
        await self._deliver(link, link.server, data)

    async def _pass_down(self, link: Link, data: bytes) -> None:
        if link.walked_into is not None and link.parts_left is not None:
            link.parts_left -= 1
            if link.parts_left == -1:
                await stop_at(link.walked_into)
        breaks_after = self.weather.breaks_after
        if breaks_after is not None:
            data = data[: max(0, breaks_after - link.passed_down)]
        await self._deliver(link, link.client, data)
        link.passed_down += len(data)
        if breaks_after is not None and link.passed_down >= breaks_after:
            link.break_off()

    async def _deliver(
        self, link: Link, writer: asyncio.StreamWriter, data: bytes
    ) -> None:
        weather = self.weather
        if weather.latency_s:
            await asyncio.sleep(weather.latency_s)
        step = DRIP_BYTES if weather.drip_s else len(data)
        for start in range(0, len(data), max(step, 1)):
            # Looked at now and then: whoever changes it is another thread.
            while self.weather.is_black_hole or link.is_forgotten:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            writer.write(data[start : start + step])
            await writer.drain()
            if self.weather.drip_s:
                await asyncio.sleep(self.weather.drip_s)

    def _trap_for(self, link: Link, data: bytes) -> Trap | None:
        """Return the trap that these bytes walk into; nobody else does after."""
        seen = link.tail + data
        for trap in self._traps:
            if trap.pattern in seen:
                self._traps.remove(trap)
                link.tail = b""
                return trap
        longest = max((len(trap.pattern) for trap in self._traps), default=1)
        link.tail = seen[-longest:]
        return None


async def connect(
    target: Target,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target, str):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(*target)


async def stop_at(trap: Trap) -> None:
    """Say that the trap sprang, and wait until it is over."""
    trap.is_sprung.set()
    while not trap.is_over.is_set():  # noqa: ASYNC110 - another thread sets it
        await asyncio.sleep(LOOK_S)
    if trap.is_dropped:
        raise ConnectionResetError("dropped by a trap")
