"""Forms and addresses that nobody can have typed are answered 400, by one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.views.defaults import bad_request


def refuse_unreadable(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse broken forms, and NUL characters, of which Postgres keeps none."""

    def serve(request: HttpRequest) -> HttpResponse:
        if not is_readable(request):
            return bad_request(request, BadRequest())
        return get_response(request)

    return serve


def is_readable(request: HttpRequest) -> bool:
    try:
        return not any("\0" in text for text in texts_of(request))
    except MultiPartParserError:
        return False


def texts_of(request: HttpRequest) -> Iterator[str]:
    """Yield the path, and each name and value of the query and the form."""
    yield request.path
    for fields in (request.GET, request.POST):
        for name, values in fields.lists():
            yield name
            yield from values
