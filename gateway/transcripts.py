"""An answer as its client gets it, for whoever asks the same again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

Headers = list[tuple[bytes, bytes]]
# A longer answer is not kept: it would have to be held in memory whole.
LENGTH_MAX = 8 * 1024 * 1024
# What is true of the moment of an answer, not of the answer.
MOMENTARY = (b"retry-after", b"x-ratelimit-")


@dataclass(slots=True)
class Transcript:
    """Status, headers and body of an answer, gathered as it goes by."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    is_too_long: bool = False
    _parts: list[bytes] = field(default_factory=list)
    _length: int = 0

    def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = [each for each in headers if not each[0].startswith(MOMENTARY)]

    def add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > LENGTH_MAX:
            self.is_too_long = True
            self._parts.clear()
        else:
            self._parts.append(part)

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    def packed(self) -> bytes:
        """Return headers and body as one text, to be sealed."""
        pairs = [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in self.headers
        ]
        return orjson.dumps(pairs) + b"\n" + self.body

    @classmethod
    def unpacked(cls, status: int, text: bytes) -> Transcript:
        """Return what `packed` packed."""
        head, _, body = text.partition(b"\n")
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in orjson.loads(head)
        ]
        return cls(status, headers, _parts=[body], _length=len(body))
