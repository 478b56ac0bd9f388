"""A suspended organization spends nothing, stays to be read, and comes back."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs.actions import suspend_organization
from orgs.locks import OrganizationGone
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.architecture.routes import everything_written
from tests.factories import NOW, reactivate, suspend
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

NEW_KEY = {"name": "New", "kind": "service", "expires_in": "90"}
INVITATION = {"emails": "zoe@x.example", "role": "reader"}
FORMS = {"/o/acme/keys/create": NEW_KEY, "/o/acme/members/invite": INVITATION}


def state_of(organization: Organization) -> tuple[bool, str]:
    organization.refresh_from_db()
    return organization.is_suspended, organization.suspended_message


def test_it_is_noted_why_and_by_whom(acme: Organization, op: User) -> None:
    suspend(acme)
    assert state_of(acme) == (True, "A bill is open.")
    event = AuditEvent.objects.get(action="organization.suspended")
    assert (event.organization, event.actor) == (acme, op)
    assert event.details == {"after": {"message": "A bill is open."}}


def test_it_ends_and_both_leave_a_trace(acme: Organization, op: User) -> None:
    suspend(acme)
    reactivate(acme)
    assert state_of(acme) == (False, "")
    actions = AuditEvent.objects.values_list("action", flat=True).order_by("pk")
    assert list(actions) == ["organization.suspended", "organization.reactivated"]


def test_owners_are_told_of_both(acme: Organization, ada: User, rita: User) -> None:
    suspend(acme)
    reactivate(acme)
    first, second = OutboxMail.objects.order_by("pk")
    assert first.recipient == second.recipient == ada.email
    assert "A bill is open." in first.body_text
    assert "Acme (Production)" in first.body_text
    assert "are answered again" in second.body_text


def test_to_repeat_either_changes_nothing(acme: Organization, op: User) -> None:
    reactivate(acme)
    assert not AuditEvent.objects.exists()
    suspend(acme)
    before = everything_written()
    suspend(acme)
    assert everything_written() == before


def test_another_message_keeps_the_time(acme: Organization, op: User) -> None:
    suspend(acme)
    since = acme.suspended_at
    suspend_organization(
        organization=acme, message="Two are.", acting_user=op, now=timezone.now()
    )
    assert state_of(acme) == (True, "Two are.")
    assert acme.suspended_at == since


def test_a_deleted_organization_cannot_be_suspended(
    acme: Organization, op: User
) -> None:
    Organization.objects.update(deleted_at=NOW)
    with pytest.raises(OrganizationGone):
        suspend(acme)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "values",
    [{"suspended_at": NOW}, {"suspended_message": "Why?"}],
    ids=["without a message", "without a time"],
)
def test_the_database_keeps_time_and_message_together(
    acme: Organization, values: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.update(**values)


@pytest.mark.parametrize(
    "page", ["overview", "usage", "limits", "members", "keys", "settings"]
)
def test_its_pages_say_so_and_stay_to_be_read(
    acme: Organization, rita: User, page: str
) -> None:
    suspend(acme)
    answer = browser_of(rita).get(f"/o/acme/{page}")
    assert answer.status_code == 200
    assert "A bill is open." in answer.content.decode()


@pytest.mark.parametrize("path", FORMS)
def test_nobody_gets_to_spend_meanwhile(
    acme: Organization, ada: User, path: str
) -> None:
    suspend(acme)
    browser, before = browser_of(ada), everything_written()
    answer = browser.post(path, FORMS[path])
    assert answer.status_code == 403
    assert "This has to wait" in answer.content.decode()
    assert everything_written() == before


@pytest.mark.parametrize("path", FORMS)
def test_control_the_same_is_done_afterwards(
    acme: Organization, ada: User, path: str
) -> None:
    suspend(acme)
    reactivate(acme)
    browser, before = browser_of(ada), everything_written()
    assert browser.post(path, FORMS[path]).status_code in {201, 302}
    assert everything_written() != before


def test_other_organizations_notice_nothing(
    acme: Organization, globex: Organization, oscar: User
) -> None:
    suspend(acme)
    page = browser_of(oscar).get("/o/globex/overview").content.decode()
    assert "suspended" not in page
