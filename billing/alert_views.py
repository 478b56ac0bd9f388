"""The alert ledger: what people were told of, and who took note."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.acknowledging import acknowledge_alert, set_escalation
from billing.actions.test_mails import TooManyTestMails, send_test_mail
from billing.actions.unusual_alerts import set_unusual_spend
from billing.alert_forms import (
    AlertPageForm,
    EscalationForm,
    TestMailForm,
    UnusualSpendForm,
)
from billing.alert_queries import escalation_of, page_of_alerts
from billing.mail_samples.gallery import samples_to_try
from billing.models import Alert
from core.statuses import UNPROCESSABLE
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_safe
@org_view(Permission.SEE_ALERTS)
def alerts(request: OrgRequest) -> HttpResponse:
    """Show the ledger, newest first."""
    return alerts_page(request)


def alerts_page(
    request: OrgRequest,
    form: EscalationForm | None = None,
    unusual_form: UnusualSpendForm | None = None,
    test_form: TestMailForm | None = None,
) -> HttpResponse:
    """Return the page; with a form in hand, that is the one that has errors."""
    query = AlertPageForm(request.GET)
    query.is_valid()
    before = query.cleaned_data.get("before")
    settings = escalation_of(request.organization)
    page = page_of_alerts(request.organization, before=before)
    context = {
        "rows": page.rows,
        "older_url": page.older and f"?before={page.older}",
        "newest_url": before and request.path,
        "settings": settings,
        "form": form or EscalationForm.showing(settings),
        "unusual_form": unusual_form or UnusualSpendForm.showing(settings),
        "test_form": test_form or new_test_form(),
    }
    status = UNPROCESSABLE if form or unusual_form or test_form else 200
    return render(request, "billing/alerts.html", context, status=status)


@require_POST
@org_view(Permission.ACKNOWLEDGE_ALERTS)
def acknowledge(request: OrgRequest, event_id: str) -> HttpResponse:
    """Note that the owner saw to an alert."""
    alert = get_object_or_404(
        Alert, organization=request.organization, public_id=event_id
    )
    is_first = acknowledge_alert(
        alert=alert, acting_user=request.user, now=timezone.now()
    )
    if is_first:
        messages.success(request, "You took note of the alert. Nobody else is asked.")
    else:
        messages.info(request, "Somebody took note of the alert before.")
    return redirect("billing:alerts", request.organization.slug)


@require_POST
@org_view(Permission.ACKNOWLEDGE_ALERTS)
def save_escalation(request: OrgRequest) -> HttpResponse:
    """Say whether, and after how long, the next owner is asked."""
    form = EscalationForm(request.POST)
    if not form.is_valid():
        return alerts_page(request, form)
    set_escalation(
        organization=request.organization,
        after_min=form.cleaned_data["after"],
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, "The escalation of alerts is saved.")
    return redirect("billing:alerts", request.organization.slug)


@require_POST
@org_view(Permission.ACKNOWLEDGE_ALERTS)
def save_unusual_spend(request: OrgRequest) -> HttpResponse:
    """Say how unusual spend must be before people are told."""
    form = UnusualSpendForm(request.POST)
    if not form.is_valid():
        return alerts_page(request, unusual_form=form)
    set_unusual_spend(
        organization=request.organization,
        sensitivity=form.cleaned_data["sensitivity"],
        floor_nanos=form.cleaned_data["floor"],
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, "What counts as unusual spend is saved.")
    return redirect("billing:alerts", request.organization.slug)


def new_test_form(data: QueryDict | None = None) -> TestMailForm:
    return TestMailForm(data, samples=samples_to_try(now=timezone.now()))


@require_POST
@org_view(Permission.ACKNOWLEDGE_ALERTS)
def send_test(request: OrgRequest) -> HttpResponse:
    """Send an example of a mail to the owner who asks for it."""
    form = new_test_form(request.POST)
    if not form.is_valid():
        return alerts_page(request, test_form=form)
    try:
        send_test_mail(
            organization=request.organization,
            sample=form.sample,
            new_id=form.cleaned_data["new_id"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except TooManyTestMails:
        form.add_error(None, "You had ten tests within the hour. Try again later.")
        return alerts_page(request, test_form=form)
    messages.success(request, f"A test is on its way to {request.user.email}.")
    return redirect("billing:alerts", request.organization.slug)
