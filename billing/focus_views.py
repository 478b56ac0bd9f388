"""All charges of a billing cycle as a file for FinOps tools."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.focus_export import focus_csv
from core.periods import cycle_of
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from orgs.streamed_files import streamed_file

# Before there was anything to bill by the token.
OLDEST = date(2015, 1, 1)
CSV = "text/csv; charset=utf-8"


@require_safe
@org_view(Permission.EXPORT_CHARGES)
def focus(request: OrgRequest) -> HttpResponse:
    """Stream the charges of a cycle, else of this month, in the format of FOCUS."""
    newest = cycle_of(timezone.now())
    asked = request.GET.get("cycle") or f"{newest:%Y-%m}"
    cycle_start = cycle_named(asked, newest=newest)
    name = f"{request.organization.slug}-focus-{cycle_start:%Y-%m}.csv"
    parts = focus_csv(request.organization, cycle_start)
    return streamed_file(request, parts, name=name, content_type=CSV)


def cycle_named(text: str, *, newest: date) -> date:
    """Return the cycle of `2026-11`; one that has not begun is not found."""
    try:
        cycle_start = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404("A billing cycle is written like 2026-11.") from None
    if not OLDEST <= cycle_start <= newest:
        raise Http404("There is no such billing cycle yet.")
    return cycle_start
