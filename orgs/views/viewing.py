"""An operator asks to see an organization as its owners do, and stops."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.statuses import UNPROCESSABLE
from orgs.access import VIEWING, OperatorRequest, operator_view, viewing_in
from orgs.actions import NotAnOperator, begin_viewing, end_viewing
from orgs.locks import OrganizationGone
from orgs.models import Organization, ViewingEnd
from orgs.queries import viewings_of
from orgs.viewing_forms import ViewingForm
from orgs.viewing_models import LONGEST_VIEWING


@require_safe
@operator_view
def view_organization(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Say what viewing is, ask for the reason, and list who viewed before."""
    return asking_page(request, found(organization_id), ViewingForm())


def found(organization_id: str) -> Organization:
    return get_object_or_404(
        Organization, public_id=organization_id, deleted_at__isnull=True
    )


def asking_page(
    request: OperatorRequest, subject: Organization, form: ViewingForm
) -> HttpResponse:
    context = {
        "subject": subject,
        "form": form,
        "viewings": viewings_of(subject),
        "longest_minutes": int(LONGEST_VIEWING.total_seconds()) // 60,
    }
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "operator/view_organization.html", context, status=status)


@require_POST
@operator_view
def begin(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Begin to view an organization, in this session."""
    subject, form = found(organization_id), ViewingForm(request.POST)
    if not form.is_valid():
        return asking_page(request, subject, form)
    try:
        viewing = begin_viewing(
            organization=subject,
            reason=form.cleaned_data["reason"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except (OrganizationGone, NotAnOperator) as error:
        raise Http404 from error
    request.session[VIEWING] = viewing.public_id
    return redirect("orgs:organization", slug=subject.slug)


@require_POST
@operator_view
def stop(request: OperatorRequest) -> HttpResponse:
    """Stop viewing; what is over already stays so."""
    viewing = viewing_in(request)
    public_id = request.session.pop(VIEWING, None)
    if public_id is not None:
        end_viewing(
            public_id=public_id,
            ended_by=ViewingEnd.STOPPED,
            acting_user=request.user,
            now=timezone.now(),
        )
    if viewing is None:
        messages.info(request, "You were viewing no organization any more.")
        return redirect("operator:organizations")
    messages.success(request, f"You stopped viewing {viewing.organization}.")
    return redirect("operator:organization", viewing.organization.public_id)
