"""What a body of the Admin API asks, read strictly: what is wrong is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from gateway import errors
from gateway.admin_api.parameters import chosen_of

T = TypeVar("T")

BODY_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of a JSON object. What is `null` is not given."""

    values: Mapping[str, Any]

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, *, longest: int) -> str:
        """Return a text that must be given, without blanks around it."""
        return self.prose(name, longest=longest, breaks="")

    def prose(self, name: str, *, longest: int, breaks: str = "\r\n\t") -> str:
        """Return a text that may have several lines, without blanks around it."""
        value = self.required(name)
        if not isinstance(value, str):
            raise errors.malformed(f"'{name}' must be a string.", name)
        text = value.strip()
        shown = text.translate(dict.fromkeys(map(ord, breaks), " "))
        if not (0 < len(text) <= longest and shown.isprintable()):
            message = f"'{name}' must have 1 to {longest} printable characters."
            raise errors.malformed(message, name)
        return text

    def choice(self, name: str, options: Mapping[str, T]) -> T:
        value = self.required(name)
        return chosen_of(
            name, value if isinstance(value, str) else repr(value), options
        )

    def whole_number(self, name: str, *, least: int, most: int) -> int:
        value = self.required(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not (is_number and least <= value <= most):
            message = f"'{name}' must be a whole number from {least} to {most}."
            raise errors.malformed(message, name)
        return int(value)

    def required(self, name: str) -> Any:
        if name not in self.values:
            raise errors.malformed(f"Missing required parameter: '{name}'.", name)
        return self.values[name]


def fields_of(request: HttpRequest, known: Collection[str]) -> Fields:
    """
    Return the members of a request's JSON object.

    :raises ApiError: if it is none (400), too long (413), or has members that are not
        `known`: one that is ignored would be believed to hold.
    """
    document = object_in(raw_body(request))
    for name in document:
        if name not in known:
            raise errors.malformed(f"Unknown parameter: '{name}'.", name)
    given = {name: value for name, value in document.items() if value is not None}
    return Fields(given)


def raw_body(request: HttpRequest) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig:
        raise errors.too_large(BODY_MAX_BYTES) from None
    if len(body) > BODY_MAX_BYTES:
        raise errors.too_large(BODY_MAX_BYTES)
    return body


def object_in(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.malformed("The body of the request is not valid JSON.") from error
    if not isinstance(document, dict):
        raise errors.malformed("The body of the request must be a JSON object.")
    return document
