"""
Parsing forms (`multipart/form-data`, RFC 7578) as they come.

The only module that speaks python-multipart. What a part says of itself is read
strictly: forms are written anew for the provider, so nothing else would reach it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway import errors

PARTS_MAX = 256
HEADERS_MAX = 8
HEADER_MAX_BYTES = 4096
# RFC 2046, 5.1.1; a space would have to be quoted, and nobody sends one.
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=?]{1,70}")
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)
# Encodings of a part that change nothing. RFC 7578 deprecates all others.
PLAIN_ENCODINGS = (b"7bit", b"8bit", b"binary")
# RFC 7578, 4.6: it would change how the other fields are read.
CHARSET_FIELD = "_charset_"
NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f\x7f]')


@dataclass(slots=True)
class Part:
    """What a part of a form says of itself; a file is what has a file's name."""

    name: str
    filename: str | None = None
    media_type: str | None = None

    @property
    def is_file(self) -> bool:
        return self.filename is not None


class Sink(Protocol):
    """Whoever takes the parts."""

    def begin_part(self, part: Part) -> None: ...

    def take(self, data: bytes) -> None: ...


class FormReader:
    """Takes a form's bytes as they come, and gives its parts to a sink."""

    def __init__(self, boundary: str, sink: Sink) -> None:
        self._sink = sink
        self._parts = 0
        self._header = (b"", b"")
        self._headers: dict[bytes, bytes] = {}
        self._is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_end": self._end,
            },
            max_header_count=HEADERS_MAX,
            max_header_size=HEADER_MAX_BYTES,
        )

    def feed(self, data: bytes) -> None:
        """Take some bytes. Raises `ApiError` (400) for what is no form."""
        try:
            self._parser.write(data)
        except (MultipartParseError, FormParserError):
            raise malformed_form() from None

    def finish(self) -> None:
        """Say that there is no more. Raises `ApiError` (400) if the end is missing."""
        if not self._is_complete:
            raise malformed_form()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise errors.malformed(f"A form has at most {PARTS_MAX} parts.")
        self._header, self._headers = (b"", b""), {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name + data[start:end], value)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() in self._headers:
            raise malformed_form()
        self._headers[name.lower()] = value

    def _end_headers(self) -> None:
        self._sink.begin_part(part_of(self._headers))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._sink.take(data[start:end])

    def _end(self) -> None:
        self._is_complete = True


def malformed_form() -> errors.ApiError:
    return errors.malformed("We could not parse the form (multipart) of your request.")


def boundary_of(content_type: str) -> str | None:
    """
    Return the boundary of a form; None if the body is something else.

    :raises ApiError: for a form whose boundary is not a possible one.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary", b"").decode("latin-1")
    if not BOUNDARY.fullmatch(boundary):
        raise malformed_form()
    return boundary


def part_of(headers: dict[bytes, bytes]) -> Part:
    """Read the headers of a part. Raises `ApiError` (400) for what is ambiguous."""
    kind, options = parse_options_header(headers.get(b"content-disposition"))
    encoding = headers.get(b"content-transfer-encoding", b"binary").strip().lower()
    name, filename = options.get(b"name"), options.get(b"filename")
    if kind != b"form-data" or not name or encoding not in PLAIN_ENCODINGS:
        raise malformed_form()
    part = Part(text_of(name))
    if NOT_IN_NAMES.search(part.name) or part.name == CHARSET_FIELD:
        raise malformed_form()
    if filename is not None:
        part.filename = NOT_IN_NAMES.sub("_", text_of(filename))
        part.media_type = media_type_of(headers.get(b"content-type"))
    return part


def text_of(value: bytes | None) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        raise malformed_form() from None


def media_type_of(value: bytes | None) -> str | None:
    """Return what a part says it is, if that can be written anew as it stands."""
    text = text_of(value).strip()
    return text if MEDIA_TYPE.fullmatch(text) else None
