"""Pages on which the operator finds organizations and decides about them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.operator_queries import FIND_LONGEST, organization_page
from core.periods import cycle_of
from orgs.access import OperatorRequest, operator_view


@require_safe
@operator_view
def home(request: OperatorRequest) -> HttpResponse:
    """Lead to the first of the operator's pages."""
    return redirect("operator:quota")


@require_safe
@operator_view
def organizations(request: OperatorRequest) -> HttpResponse:
    """List the organizations, with what each may spend."""
    find = request.GET.get("find", "").strip()[:FIND_LONGEST]
    cycle_start = cycle_of(timezone.now())
    context = {
        "find": find,
        "cycle_start": cycle_start,
        "page": organization_page(
            find=find, number=request.GET.get("page", "1"), cycle_start=cycle_start
        ),
    }
    return render(request, "operator/organizations.html", context)
