"""The page of an installation without an operator: it makes one, once."""

from __future__ import annotations

from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from orgs.actions import AddressTaken, AlreadySetUp, set_up_operator
from orgs.first_set_up import is_open, is_token
from orgs.personal_forms import OperatorForm


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def first_set_up(request: HttpRequest, token: str) -> HttpResponse:
    """Make the operator; 404 with a wrong token, and once there is one."""
    if not (is_token(token) and is_open()):
        raise Http404
    form = OperatorForm(request.POST if request.method == "POST" else None)
    response = answer_to(request, form)
    response["Referrer-Policy"] = "strict-origin"
    return response


def answer_to(request: HttpRequest, form: OperatorForm) -> HttpResponse:
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "orgs/first_set_up.html", {"form": form}, status=status)
    try:
        operator = set_up_operator(**form.cleaned_data, now=timezone.now())
    except AddressTaken:
        form.add_error("email", "An account has this address already.")
        return render(request, "orgs/first_set_up.html", {"form": form}, status=422)
    except AlreadySetUp:
        messages.error(request, "Somebody else has set up this installation just now.")
        return redirect("account_login")
    perform_login(request, operator)
    messages.success(request, "Tokenhouse is set up. You are its operator.")
    return redirect("orgs:home")
