"""
Forms with files on their way to a provider: by way of the disk, not of the memory.

Fields may come after the files, and a hold has to be placed before anything is sent:
so a form is read to its end first. It lies in a file without a name, which is gone
with the request or with the process, and is sent from there, written anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import IO

from gateway import errors
from gateway.messages import Request, in_time
from gateway.multipart import FormReader, Part, malformed_form
from gateway.room import Room

# What is gathered in memory before it goes to disk, and read back at once.
BLOCK_BYTES = 512 * 1024
# Longer fields are texts that nobody here need understand.
FIELD_MAX_BYTES = 4096


@dataclass(slots=True)
class StoredPart:
    """A part of a form: `start` and `length` on disk, or its value in memory."""

    part: Part
    start: int
    length: int = 0
    value: bytearray | None = None

    @property
    def name(self) -> str:
        return self.part.name


class Form:
    """A form whose long parts are on disk. It is sent as often as it is asked for."""

    def __init__(
        self, boundary: str, file: IO[bytes], keeps: Callable[[str], bool]
    ) -> None:
        self.boundary = boundary
        self.stored: list[StoredPart] = []
        self._file = file
        self._keeps = keeps
        self._block = bytearray()
        self._written = 0

    @property
    def content_type(self) -> str:
        return f'multipart/form-data; boundary="{self.boundary}"'

    def __len__(self) -> int:
        parts = (len(self._head(stored)) + stored.length + 2 for stored in self.stored)
        return sum(parts) + len(self._tail())

    @property
    def text_length(self) -> int:
        """The length of all that is not in files: what can be text to a model."""
        return len(self) - sum(stored.length for stored in self.files())

    def files(self) -> list[StoredPart]:
        return [stored for stored in self.stored if stored.part.is_file]

    def fields(self) -> list[tuple[str, str]]:
        """Return the kept fields in their order. Raises `ApiError` if not UTF-8."""
        kept = ((one.part.name, one.value) for one in self.stored)
        try:
            return [(name, value.decode()) for name, value in kept if value is not None]
        except UnicodeDecodeError:
            raise malformed_form() from None

    def set_field(self, name: str, value: str) -> None:
        """Have the provider read another value of a kept field, or one more field."""
        content = bytearray(value.encode())
        for stored in self.stored:
            if stored.part.name == name and stored.value is not None:
                stored.value, stored.length = content, len(content)
                return
        part = Part(name)
        self.stored.append(StoredPart(part, self._written, len(content), content))

    def read(self, place: int, offset: int, length: int) -> bytes:
        """Return bytes of the file at a place among the files: fewer at its end."""
        return self._read(self.files()[place], offset, length)

    def _read(self, stored: StoredPart, offset: int, length: int) -> bytes:
        self._file.seek(stored.start + offset)
        return self._file.read(max(min(length, stored.length - offset), 0))

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the form as it is sent, from its beginning."""
        for stored in self.stored:
            yield self._head(stored)
            if stored.value is not None:
                yield bytes(stored.value)
            else:
                for offset in range(0, stored.length, BLOCK_BYTES):
                    yield await asyncio.to_thread(
                        self._read, stored, offset, BLOCK_BYTES
                    )
            yield b"\r\n"
        yield self._tail()

    def close(self) -> None:
        self._file.close()

    def digest(self) -> bytes:
        """Return what two forms that say the same have in common."""
        digest = hashlib.sha256()
        for stored in self.stored:
            head = f"{stored.part!r} {stored.length}\n"
            digest.update(head.encode())
            if stored.value is not None:
                digest.update(stored.value)
                continue
            for offset in range(0, stored.length, BLOCK_BYTES):
                digest.update(self._read(stored, offset, BLOCK_BYTES))
        return digest.digest()

    def begin_part(self, part: Part) -> None:
        is_kept = not part.is_file and self._keeps(part.name)
        value = bytearray() if is_kept else None
        self.stored.append(StoredPart(part, self._written, value=value))

    def take(self, data: bytes) -> None:
        """Take content of the part that began last."""
        stored = self.stored[-1]
        stored.length += len(data)
        if stored.value is None:
            self._block += data
            self._written += len(data)
        elif stored.length > FIELD_MAX_BYTES:
            name = stored.part.name
            raise errors.malformed(f"'{name}' is too long", name)
        else:
            stored.value += data

    async def write(self, *, is_last: bool = False) -> None:
        """Write to disk what has gathered. Raises `ApiError` (503) if it is full."""
        if not self._block or not (is_last or len(self._block) >= BLOCK_BYTES):
            return
        block, self._block = self._block, bytearray()
        try:
            await asyncio.to_thread(self._append, block)
        except OSError:
            raise errors.upload_not_stored() from None

    def _append(self, block: bytearray) -> None:
        self._file.write(block)
        self._file.flush()

    def _head(self, stored: StoredPart) -> bytes:
        """Write what stands before a part's content: only what was understood."""
        part = stored.part
        lines = [f"--{self.boundary}"]
        names = f'Content-Disposition: form-data; name="{part.name}"'
        lines.append(f'{names}; filename="{part.filename}"' if part.is_file else names)
        if part.media_type is not None:
            lines.append(f"Content-Type: {part.media_type}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _tail(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode()


async def receive_form(
    request: Request,
    boundary: str,
    *,
    keeps: Callable[[str], bool],
    max_bytes: int,
    room: Room,
    folder: str | None,
) -> Form:
    """
    Take a form in, to the disk; it goes when the request ends.

    Of the fields that `keeps` says yes to the values are at hand.

    :raises ApiError: if it is too long, comes too slowly, finds no room, or is
        malformed.
    """
    request.refuse_if_longer(max_bytes)
    stated = request.content_length()
    await request.take(room, max_bytes if stated is None else stated)
    try:
        # Gone when it is closed, and never with a name that others could open.
        file = tempfile.TemporaryFile(dir=folder, prefix="tokenhouse-")  # noqa: SIM115
    except OSError:
        raise errors.upload_not_stored() from None
    form = Form(boundary, file, keeps)
    request.at_end(form.close)
    await in_time(read_into(form, request, max_bytes))
    return form


async def read_into(form: Form, request: Request, max_bytes: int) -> None:
    reader = FormReader(form.boundary, form)
    async for part in request.parts(max_bytes=max_bytes):
        reader.feed(part)
        await form.write()
    reader.finish()
    await form.write(is_last=True)
