"""Which mails somebody gets: their own page, and the links in mails."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from orgs.actions import choose_mail_from_link, choose_mails
from orgs.mail_preferences import offered_values, preferences_of
from orgs.models import Organization, User
from orgs.person_models import OptionalMail
from orgs.personal_forms import MailForm
from orgs.queries import organizations_of
from orgs.reach import whole_installation
from orgs.unsubscribing import Subscription, subscription_of


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """Show every kind of mail for each of the person's organizations."""
    user = cast(User, request.user)
    context = {
        "rows": preferences_of(user),
        "own_memberships": organizations_of(user),
    }
    return render(request, "orgs/mails.html", context)


@require_POST
def save_mails(request: HttpRequest) -> HttpResponse:
    """Choose which of the optional mails one gets."""
    user = cast(User, request.user)
    form = MailForm(request.POST, offered=offered_values(organizations_of(user)))
    if not form.is_valid():
        messages.error(request, "This is no mail that one can choose.")
        return redirect("orgs:mails")
    choose_mails(
        user=user,
        wanted=form.cleaned_data["wanted"],
        acting_user=user,
        now=timezone.now(),
    )
    messages.success(request, "Your choice of mails is saved.")
    return redirect("orgs:mails")


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """
    Refuse a kind of mail by the link in one, or have it again.

    A POST acts, from a mail program too, which has no cookies (RFC 8058). A GET only
    asks: programs that look at links for their readers must not unsubscribe them.
    """
    subscription = subscription_of(token)
    if subscription is None or subscription.kind not in OptionalMail.values:
        raise Http404
    with whole_installation("a link in a mail"):
        response = answer_to(request, subscription)
    add_never_cache_headers(response)
    return response


def answer_to(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    is_wanted = "again" in request.POST
    try:
        organization = Organization.objects.get(
            pk=subscription.organization_id, deleted_at__isnull=True
        )
        if request.method == "POST":
            choose_mail_from_link(
                subscription=subscription, is_wanted=is_wanted, now=timezone.now()
            )
    except Organization.DoesNotExist as error:
        raise Http404 from error
    context = {
        "mail_organization": organization,
        "subscription": subscription,
        "label": OptionalMail(subscription.kind).label,
        "is_done": request.method == "POST",
        "is_wanted": is_wanted,
    }
    return render(request, "orgs/unsubscribe.html", context)
