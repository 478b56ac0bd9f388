"""What is sent to a provider: JSON from memory, or a form with files from disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class StoredFile(Protocol):
    """A file of a form."""

    @property
    def name(self) -> str: ...

    @property
    def length(self) -> int: ...


class StoredForm(Protocol):
    """A form with files that lies elsewhere than in memory."""

    @property
    def content_type(self) -> str: ...

    @property
    def text_length(self) -> int:
        """The length of all that is not in files: what can be text to a model."""
        ...

    def __len__(self) -> int:
        """Return the exact number of bytes that are sent."""
        ...

    def parts(self) -> AsyncIterator[bytes]:
        """Yield the bytes, from the first on each time."""
        ...

    def fields(self) -> list[tuple[str, str]]:
        """Return those fields that were to be read, in their order."""
        ...

    def files(self) -> Sequence[StoredFile]: ...

    def read(self, place: int, offset: int, length: int) -> bytes:
        """Return bytes of the file at a place among the files."""
        ...

    def set_field(self, name: str, value: str) -> None:
        """Have the provider read another value, or one more field."""
        ...


Payload = bytes | StoredForm
