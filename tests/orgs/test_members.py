"""Members join, change roles, leave; an owner always stays."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.actions import (
    LastOwner,
    NotAMember,
    add_member,
    change_role,
    create_organization,
    invite_member,
    link_siblings,
    remove_member,
)
from orgs.models import (
    AuditEvent,
    Environment,
    Invitation,
    Membership,
    Organization,
    Role,
    User,
)
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


def membership(user: User, organization: Organization) -> Membership:
    return Membership.objects.get(user=user, organization=organization)


def test_the_last_owner_cannot_become_a_reader(ada: User, acme: Organization) -> None:
    with pytest.raises(LastOwner):
        change_role(
            membership=membership(ada, acme),
            role=Role.READER,
            acting_user=ada,
            now=NOW,
        )
    assert membership(ada, acme).is_owner
    assert not AuditEvent.objects.exists()


def test_the_last_owner_cannot_leave(ada: User, acme: Organization) -> None:
    answer = browser_of(ada).post("/o/acme/members/leave", follow=True)
    assert "An organization needs an owner" in answer.content.decode()
    assert membership(ada, acme).is_owner
    assert not AuditEvent.objects.exists()


def test_an_owner_who_is_not_active_does_not_count(
    ada: User, rita: User, acme: Organization
) -> None:
    Membership.objects.filter(user=rita).update(role=Role.OWNER)
    User.objects.filter(pk=rita.pk).update(is_active=False)
    with pytest.raises(LastOwner):
        remove_member(membership=membership(ada, acme), acting_user=ada, now=NOW)


def test_an_owner_may_go_when_another_stays(
    ada: User, rita: User, acme: Organization
) -> None:
    browser = browser_of(ada)
    browser.post(f"/o/acme/members/{rita.public_id}/role", {"role": "owner"})
    answer = browser.post("/o/acme/members/leave")
    assert answer["Location"] == "/"
    assert not Membership.objects.filter(user=ada).exists()
    ada.refresh_from_db()
    assert ada.default_organization is None


def test_changes_of_members_are_in_the_audit_log(
    ada: User, rita: User, acme: Organization
) -> None:
    browser = browser_of(ada)
    browser.post(f"/o/acme/members/{rita.public_id}/role", {"role": "owner"})
    browser.post(f"/o/acme/members/{rita.public_id}/remove")
    promoted, removed = AuditEvent.objects.order_by("pk")
    assert (promoted.action, promoted.actor) == ("user.updated", ada)
    assert promoted.details == {
        "before": {"role": "reader"},
        "after": {"role": "owner"},
    }
    assert (removed.action, removed.target) == ("user.deleted", rita.public_id)


def test_the_same_role_again_changes_nothing(
    ada: User, rita: User, acme: Organization
) -> None:
    change_role(
        membership=membership(rita, acme), role=Role.READER, acting_user=ada, now=NOW
    )
    assert not AuditEvent.objects.exists()


def test_an_unknown_role_changes_nothing(
    ada: User, rita: User, acme: Organization
) -> None:
    answer = browser_of(ada).post(
        f"/o/acme/members/{rita.public_id}/role", {"role": "king"}, follow=True
    )
    assert "either owner or reader" in answer.content.decode()
    assert membership(rita, acme).role == Role.READER


def test_a_member_of_another_organization_is_not_found(
    ada: User, acme: Organization, oscar: User, globex: Organization
) -> None:
    answer = browser_of(ada).post(f"/o/acme/members/{oscar.public_id}/remove")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert membership(oscar, globex).is_owner


def test_removing_somebody_twice_says_so(
    ada: User, rita: User, acme: Organization
) -> None:
    gone = membership(rita, acme)
    remove_member(membership=gone, acting_user=ada, now=NOW)
    with pytest.raises(NotAMember):
        remove_member(membership=gone, acting_user=ada, now=NOW)


def test_a_parting_owner_takes_their_invitations_along(
    ada: User, rita: User, acme: Organization
) -> None:
    Membership.objects.filter(user=rita).update(role=Role.OWNER)
    invite_member(
        organization=acme,
        email="friend@elsewhere.example",
        role=Role.OWNER,
        acting_user=rita,
        now=NOW,
    )
    remove_member(membership=membership(rita, acme), acting_user=ada, now=NOW)
    assert not Invitation.objects.pending().exists()


def test_a_member_keeps_their_role_when_added_again(
    ada: User, acme: Organization
) -> None:
    again = add_member(
        organization=acme, user=ada, role=Role.READER, acting_user=None, now=NOW
    )
    assert again.is_owner
    assert not AuditEvent.objects.exists()


def test_a_new_organization_has_an_owner_and_a_slug_of_its_own(ada: User) -> None:
    one, two = (
        create_organization(
            name="Ünder & Söhne",
            environment=Environment.PRODUCTION,
            owner=ada,
            acting_user=ada,
            now=NOW,
        )
        for _ in range(2)
    )
    assert (one.slug, two.slug) == ("under-sohne", "under-sohne-2")
    assert membership(ada, two).is_owner
    assert ada.default_organization == one


def test_a_name_without_letters_still_gets_a_slug(ada: User) -> None:
    organization = create_organization(
        name="株式会社",
        environment=Environment.STAGING,
        owner=ada,
        acting_user=None,
        now=NOW,
    )
    assert organization.slug == "organization"


def test_siblings_point_at_each_other(ada: User, acme: Organization) -> None:
    staging = create_organization(
        name="Acme Staging",
        environment=Environment.STAGING,
        owner=ada,
        acting_user=ada,
        now=NOW,
    )
    link_siblings(one=acme, other=staging, acting_user=ada, now=NOW)
    acme.refresh_from_db()
    staging.refresh_from_db()
    assert (acme.sibling, staging.sibling) == (staging, acme)


def test_ownership_is_handed_over_in_one_step(
    ada: User, rita: User, acme: Organization
) -> None:
    browser_of(ada).post(f"/o/acme/members/{rita.public_id}/transfer")
    assert membership(rita, acme).is_owner
    assert not membership(ada, acme).is_owner
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert list(actions) == ["user.updated", "user.updated"]


def test_handing_over_to_oneself_changes_nothing(ada: User, acme: Organization) -> None:
    browser_of(ada).post(f"/o/acme/members/{ada.public_id}/transfer")
    assert membership(ada, acme).is_owner
    assert not AuditEvent.objects.exists()


def test_nothing_is_handed_over_to_who_is_not_active(
    ada: User, rita: User, acme: Organization
) -> None:
    User.objects.filter(pk=rita.pk).update(is_active=False)
    browser_of(ada).post(f"/o/acme/members/{rita.public_id}/transfer")
    assert membership(ada, acme).is_owner
    assert not membership(rita, acme).is_owner
    assert not AuditEvent.objects.exists()


def test_the_page_asks_a_fixed_number_of_queries(
    ada: User, rita: User, acme: Organization, oscar: User
) -> None:
    browser = browser_of(ada)
    # The first visit of a session writes down when it began.
    browser.get("/o/acme/members")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            browser.get("/o/acme/members")
        counts.append(len(queries))
        add_member(
            organization=acme, user=oscar, role="owner", acting_user=ada, now=NOW
        )
    assert counts[0] == counts[1] <= 10
