"""The report as a page for operators, and as JSON for who watches over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import wraps
from itertools import chain
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.metrics import has_token
from config.vitals import books, surroundings, work
from config.vitals.line import Line
from orgs.access import OPERATORS_ONLY, OperatorRequest, operator_view
from orgs.reach import whole_installation


def report(now: datetime) -> Sequence[Line]:
    """Look at everything. Needs to see the whole installation."""
    return [*chain(work.lines(now), books.lines(now), surroundings.lines(now))]


@require_safe
@operator_view
def health(request: OperatorRequest) -> HttpResponse:
    """Show each line, those that need attention first."""
    now = timezone.now()
    lines = report(now)
    context = {
        "now": now,
        "lines": sorted(lines, key=lambda line: line.is_ok),
        "troubles": sum(not line.is_ok for line in lines),
    }
    return render(request, "operator/health.html", context)


def for_token_too(view: Any) -> Any:
    """Admit whoever sends METRICS_TOKEN beside operators."""

    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if has_token(request):
            return monitored(request)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        answer: HttpResponse = view(request)
        return answer

    setattr(guarded, OPERATORS_ONLY, True)
    return guarded


@require_safe
def monitored(request: HttpRequest) -> HttpResponse:
    with whole_installation("health for a monitor"):
        return as_json(timezone.now())


@never_cache
@for_token_too
@require_safe
@operator_view
def health_json(request: OperatorRequest) -> HttpResponse:
    """Answer what the page shows; `status` says whether all is well."""
    return as_json(timezone.now())


def as_json(now: datetime) -> JsonResponse:
    lines = report(now)
    is_ok = all(line.is_ok for line in lines)
    document = {
        "status": "ok" if is_ok else "attention",
        "at": now.isoformat(),
        "lines": [
            {
                "name": line.name,
                "status": "ok" if line.is_ok else "attention",
                "says": line.says,
                "do": line.advice,
                **line.facts,
            }
            for line in lines
        ],
    }
    return JsonResponse(document)
