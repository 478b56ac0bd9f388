"""Members in OpenAI's shape: who they are, their role, and their leaving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone

from gateway import errors
from gateway.admin_api.bodies import fields_of
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import Listing, deleted, one_of, page_of, unix
from gateway.admin_api.parameters import texts
from gateway.admin_api.people import of_members
from gateway.admin_api.projects import ROLES, project_id_of
from keys.queries import last_use_by_member
from orgs.actions import LastOwner, NotAMember, change_role, remove_member
from orgs.models import Membership, Role

ROLE_NAMES = {role.value: role for role in Role}


def list_users(request: ApiRequest) -> dict[str, Any]:
    """List the members, those of some addresses if `emails` says so."""
    members = everyone = of_members(request.organization)
    emails = [email.lower() for email in texts(request.GET, "emails")]
    if emails:
        members = members.filter(user__email__in=emails)
    listing = Listing("user__public_id", known=("emails",))
    return page_of(request, members, look_of(request), listing, once=everyone)


def retrieve_user(request: ApiRequest, user_id: str) -> dict[str, Any]:
    return look_of(request)(member_of(request, user_id))


def update_user(request: ApiRequest, user_id: str) -> dict[str, Any]:
    """Give a member another role."""
    role = fields_of(request, {"role"}).choice("role", ROLE_NAMES)
    member = member_of(request, user_id)
    try:
        change_role(
            membership=member,
            role=role,
            acting_user=request.maker,
            now=timezone.now(),
        )
    except LastOwner:
        raise errors.last_owner() from None
    except NotAMember:
        raise errors.not_found() from None
    return look_of(request)(member)


def delete_user(request: ApiRequest, user_id: str) -> dict[str, Any]:
    """Take a person out of the organization."""
    member = member_of(request, user_id)
    try:
        remove_member(membership=member, acting_user=request.maker, now=timezone.now())
    except LastOwner:
        raise errors.last_owner() from None
    except NotAMember:
        raise errors.not_found() from None
    return deleted("organization.user", user_id)


def member_of(request: ApiRequest, user_id: str) -> Membership:
    return one_of(of_members(request.organization), user__public_id=user_id)


def look_of(request: ApiRequest) -> Callable[[Membership], dict[str, Any]]:
    """Return how members are told, with when they last used a key."""
    used = last_use_by_member(request.organization)
    return lambda member: user_of(member, used.get(member.user_id))


def user_of(member: Membership, last_used_at: datetime | None) -> dict[str, Any]:
    user, organization = member.user, member.organization
    person = {"id": user.public_id, "name": user.name, "email": user.email}
    in_project = {
        "id": project_id_of(organization),
        "name": organization.name,
        "role": ROLES[Role(member.role)],
    }
    return {
        "object": "organization.user",
        **person,
        "role": member.role,
        "added_at": unix(member.created_at),
        "created": unix(user.date_joined),
        "api_key_last_used_at": unix(last_used_at),
        "is_default": user.default_organization_id == organization.pk,
        "is_service_account": False,
        "is_scim_managed": False,
        "is_scale_tier_authorized_purchaser": False,
        "developer_persona": None,
        "technical_level": None,
        "projects": {"object": "list", "data": [in_project]},
        "user": {
            "object": "user",
            **person,
            "picture": None,
            "enabled": user.is_active,
            "banned": not user.is_active,
            "banned_at": None,
        },
    }


users = admin_resource(GET=list_users)
user = admin_resource(GET=retrieve_user, POST=update_user, DELETE=delete_user)
