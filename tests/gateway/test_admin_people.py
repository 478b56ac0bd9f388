"""OpenAI's admin client keeps an organization's people: members and invitations."""

from __future__ import annotations

from typing import Any, cast

import openai
import pytest
from django.utils import timezone
from openai import OpenAI

from orgs.actions import change_role
from orgs.audit_models import AuditEvent
from orgs.models import Invitation, Membership, Organization, OutboxMail, Role, User
from orgs.origin import Door
from tests import rig
from tests.factories import join, make_user, suspend
from tests.gateway.administration import (
    admin_client,
    admin_key,
    what_is_kept,
    whole,
)
from tests.gateway.conftest import personal_key
from tests.gateway.raw import call
from tests.visits import browser_of, link_mailed_to

pytestmark = pytest.mark.processes


@pytest.fixture
def client(gateway: rig.Process, acme: Organization, ada: User, rita: User) -> Any:
    with admin_client(gateway.url, admin_key(acme, ada)) as client:
        yield client


def role_of(user: User) -> str:
    return Membership.objects.get(user=user).role


def refused(client: OpenAI, act: Any, error: type[openai.APIStatusError]) -> Any:
    """Return the refusal of what nothing is written for."""
    before = what_is_kept()
    with pytest.raises(error) as caught:
        act(client.admin.organization)
    assert what_is_kept() == before
    return caught.value


def test_members_are_listed_and_told_one_by_one(
    client: OpenAI, acme: Organization, ada: User, rita: User
) -> None:
    users = client.admin.organization.users

    listed = [whole(user) for user in users.list()]

    assert {(u.email, u.role) for u in listed} == {
        (ada.email, "owner"),
        (rita.email, "reader"),
    }
    assert [u.id for u in users.list(emails=[rita.email])] == [rita.public_id]
    assert whole(users.retrieve(rita.public_id)).name == rita.name


def test_a_role_is_changed_in_the_makers_name_and_by_the_key(
    client: OpenAI, ada: User, rita: User
) -> None:
    changed = client.admin.organization.users.update(rita.public_id, role="owner")

    assert (whole(changed).role, role_of(rita)) == ("owner", Role.OWNER)
    event = AuditEvent.objects.get(action="user.updated")
    assert (event.actor, event.door) == (ada, Door.API)
    assert event.details["api_key"].startswith("key_")


def test_a_member_is_taken_out(client: OpenAI, rita: User) -> None:
    gone = client.admin.organization.users.delete(rita.public_id)

    assert (whole(gone).id, gone.deleted) == (rita.public_id, True)
    assert not Membership.objects.filter(user=rita).exists()


def test_the_last_owner_stays(client: OpenAI, ada: User) -> None:
    for act in (
        lambda admin: admin.users.update(ada.public_id, role="reader"),
        lambda admin: admin.users.delete(ada.public_id),
    ):
        refusal = refused(client, act, openai.BadRequestError)
        assert refusal.code == "last_owner"


def test_each_member_is_listed_once_while_others_come(
    client: OpenAI, acme: Organization
) -> None:
    seen = []
    for number, user in enumerate(client.admin.organization.users.list(limit=1)):
        seen.append(user.email)
        if number < 3:
            join(make_user(f"new{number}@acme.example"), acme, Role.READER)

    assert len(seen) == len(set(seen)) == 5


def test_an_invitation_is_mailed_listed_and_taken_back(
    client: OpenAI, acme: Organization
) -> None:
    invites = client.admin.organization.invites

    made = whole(invites.create(email="Nora@acme.example", role="reader"))

    assert (made.email, made.status) == ("nora@acme.example", "pending")
    assert OutboxMail.objects.filter(recipient="nora@acme.example").exists()
    assert [whole(invite).id for invite in invites.list()] == [made.id]
    assert whole(invites.retrieve(made.id)).role == "reader"
    assert whole(invites.delete(made.id)).deleted
    assert list(invites.list()) == []
    assert Invitation.objects.get().revoked_at is not None


def test_who_was_invited_by_the_api_comes_in_by_the_mail(
    client: OpenAI, acme: Organization
) -> None:
    nora = make_user("nora@acme.example")
    made = client.admin.organization.invites.create(email=nora.email, role="reader")

    browser_of(nora).post(link_mailed_to(nora.email))

    assert role_of(nora) == Role.READER
    invite = client.admin.organization.invites.retrieve(made.id)
    assert (invite.status, whole(invite).accepted_at is not None) == ("accepted", True)


def test_whom_it_needs_no_invitation_for_gets_none(
    client: OpenAI, rita: User, acme: Organization
) -> None:
    client.admin.organization.invites.create(email="n@acme.example", role="owner")

    invited = {rita.email: "already_member", "n@acme.example": "already_invited"}
    for email, code in invited.items():
        refusal = refused(
            client,
            lambda admin, email=email: admin.invites.create(email=email, role="owner"),
            openai.BadRequestError,
        )
        assert (refusal.code, refusal.param) == (code, "email")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"email": "n@acme.example"}, "role"),
        ({"email": "n@acme.example", "role": "king"}, "role"),
        ({"email": "nobody", "role": "owner"}, "email"),
        ({"email": 7, "role": "owner"}, "email"),
        ({"email": "n\0@acme.example", "role": "owner"}, "email"),
        ({"email": "n@acme.example", "role": "owner", "note": "hi"}, "note"),
        (
            {
                "email": "n@acme.example",
                "role": "owner",
                "projects": [{"id": "proj_x", "role": "member"}],
            },
            "projects",
        ),
    ],
)
def test_what_is_wrong_is_named(
    gateway: rig.Process, acme: Organization, ada: User, body: Any, param: str
) -> None:
    key = admin_key(acme, ada)
    before = what_is_kept()

    answer = call(gateway.url, key, body, path="/v1/organization/invites")

    assert (answer.status, answer.error["param"]) == (400, param)
    assert what_is_kept() == before


def test_a_key_is_worth_nothing_once_its_maker_is_no_owner(
    client: OpenAI, ada: User, rita: User, acme: Organization
) -> None:
    for user, role in ((rita, Role.OWNER), (ada, Role.READER)):
        change_role(
            membership=Membership.objects.get(user=user),
            role=role,
            acting_user=None,
            now=timezone.now(),
        )

    for act in (
        lambda admin: list(admin.users.list()),
        lambda admin: admin.users.delete(rita.public_id),
    ):
        refusal = refused(client, act, openai.PermissionDeniedError)
        assert refusal.code == "insufficient_permissions"


def test_a_key_that_nobody_made_reads(
    gateway: rig.Process, acme: Organization, rita: User
) -> None:
    with admin_client(gateway.url, admin_key(acme)) as client:
        assert list(client.admin.organization.users.list())
        refused(
            client,
            lambda admin: admin.users.delete(rita.public_id),
            openai.PermissionDeniedError,
        )


def test_a_persons_own_key_administers_nothing(
    gateway: rig.Process, acme: Organization, ada: User, rita: User
) -> None:
    for user in (ada, rita):
        with admin_client(gateway.url, personal_key(user, "production")) as client:
            refused(
                client,
                lambda admin: admin.invites.create(email="n@x.example", role="owner"),
                openai.PermissionDeniedError,
            )


def test_nobody_is_invited_while_the_organization_is_suspended(
    client: OpenAI, acme: Organization
) -> None:
    suspend(acme)

    refusal = refused(
        client,
        lambda admin: admin.invites.create(email="n@acme.example", role="reader"),
        openai.PermissionDeniedError,
    )

    assert refusal.code == "organization_suspended"


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b" " * 70_000, 413)]
)
def test_a_body_that_is_none_is_refused(
    gateway: rig.Process, acme: Organization, ada: User, body: bytes, status: int
) -> None:
    key = admin_key(acme, ada)
    before = what_is_kept()

    answer = call(gateway.url, key, body, path="/v1/organization/invites")

    assert (answer.status, what_is_kept()) == (status, before)


def test_events_are_filtered_by_the_second_that_they_tell(client: OpenAI) -> None:
    (event,) = client.admin.organization.audit_logs.list()
    at, end_of_time = event.effective_at, 253_402_300_799

    def count(**side: int) -> int:
        found = client.admin.organization.audit_logs.list(effective_at=cast(Any, side))
        return len(list(found))

    assert (count(gt=at), count(gte=at), count(gt=at - 1)) == (0, 1, 1)
    assert (count(lt=at), count(lte=at), count(lt=at + 1)) == (0, 1, 1)
    assert (count(gt=end_of_time), count(lte=end_of_time)) == (0, 1)
