"""The front door, and the theme."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from orgs import context
from orgs.access import OrgRequest, org_view
from orgs.models import User
from orgs.permissions import Permission
from orgs.queries import landing_organization

THEME_MAX_AGE_S = 365 * 24 * 3600


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the default organization, else an operator to their pages, or say so."""
    user = cast(User, request.user)
    organization = landing_organization(user)
    if organization is None and user.is_staff:
        return redirect("operator:home")
    if organization is None:
        return render(request, "orgs/no_organization.html")
    return redirect("orgs:organization", slug=organization.slug)


@org_view(Permission.SEE_OVERVIEW)
@require_safe
def organization_home(request: OrgRequest) -> HttpResponse:
    """Lead to the organization's first page."""
    return redirect(context.navigation(request, request.organization)[0].url)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie; an unknown one means the system's."""
    response = HttpResponseRedirect(safe_next(request))
    theme = request.POST.get("theme", "")
    if theme not in context.THEMES:
        response.delete_cookie(context.THEME_COOKIE)
        return response
    response.set_cookie(
        context.THEME_COOKIE,
        theme,
        max_age=THEME_MAX_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def safe_next(request: HttpRequest) -> str:
    """Return the page to go back to: of this site only."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours and url.startswith("/") else "/"
