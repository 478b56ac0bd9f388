"""An organization as OpenAI's clients see it: with one default project."""

from __future__ import annotations

from typing import Any

from gateway import errors
from gateway.admin_api.door import ApiRequest, admin_view
from gateway.admin_api.lists import Listing, as_list, one_of, page_of, unix
from gateway.admin_api.parameters import refuse_unknown, whole_number
from gateway.admin_api.people import of_members
from orgs.models import Membership, Organization, Role

# As OpenAI calls the roles within a project.
ROLES = {Role.OWNER: "owner", Role.READER: "member"}


def project_id_of(organization: Organization) -> str:
    return "proj_" + organization.public_id.removeprefix("org-")


def require_project(request: ApiRequest, project_id: str) -> None:
    """Raise `ApiError` (404) unless that is the organization's project."""
    if project_id != project_id_of(request.organization):
        raise errors.not_found()


@admin_view
def projects(request: ApiRequest) -> dict[str, Any]:
    """List the one project there is."""
    refuse_unknown(request.GET, {"limit", "after", "include_archived"})
    whole_number(request.GET, "limit", least=1, most=100)
    after = request.GET.get("after")
    if after is None:
        return as_list([project_of(request.organization)])
    if after != project_id_of(request.organization):
        raise errors.malformed("'after' names nothing of this list.", "after")
    return as_list([])


@admin_view
def project(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """Tell of the project."""
    require_project(request, project_id)
    return project_of(request.organization)


def project_of(organization: Organization) -> dict[str, Any]:
    return {
        "object": "organization.project",
        "id": project_id_of(organization),
        "name": organization.name,
        "created_at": unix(organization.created_at),
        "archived_at": None,
        "status": "active",
        "external_key_id": None,
        "residency": None,
    }


@admin_view
def project_users(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """List the organization's members, who are the project's."""
    require_project(request, project_id)
    members = of_members(request.organization)
    return page_of(request, members, project_user_of, Listing("user__public_id"))


@admin_view
def project_user(request: ApiRequest, project_id: str, user_id: str) -> dict[str, Any]:
    require_project(request, project_id)
    member = one_of(of_members(request.organization), user__public_id=user_id)
    return project_user_of(member)


def project_user_of(member: Membership) -> dict[str, Any]:
    return {
        "object": "organization.project.user",
        "id": member.user.public_id,
        "name": member.user.name,
        "email": member.user.email,
        "role": ROLES[Role(member.role)],
        "added_at": unix(member.created_at),
    }
