"""Files that are sent while they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from orgs.reach import kept


def streamed_file(
    request: HttpRequest, parts: Iterator[str], *, name: str, content_type: str
) -> HttpResponse:
    """Stream parts as a file; a server that can takes them piece by piece."""
    # They are made when the view has returned.
    parts = kept(parts)
    is_async = isinstance(request, ASGIRequest)
    response: HttpResponseBase = StreamingHttpResponse(
        piece_by_piece(parts) if is_async else parts, content_type=content_type
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[return-value]


async def piece_by_piece(parts: Iterator[str]) -> AsyncIterator[str]:
    """Yield parts that a thread makes, each only when the one before is sent."""
    following = sync_to_async(lambda: next(parts, None))
    while (part := await following()) is not None:
        yield part
