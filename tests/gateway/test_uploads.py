"""Forms with large files: by way of the disk, within limits, without a trace."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.forms import CONTENT_TYPE, field, file, form, wav
from tests.gateway.memory import Memory
from tests.gateway.raw import Answer, call, nothing_written
from tests.rig import wait_until

pytestmark = [pytest.mark.processes]
MEGABYTE = 1_000_000
PATH = "/v1/audio/transcriptions"
HEADERS = {"Content-Type": CONTENT_TYPE}


def send(house: House, raw: bytes, path: str = PATH) -> Answer:
    return call(house.url, house.key, raw, path=path, headers=HEADERS)


def open_uploads(gateway: rig.Process) -> list[str]:
    """Return the files without a name that the gateway has open."""
    found = []
    for link in Path(f"/proc/{gateway.popen.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(link))
    return [name for name in found if "deleted" in name]


def test_a_file_of_100_mb_takes_less_than_30_mb_of_memory(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    sound = wav(1) + bytes(100 * MEGABYTE)
    raw = form(field("model", "gpt-4o-transcribe"), file("file", sound))
    send(house, form(field("model", "gpt-4o-transcribe"), file("file", wav(1))))
    memory = Memory(gateway)

    assert send(house, raw).status == 200

    assert memory.growth_mb() < 30
    bill = provider.bills()[-1]
    assert bill["files"][0][3] == hashlib.sha256(sound).hexdigest()
    assert bill["stated_bytes"] == bill["bytes"] == len(raw)
    assert open_uploads(gateway) == []


def test_fields_may_come_after_the_files(house: House) -> None:
    raw = form(file("file", wav(1)), field("model", "whisper-1"))

    assert send(house, raw).status == 200


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([field("model", "gpt-4o-transcribe")], "model"),
        ([file("model", b"x")], "model"),
        ([field("Model", "gpt-4o-transcribe")], "Model"),
        ([field("model[]", "gpt-4o-transcribe")], "model[]"),
        ([field("stream", "1")], "stream"),
        ([field("stream", "true"), field("stream", "false")], "stream"),
        ([field("file", "x")], "file"),
        ([file("file", b"x")], "file"),
        ([file("FILE", b"x")], "file"),
    ],
)
def test_what_a_provider_might_read_otherwise_is_refused(
    house: House, provider: rig.Provider, parts: list[bytes], param: str
) -> None:
    raw = form(field("model", "whisper-1"), file("file", wav(1)), *parts)

    with nothing_written(provider):
        answer = send(house, raw)

    assert answer.summary == (400, "invalid_request_error", None)
    assert answer.error["param"] == param


@pytest.mark.parametrize("name", ["n", "size", "quality", "partial_images"])
def test_an_edit_may_not_say_twice_what_bounds_it(
    house: House, provider: rig.Provider, name: str
) -> None:
    raw = form(
        field("model", "gpt-image-2"),
        file("image", b"x"),
        field(name, "1"),
        field(name, "2"),
    )

    with nothing_written(provider):
        answer = send(house, raw, "/v1/images/edits")

    assert (answer.status, answer.error["param"]) == (400, name)


def test_a_recording_needs_a_form_and_a_new_image_none(
    house: House, provider: rig.Provider
) -> None:
    body = form(field("model", "gpt-image-2"), field("prompt", "a cat"))

    with nothing_written(provider):
        drawn = send(house, body, "/v1/images/generations")
        heard = call(house.url, house.key, {"model": "whisper-1"}, path=PATH)

    assert (drawn.status, heard.status) == (400, 400)
    assert "multipart" in heard.error["message"]


def test_what_says_that_it_is_too_long_is_refused_before_it_comes(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    with nothing_written(provider), upload(gateway, house, 10**12) as client:
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_client_that_leaves_while_it_sends_leaves_nothing(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    raw = form(field("model", "whisper-1"), file("file", bytes(3 * MEGABYTE)))

    with nothing_written(provider):
        with upload(gateway, house, len(raw)) as client:
            client.sendall(raw[: 2 * MEGABYTE])
            wait_until(lambda: len(open_uploads(gateway)) == 1)
        wait_until(lambda: open_uploads(gateway) == [])


def test_a_full_disk_is_told_and_nothing_is_held(
    house: House, gateway: rig.Process, provider: rig.Provider
) -> None:
    raw = form(field("model", "whisper-1"), file("file", wav(1) + bytes(3 * MEGABYTE)))

    with files_limited(gateway, MEGABYTE), nothing_written(provider):
        answer = send(house, raw)

    assert answer.summary == (503, "server_error", "upload_not_stored")
    assert open_uploads(gateway) == []
    assert send(house, raw).status == 200


@contextlib.contextmanager
def upload(gateway: rig.Process, house: House, length: int) -> Iterator[socket.socket]:
    """Begin to send a form that says so of its length."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {CONTENT_TYPE}\r\n"
        f"authorization: Bearer {house.key}\r\ncontent-length: {length}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as client:
        client.sendall(head.encode())
        yield client


@contextlib.contextmanager
def files_limited(gateway: rig.Process, length: int) -> Iterator[None]:
    """Let no file of the gateway grow beyond a length, as a full disk would."""
    pid, kind = gateway.popen.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, kind, (length, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)
