"""The records behind the numbers of the usage page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from usage.addresses import address, known_cycles
from usage.forms import (
    RecordsForm,
    cycle_name,
    cycle_value,
)
from usage.records import Selection, page_of_records
from usage.spans import Span


@require_safe
@org_view(Permission.SEE_USAGE)
def records(request: OrgRequest) -> HttpResponse:
    """List the records of a selection, newest first."""
    form = RecordsForm(request.GET, cycles=known_cycles(request, timezone.now()))
    selection = selection_of(form)
    before = form.cleaned_data.get("before") or None
    page = page_of_records(request.membership, selection, before=before)
    context = {
        "form": form,
        "cycle_name": cycle_name(form.chosen_cycle),
        "records": page.records,
        "filters": filters_of(request, selection),
        "older_url": page.older and address(request, before=page.older),
        "newest_url": before and address(request, before=None),
        "cycle_value": cycle_value(form.chosen_cycle),
    }
    return render(request, "usage/records.html", context)


def selection_of(form: RecordsForm) -> Selection:
    """Return what the form selects; what is wrong in it selects nothing."""
    span = Span.of_cycle(form.chosen_cycle)
    chosen = form.cleaned_data
    return Selection(
        span,
        day=chosen.get("day"),
        model=chosen.get("model") or None,
        key=chosen.get("key") or None,
        member=chosen.get("member") or None,
    )


def filters_of(request: OrgRequest, selection: Selection) -> list[dict[str, str]]:
    """Return what narrows the records, each with the address without it."""
    values = {
        "day": selection.day and f"{selection.day:%-d %B}",
        "model": selection.model,
        "key": selection.key,
        "member": selection.member,
    }
    return [
        {
            "name": name,
            "value": value,
            "url": address(request, **{name: None, "before": None}),
        }
        for name, value in values.items()
        if value
    ]
