"""The operator's outbox: what was sent, what waits, what was given up."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orgs.access import OperatorRequest, operator_view
from orgs.actions.outbox import NotGivenUp, send_mail_again
from orgs.mail_secrets import as_others_see_it
from orgs.models import MailStatus, OutboxMail
from orgs.outbox import ATTEMPTS_MAX
from orgs.outbox_forms import OutboxForm
from orgs.outbox_list import MailSelection, page_of_mails
from orgs.views.audit import address


@require_safe
@operator_view
def outbox(request: OperatorRequest) -> HttpResponse:
    """List the selected mails, newest first."""
    form = OutboxForm(request.GET)
    selection = form.selection()
    before = form.cleaned_data.get("before")
    page = page_of_mails(selection, before=before)
    context = {
        "form": form,
        "mails": page.mails,
        "is_narrowed": selection != MailSelection(),
        "older_url": page.older and address(request, before=str(page.older)),
        "newest_url": before and address(request, before=None),
    }
    return render(request, "operator/outbox.html", context)


@require_safe
@operator_view
def outbox_mail(request: OperatorRequest, mail_id: str) -> HttpResponse:
    """Show a mail as its recipient sees it, but for what lets somebody in."""
    mail = get_object_or_404(
        OutboxMail.objects.select_related("organization"), pk=number_from(mail_id)
    )
    context = {
        "mail": mail,
        "is_given_up": mail.status == MailStatus.FAILED,
        "attempts_max": ATTEMPTS_MAX,
        "text": as_others_see_it(mail.body_text),
        "html": as_others_see_it(mail.body_html),
    }
    return render(request, "operator/outbox_mail.html", context)


@require_POST
@operator_view
def send_again(request: OperatorRequest, mail_id: str) -> HttpResponse:
    """Let a mail that was given up be tried once more."""
    try:
        mail = send_mail_again(
            mail_id=number_from(mail_id),
            acting_user=request.user,
            now=timezone.now(),
        )
    except OutboxMail.DoesNotExist as error:
        raise Http404 from error
    except NotGivenUp:
        messages.info(request, "This mail is not given up any more.")
    else:
        messages.success(request, f"The mail to {mail.recipient} is tried once more.")
    return redirect("operator:outbox_mail", mail_id)


def number_from(mail_id: str) -> int:
    """Return the number that an address names, or raise 404."""
    if not (mail_id.isascii() and mail_id.isdecimal()):
        raise Http404
    return int(mail_id)
