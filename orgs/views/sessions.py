"""Where a person is logged in: one browser logged out."""

from __future__ import annotations

from typing import cast

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from orgs.actions import end_session
from orgs.models import User


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Log another browser of the person out; this one has a button of its own."""
    user = cast(User, request.user)
    session = get_object_or_404(UserSession, pk=pk, user=user)
    if session.is_current():
        messages.error(request, "This is the browser you are using: log out instead.")
        return redirect("usersessions_list")
    end_session(session=session, user=user, acting_user=user, now=timezone.now())
    messages.success(request, "That browser is logged out.")
    return redirect("usersessions_list")
