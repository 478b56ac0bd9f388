"""The records behind the numbers: a list of requests, a search by id, and files."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from orgs.streamed_files import streamed_file
from usage.addresses import address, known_cycles
from usage.forms import cycle_name, cycle_value
from usage.record_export import as_csv, as_json, chunks_of
from usage.record_forms import OUTCOMES, RecordsForm
from usage.records import (
    Selection,
    page_of_records,
    record_visible_to,
    refusals_not_kept,
)
from usage.refusals import kept_instead_of, refusal_visible_to

FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}
ID_LONGEST = 60
PREFIXES = ("req_", "rec_", "ref_")


@require_safe
@org_view(Permission.SEE_USAGE)
def records(request: OrgRequest) -> HttpResponse:
    """List the requests of a selection, newest first, or give all as a file."""
    find = request.GET.get("find", "").strip()[:ID_LONGEST]
    if find and (found := found_by_id(request, find)):
        return found
    form = RecordsForm(
        request.GET,
        cycles=known_cycles(request, timezone.now()),
        viewer=request.membership,
    )
    form.is_valid()
    selection = form.selection()
    if request.GET.get("format") in FORMATS:
        return export(request, selection, request.GET["format"])
    context = {"find": find, **context_of(request, form, selection)}
    return render(request, "usage/records.html", context)


def context_of(
    request: OrgRequest, form: RecordsForm, selection: Selection
) -> dict[str, Any]:
    viewer, before = request.membership, form.cleaned_data.get("before")
    page = page_of_records(viewer, selection, before=before or None)
    return {
        "form": form,
        "cycle_name": cycle_name(form.chosen_cycle),
        "span": selection.span,
        "records": page.records,
        "only_counted": (
            refusals_not_kept(viewer, selection) if selection.has_refusals else 0
        ),
        "filters": filters_of(request, selection),
        "older_url": page.older and address(request, before=page.older),
        "newest_url": before and address(request, before=None),
        "cycle_value": cycle_value(form.chosen_cycle),
        "csv_url": address(request, format="csv", before=None),
        "json_url": address(request, format="json", before=None),
    }


def found_by_id(request: OrgRequest, text: str) -> HttpResponse | None:
    """Return the way to a request by its id, whichever of its names that is."""
    if not text.startswith(PREFIXES):
        return None
    viewer, rest, slug = request.membership, text[4:], request.organization.slug
    record_id, refusal_id = f"rec_{rest}", f"ref_{rest}"
    if record_visible_to(viewer, record_id):
        return redirect("billing:record", slug, record_id)
    if refusal_visible_to(viewer, refusal_id) or kept_instead_of(viewer, refusal_id):
        return redirect("billing:refusal", slug, refusal_id)
    return None


def filters_of(request: OrgRequest, selection: Selection) -> list[dict[str, str]]:
    """Return what narrows the records, each with the address without it."""
    get = request.GET.get
    values = {
        "day": selection.day and f"{selection.day:%-d %B}",
        "model": selection.model,
        "key": selection.key,
        "member": selection.member,
        "endpoint": selection.endpoint,
        "outcome": dict(OUTCOMES)[selection.outcome] if selection.outcome else "",
        "status": selection.status is not None and str(selection.status),
        "least_cost": selection.least_cost_nanos and get("least_cost"),
        "least_ms": selection.least_latency_ms and get("least_ms"),
    }
    return [
        {
            "name": NAMES.get(name, name),
            "value": str(value),
            "url": address(request, **{name: None, "before": None}),
        }
        for name, value in values.items()
        if value
    ]


NAMES = {"least_cost": "cost from $", "least_ms": "latency from ms"}


def export(request: OrgRequest, selection: Selection, kind: str) -> HttpResponse:
    """Stream the selected requests."""
    write, content_type = FORMATS[kind]
    parts = write(chunks_of(request.membership, selection))
    span = selection.span
    name = f"{request.organization.slug}-records-{span.first}-{span.last}.{kind}"
    return streamed_file(request, parts, name=name, content_type=content_type)
