"""Nobody keeps a connection by sending slowly, and no head is taken that is unclear."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from config.receipt import HEAD_MAX_BYTES, HEADERS_MAX, URL_MAX_BYTES
from tests import rig

pytestmark = pytest.mark.processes

DEADLINE_S = 1.0
PATIENCE_S = 30
MEASURES = ["Content-Length: 900000", "Transfer-Encoding: chunked"]
CONSOLE, GATEWAY = "/account/login/", "/v1/chat/completions"
ODD_HOSTS = [
    *("", " ", "/", "a b", "a\tb", "localhost:99999999", "localhost:x", "localhost:"),
    *("localhost/x", "localhost/#@evil.example", "localhost:4000/#@x", "a?b", "a#b"),
    *("@evil.example", "evil.example@localhost", "http://localhost", "localhost,evil"),
    *("[", "]", "[::1", "::1]", "[::1]x", "[zz]", "[]", "[::1]:x", "loc%61lhost"),
    *("localhost%00", "local\\host", "localhost;x", "localhost'", 'localhost"', "<x>"),
    *("{x}", "a|b", "^", "`x`", "~", "$x", "*", "a+b", "a=b", "a&b", "!", "(x)"),
    *("localhost\x7f", "é.example", "x" * 254),
]


@pytest.fixture(scope="module")
def server(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[rig.Process]:
    """Console and gateway that wait a second for a request, and no longer."""
    with (
        django_db_blocker.unblock(),
        rig.gateway(
            tmp_path_factory.mktemp("server"),
            REQUEST_RECEIPT_TIMEOUT_S=str(DEADLINE_S),
            GATEWAY_BODY_TIMEOUT_S=str(DEADLINE_S),
        ) as process,
    ):
        yield process


@contextlib.contextmanager
def connected(server: rig.Process) -> Iterator[socket.socket]:
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        yield connection


def everything_from(connection: socket.socket) -> bytes:
    """Return what comes until the other side hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            heard += part
    return heard


def answer_to(server: rig.Process, sent: bytes) -> bytes:
    with connected(server) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        return everything_from(connection)


def head(path: str, *lines: str, host: str = "localhost") -> bytes:
    first = [f"POST {path} HTTP/1.1", f"Host: {host}"]
    return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def drip(server: rig.Process, begin: bytes) -> float:
    """Send a byte at a time; return the seconds until the server hung up."""
    with connected(server) as connection:
        connection.sendall(begin)
        connection.settimeout(0.1)
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            try:
                connection.send(b"a")
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - began


@pytest.mark.parametrize("path", [CONSOLE, GATEWAY])
def test_who_drips_a_head_is_cut_off(server: rig.Process, path: str) -> None:
    began = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".encode()

    assert DEADLINE_S / 2 < drip(server, began) < PATIENCE_S


@pytest.mark.parametrize("path", [CONSOLE, GATEWAY])
@pytest.mark.parametrize(
    "line", ["Content-Length: 900000", "Transfer-Encoding: chunked"]
)
def test_who_drips_a_body_is_cut_off(server: rig.Process, path: str, line: str) -> None:
    # In the end of a chunk's size there is room for a long while.
    begin = b"" if "Length" in line else b"5000\r\n"

    assert DEADLINE_S / 2 < drip(server, head(path, line) + begin) < PATIENCE_S


def test_who_says_nothing_is_hung_up_on(server: rig.Process) -> None:
    assert answer_to(server, b"") == b""


def test_a_hundred_slow_ones_keep_nobody_waiting(server: rig.Process) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            slow = stack.enter_context(connected(server))
            slow.sendall(b"POST /account/login/ HTTP/1.1\r\nHost: loc")
        quick = answer_to(server, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")

    assert status_of(quick) == 200


@pytest.mark.parametrize("path", [CONSOLE, GATEWAY])
def test_a_head_is_bounded_in_every_direction(server: rig.Process, path: str) -> None:
    many = [f"X-{number}: 1" for number in range(HEADERS_MAX + 1)]
    cases = {
        head(path, *many): 431,
        head(path, f"X-Long: {'x' * HEAD_MAX_BYTES}"): 431,
        # Never ends, so that nothing is parsed that could be looked at.
        head(path, f"X-Endless: {'x' * 2 * HEAD_MAX_BYTES}")[:-4]: 431,
        head(f"{path}?q={'x' * URL_MAX_BYTES}"): 414,
    }
    for sent, status in cases.items():
        assert status_of(answer_to(server, sent)) == status, sent[:60]


@pytest.mark.parametrize("path", [CONSOLE, GATEWAY])
def test_no_malformed_host_is_served(server: rig.Process, path: str) -> None:
    assert len(ODD_HOSTS) >= 40
    for host in ODD_HOSTS:
        assert status_of(answer_to(server, head(path, host=host))) == 400, host


@pytest.mark.parametrize(
    "line",
    [
        *("Host: localhost", "Authorization: Bearer x", "Content-Length: 0"),
        *("Idempotency-Key: a", "OpenAI-Organization: org-x", "Content-Type: a/b"),
    ],
)
def test_a_header_that_is_read_once_is_given_once(
    server: rig.Process, line: str
) -> None:
    twice = head(GATEWAY, line, line)

    assert status_of(answer_to(server, twice)) == 400


def test_a_host_is_named(server: rig.Process) -> None:
    assert status_of(answer_to(server, b"GET /healthz HTTP/1.1\r\n\r\n")) == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Content-Length: 4, 5"],
        ["Content-Length: +4"],
        ["Content-Length: -1"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["X-Folded: a\r\n b: c"],
        ["X-Bare: a\nX-Other: b"],
        ["X Space: a"],
        ["X-Space : a"],
    ],
)
def test_no_body_can_be_measured_two_ways(
    server: rig.Process, lines: list[str]
) -> None:
    """A second request hidden in the first one's body is never answered."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    answer = answer_to(server, head(CONSOLE, *lines) + b"0\r\n\r\n" + hidden)

    assert b"alive" not in answer
    assert status_of(answer) in (400, 408)


@pytest.mark.parametrize("line", ["", "Transfer-Encoding: chunked"])
def test_a_long_form_is_refused_however_it_is_sent(
    server: rig.Process, line: str
) -> None:
    text = b"a=" + b"x" * (1024 * 1024)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
    sent = (
        head(CONSOLE, line) + chunked
        if line
        else head(CONSOLE, f"Content-Length: {len(text)}") + text
    )

    assert status_of(answer_to(server, sent)) == 413


def test_a_compressed_form_is_not_opened(server: rig.Process) -> None:
    gzip = head(CONSOLE, "Content-Encoding: gzip", "Content-Length: 0")

    assert status_of(answer_to(server, gzip)) == 415


def test_a_refusal_without_the_application_is_safe_to_show(server: rig.Process) -> None:
    answer = answer_to(server, head("/<script>alert(1)</script>", host="<x>"))

    assert b"<" not in answer
    assert b"x-content-type-options: nosniff" in answer
    assert b"text/plain" in answer
