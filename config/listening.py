"""The one port of an installation: taken first, asked for readiness last."""

from __future__ import annotations

import errno
import http.client
import socket

from config.servers.errors import StartError

READINESS_TIMEOUT_S = 1.0
LAST_PORT = 65_535
# Where to ask a server that listens on every address.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def bind(host: str, port: int) -> socket.socket:
    """
    Reserve the port. Clients are refused until the web process listens on it.

    :raises StartError: if the port is taken or the address is not ours.
    """
    if not 1 <= port <= LAST_PORT:
        raise StartError(f"PORT is {port}; it must be 1 to {LAST_PORT}.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # IPv4 first: what `localhost` means to most clients.
        family, kind, protocol, _, address = min(
            found, key=lambda item: item[0] != socket.AF_INET
        )
        refuse_taken(family, address)
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise explain(host, port, error) from error
    return listener


def refuse_taken(family: int, address: tuple[object, ...]) -> None:
    """Raise OSError if somebody listens: two may be bound while none listens."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def explain(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"Port {port} on {host} is taken. Stop what uses it, or set PORT."
        )
    if error.errno == errno.EACCES:
        return StartError(f"Port {port} is for root only. Set PORT to 1024 or more.")
    return StartError(
        f"Cannot listen on BIND={host}, PORT={port}: {error.strerror or error}."
    )


def is_ready(host: str, port: int, *, host_header: str) -> bool:
    """Return whether `/readyz` answers 200."""
    connection = http.client.HTTPConnection(
        ANY_ADDRESS.get(host, host), port, timeout=READINESS_TIMEOUT_S
    )
    try:
        connection.request("GET", "/readyz", headers={"Host": host_header})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
