"""The doors: one to an organization's pages, one to the operator's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orgs.actions import note_export
from orgs.locks import OrganizationGone
from orgs.models import Membership, Organization, Role, User, Viewing
from orgs.permissions import Permission
from orgs.queries import has_second_factor, viewing_under_way
from orgs.reach import of_organization, whole_installation

P = ParamSpec("P")


class OrgRequest(HttpRequest):
    """
    A request of a member for a page of an organization, or of an operator who views it.

    The operator's membership is in no table: it says what an owner would see.
    """

    user: User
    organization: Organization
    membership: Membership
    viewing: Viewing | None


OrgView = Callable[Concatenate[OrgRequest, P], HttpResponse]
# Called by the URL resolver with the view's own arguments, and `slug` if it has one.
GuardedView = Callable[..., HttpResponse]


class OperatorRequest(HttpRequest):
    """A request of an operator for a page of theirs."""

    user: User


OperatorView = Callable[Concatenate[OperatorRequest, P], HttpResponse]

# Where a guarded view tells which permission it asks for, and whether it is there
# while the organization is suspended.
PERMISSION = "permission"
WHILE_SUSPENDED = "while_suspended"
# Where a view tells that it is for operators alone.
OPERATORS_ONLY = "operators_only"
# Where a session keeps the id of what its operator views.
VIEWING = "viewing"
READING = ("GET", "HEAD")


def org_view(
    permission: Permission, *, while_suspended: bool = True
) -> Callable[[OrgView[P]], GuardedView]:
    """
    Admit members of the organization that `slug` names who have the permission.

    To a stranger an organization looks like one that does not exist (404); a member
    with too little role is told so (403), and so is one who lacks the second factor
    that the organization requires. An operator who views the organization is shown what
    an owner is, may only read, and is held to the second factor likewise.
    `slug` is taken out of the arguments;
    the view finds `request.organization` and `request.membership`, and the database
    shows it the organization's rows alone.

    A view that spends, or lets others spend, is not there `while_suspended` (403).
    That is a courtesy and needs no lock: the gateway refuses such an organization.
    """

    def decorate(view: OrgView[P]) -> GuardedView:
        @wraps(view)
        def guarded(
            request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            try:
                admitted = admit(request, slug, permission)
                with of_organization(admitted.organization.pk):
                    if admitted.viewing and request.method not in READING:
                        return viewing_only_page(admitted)
                    if lacks_required_factor(admitted):
                        return factor_needed_page(admitted)
                    if admitted.organization.is_suspended and not while_suspended:
                        return suspended_page(admitted)
                    answer = view(admitted, *args, **kwargs)
                    note_file(admitted, answer)
                    return answer
            except OrganizationGone as error:
                # Deleted between the door and the deed.
                raise Http404 from error

        setattr(guarded, PERMISSION, permission)
        setattr(guarded, WHILE_SUSPENDED, while_suspended)
        return guarded

    return decorate


def admit(request: HttpRequest, slug: str, permission: Permission) -> OrgRequest:
    """Note organization and membership on the request, or raise 404 or 403."""
    viewing = viewing_in(request)
    if viewing is not None and viewing.organization.slug == slug:
        membership = as_owner(viewing)
    else:
        viewing, membership = None, membership_in(request, slug)
    request.viewing = viewing  # type: ignore[attr-defined]
    request.organization = membership.organization  # type: ignore[attr-defined]
    request.membership = membership  # type: ignore[attr-defined]
    if not permission.is_given_to(membership.role):
        raise PermissionDenied("Only owners of the organization can do this.")
    return request  # type: ignore[return-value]


def viewing_in(request: HttpRequest) -> Viewing | None:
    """Return what an operator views in this session just now, of any organization."""
    session = getattr(request, "session", None)
    public_id = session.get(VIEWING, "") if session is not None else ""
    user = request.user if public_id else None
    if not isinstance(user, User) or not is_operator(user):
        return None
    with whole_installation("an operator views an organization"):
        return viewing_under_way(user, public_id, now=timezone.now())


def as_owner(viewing: Viewing) -> Membership:
    """Return what shows pages as to an owner; it is not saved, nor is the user one."""
    return Membership(
        organization=viewing.organization, user=viewing.operator, role=Role.OWNER
    )


def sibling_in_sight(request: OrgRequest) -> Membership | None:
    """
    Return the person's membership in the pair of the organization, if its pages open.

    None too for an operator who views the organization: a viewing is of one alone.
    """
    sibling_id = request.organization.sibling_id
    if sibling_id is None or request.viewing:
        return None
    memberships = Membership.objects.select_related("organization")
    found = memberships.filter(organization=sibling_id, user=request.user).first()
    if found is None or (
        found.organization.requires_two_factor and not has_second_factor(request.user)
    ):
        return None
    return found


def viewing_only_page(request: OrgRequest) -> HttpResponse:
    """Explain (403) that whoever views an organization changes nothing."""
    return render(request, "orgs/viewing_only.html", status=403)


def note_file(request: OrgRequest, answer: HttpResponse) -> None:
    """Tell the audit log of a file that an operator takes along, before it goes out."""
    if request.viewing and answer.has_header("Content-Disposition"):
        note_export(
            viewing=request.viewing,
            path=request.get_full_path(),
            acting_user=request.user,
            now=timezone.now(),
        )


def lacks_required_factor(request: OrgRequest) -> bool:
    return request.organization.requires_two_factor and not has_second_factor(
        request.user
    )


def factor_needed_page(request: OrgRequest) -> HttpResponse:
    """Explain (403) that the organization asks for a second factor."""
    return render(request, "orgs/factor_needed.html", status=403)


def suspended_page(request: OrgRequest) -> HttpResponse:
    """Explain (403) that this has to wait until the suspension ends."""
    return render(request, "orgs/suspended.html", status=403)


def membership_in(request: HttpRequest, slug: str) -> Membership:
    if not request.user.is_authenticated:
        raise Http404
    try:
        return Membership.objects.select_related("organization").get(
            organization__slug=slug, user=request.user
        )
    except Membership.DoesNotExist as error:
        raise Http404 from error


def operator_view(view: OperatorView[P]) -> GuardedView:
    """Admit operators; to everybody else the page does not exist (404)."""

    @wraps(view)
    def guarded(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not is_operator(request.user):
            raise Http404
        # The frame of the page shows the operator's navigation.
        request.is_operators_page = True  # type: ignore[attr-defined]
        return view(cast(OperatorRequest, request), *args, **kwargs)

    setattr(guarded, OPERATORS_ONLY, True)
    return guarded


def is_operator(user: AbstractBaseUser | AnonymousUser) -> bool:
    return user.is_active and getattr(user, "is_staff", False)
