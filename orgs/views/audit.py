"""The audit log: its page, an event, and the files."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orgs.access import OrgRequest, org_view
from orgs.audit_export import as_csv, as_json
from orgs.audit_forms import AuditForm
from orgs.audit_log import (
    EventSelection,
    changes_in,
    chunks_of,
    event_of,
    page_of_events,
    subject_of,
)
from orgs.permissions import Permission
from orgs.streamed_files import streamed_file

FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}


@org_view(Permission.SEE_AUDIT)
@require_safe
def audit(request: OrgRequest) -> HttpResponse:
    """List the selected events, newest first, or give all of them as a file."""
    form = AuditForm(request.GET, organization=request.organization)
    selection = form.selection()
    if request.GET.get("format") in FORMATS:
        return export(request, selection, request.GET["format"])
    before = form.cleaned_data.get("before") or None
    page = page_of_events(request.organization, selection, before=before)
    context = {
        "form": form,
        "rows": [(event, subject_of(event)) for event in page.events],
        "is_narrowed": selection != EventSelection(),
        "older_url": page.older and address(request, before=page.older),
        "newest_url": before and address(request, before=None),
        "csv_url": address(request, format="csv", before=None),
        "json_url": address(request, format="json", before=None),
    }
    return render(request, "orgs/audit.html", context)


@org_view(Permission.SEE_AUDIT)
@require_safe
def audit_event(request: OrgRequest, audit_id: str) -> HttpResponse:
    """Show one event: what changed, and its place in the chain."""
    event = event_of(request.organization, audit_id)
    if event is None:
        raise Http404
    context = {
        "event": event,
        "subject": subject_of(event),
        "changes": changes_in(event.details),
        "link": getattr(event, "link", None),
    }
    return render(request, "orgs/audit_event.html", context)


def export(request: OrgRequest, selection: EventSelection, kind: str) -> HttpResponse:
    """Stream the selected events."""
    write, content_type = FORMATS[kind]
    parts = write(chunks_of(request.organization, selection))
    name = f"{request.organization.slug}-audit-{timezone.now():%Y-%m-%d}.{kind}"
    return streamed_file(request, parts, name=name, content_type=content_type)


def address(request: HttpRequest, **changes: str | None) -> str:
    """Return the page's own address with parts of its query changed or left out."""
    query = {name: value for name, value in request.GET.items() if value}
    wanted = {**query, **changes}
    return f"{request.path}?" + urlencode({k: v for k, v in wanted.items() if v})
