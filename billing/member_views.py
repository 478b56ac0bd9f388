"""One member, before their role changes or they go: what hangs on them here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.scope_queries import member_amounts
from keys.models import ApiKey
from keys.queries import last_use_by_member
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from orgs.queries import members_of, owners_of, pending_invitations


@require_safe
@org_view(Permission.REMOVE_MEMBERS)
def member(request: OrgRequest, user_id: str) -> HttpResponse:
    """Show a member's keys, limit, invitations and use, and what can be done."""
    organization, now = request.organization, timezone.now()
    member = get_object_or_404(members_of(organization), user__public_id=user_id)
    keys = ApiKey.objects.usable_in(organization).filter(user=member.user)
    others = [each for each in owners_of(organization) if each.pk != member.user_id]
    context = {
        "member": member,
        "is_self": member.user_id == request.user.pk,
        "is_last_owner": member.is_owner and not others,
        "amounts": member_amounts(request.membership, user_id, now=now),
        "keys": keys.live(at=now).order_by("name"),
        "invited": pending_invitations(organization).filter(invited_by=member.user),
        "last_use": last_use_by_member(organization).get(member.user_id),
    }
    return render(request, "billing/member.html", context)
