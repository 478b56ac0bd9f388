"""An operator sees an organization as its owners do, reads only, and is seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.test import Client
from django.utils import timezone

from orgs.actions import (
    NotAnOperator,
    begin_viewing,
    close_organization,
    end_viewings_that_are_over,
)
from orgs.locks import OrganizationGone
from orgs.models import (
    AuditEvent,
    Organization,
    OutboxMail,
    User,
    Viewing,
    ViewingEnd,
)
from tests.architecture.routes import everything_written
from tests.factories import join, suspend
from tests.visits import browser_of, viewing_browser_of

pytestmark = pytest.mark.django_db

REASON = "Ticket 4711: where did the spend come from?"
OVERVIEW = "/o/acme/overview"


@pytest.fixture
def viewing(acme: Organization, op: User) -> Client:
    """A browser of the operator, who views Acme."""
    return viewing_browser_of(op, acme, reason=REASON)


def events() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(action__startswith="viewing.").order_by("pk")


def how_it_ended() -> str:
    return Viewing.objects.get().ended_by


def test_without_a_viewing_an_operator_finds_nothing(
    acme: Organization, op: User
) -> None:
    assert browser_of(op).get(OVERVIEW).status_code == 404


def test_the_operator_sees_the_owners_pages_under_a_bar(viewing: Client) -> None:
    page = viewing.get("/o/acme/audit").content.decode()

    assert "You view Acme (Production) as an owner sees it" in page
    assert REASON in page
    assert "Stop viewing" in page


def test_the_bar_stands_on_the_operators_and_personal_pages_too(
    viewing: Client,
) -> None:
    for path in ("/operator/organizations", "/account/", "/o/globex/overview"):
        assert b"Stop viewing" in viewing.get(path).content, path


def test_a_member_sees_no_bar(acme: Organization, ada: User, viewing: Client) -> None:
    assert b"Stop viewing" not in browser_of(ada).get(OVERVIEW).content


@pytest.mark.parametrize("reason", ["", "too short", " " * 40])
def test_without_a_reason_nothing_begins(
    acme: Organization, op: User, reason: str
) -> None:
    browser = browser_of(op)
    browser.get("/operator/organizations")
    before = everything_written()

    path = f"/operator/organizations/{acme.public_id}/view/begin"
    answer = browser.post(path, {"reason": reason})

    assert answer.status_code == 422
    assert everything_written() == before
    assert browser.get(OVERVIEW).status_code == 404


def test_a_form_is_refused_with_the_reason_and_changes_nothing(
    acme: Organization, viewing: Client
) -> None:
    before = everything_written()

    for headers in ({}, {"HX-Request": "true"}):
        path = "/o/acme/settings/name"
        answer = viewing.post(path, {"name": "Mine"}, headers=headers)
        assert answer.status_code == 403
        assert b"forms of its pages are refused" in answer.content
    assert everything_written() == before


def test_whoever_is_a_member_too_reads_only_while_they_view(
    acme: Organization, op: User
) -> None:
    join(op, acme, "owner")
    viewing = viewing_browser_of(op, acme, reason=REASON)

    refused = viewing.post("/o/acme/settings/name", {"name": "Mine"}).status_code
    viewing.post("/operator/viewing/stop")

    assert refused == 403
    assert viewing.post("/o/acme/settings/name", {"name": "Mine"}).status_code == 302


def test_no_other_organization_opens(
    acme_staging: Organization, globex: Organization, viewing: Client
) -> None:
    assert viewing.get("/o/globex/overview").status_code == 404
    assert viewing.get("/o/acme-staging/overview").status_code == 404


def test_another_session_of_the_operator_sees_nothing(
    viewing: Client, op: User
) -> None:
    assert browser_of(op).get(OVERVIEW).status_code == 404


def test_the_owners_are_told_by_mail_and_in_their_audit_log(
    acme: Organization, ada: User, op: User, viewing: Client
) -> None:
    event, mail = events().get(), OutboxMail.objects.get(kind="viewing")
    page = browser_of(ada).get(f"/o/acme/audit/{event.public_id}").content.decode()

    assert (mail.recipient, mail.organization) == (ada.email, acme)
    assert REASON in mail.body_text
    assert (event.actor, event.door, event.address) == (op, "page", "127.0.0.1")
    assert REASON in page
    assert op.email in page


def test_it_stops_by_the_button(acme: Organization, viewing: Client) -> None:
    answer = viewing.post("/operator/viewing/stop")

    assert answer.headers["Location"].endswith(acme.public_id)
    assert viewing.get(OVERVIEW).status_code == 404
    assert how_it_ended() == ViewingEnd.STOPPED
    assert [each.action for each in events()] == ["viewing.began", "viewing.ended"]


def test_stopping_twice_changes_nothing(viewing: Client) -> None:
    viewing.post("/operator/viewing/stop")
    before = everything_written()

    assert viewing.post("/operator/viewing/stop").status_code == 302
    assert everything_written() == before


def test_it_stops_by_logging_out(viewing: Client) -> None:
    viewing.post("/account/logout/")

    assert how_it_ended() == ViewingEnd.LOGGED_OUT
    assert events().count() == 2


def test_after_its_time_the_door_is_shut_before_anybody_notes_it(
    viewing: Client,
) -> None:
    is_over_by(timedelta(minutes=31))

    assert viewing.get(OVERVIEW).status_code == 404
    assert viewing.get("/operator/organizations").status_code == 200
    end_viewings_that_are_over(now=timezone.now())
    assert how_it_ended() == ViewingEnd.TIME
    assert events()[1].actor is None


def test_within_its_time_it_is_not_ended(viewing: Client) -> None:
    is_over_by(timedelta(minutes=29))

    end_viewings_that_are_over(now=timezone.now())

    assert viewing.get(OVERVIEW).status_code == 200
    assert how_it_ended() == ViewingEnd.OPEN


def is_over_by(age: timedelta) -> None:
    Viewing.objects.update(began_at=F("began_at") - age, ends_at=F("ends_at") - age)


@pytest.mark.parametrize("right", ["is_staff", "is_active"])
def test_it_ends_when_the_operator_is_none_any_more(
    viewing: Client, op: User, right: str
) -> None:
    User.objects.filter(pk=op.pk).update(**{right: False})

    assert viewing.get(OVERVIEW).status_code in {302, 404}
    end_viewings_that_are_over(now=timezone.now())
    assert how_it_ended() == ViewingEnd.NO_OPERATOR


def test_it_ends_when_the_organization_is_deleted(
    acme: Organization, ada: User, viewing: Client
) -> None:
    now = timezone.now()
    close_organization(organization=acme, acting_user=ada, now=now)

    assert viewing.get(OVERVIEW).status_code == 404
    end_viewings_that_are_over(now=now)
    assert how_it_ended() == ViewingEnd.DELETED


def test_a_suspended_organization_can_be_viewed(
    acme: Organization, viewing: Client
) -> None:
    suspend(acme)

    assert viewing.get(OVERVIEW).status_code == 200


def test_the_second_factor_that_the_organization_asks_for_is_asked_here_too(
    acme: Organization, viewing: Client
) -> None:
    Organization.objects.update(requires_two_factor=True)

    assert viewing.get(OVERVIEW).status_code == 403


def test_beginning_another_ends_the_one_before(
    acme: Organization, globex: Organization, op: User, viewing: Client
) -> None:
    other = viewing_browser_of(op, globex, reason=REASON)

    assert viewing.get(OVERVIEW).status_code == 404
    assert other.get("/o/globex/overview").status_code == 200
    ended = Viewing.objects.get(organization=acme)
    assert ended.ended_by == ViewingEnd.REPLACED


@pytest.mark.parametrize("path", ["usage?format=csv", "audit?format=json"])
def test_a_file_taken_along_stands_in_the_audit_log(
    viewing: Client, op: User, path: str
) -> None:
    assert viewing.get(f"/o/acme/{path}").status_code == 200

    event = events()[1]
    assert (event.action, event.actor) == ("viewing.exported", op)
    assert event.details["file"] == f"/o/acme/{path}"


def test_of_a_deleted_organization_nothing_is_viewed(
    acme: Organization, ada: User, op: User
) -> None:
    close_organization(organization=acme, acting_user=ada, now=timezone.now())
    before = everything_written()

    with pytest.raises(OrganizationGone):
        begin(acme, op)
    assert everything_written() == before


def test_who_is_no_operator_views_nothing(acme: Organization, ada: User) -> None:
    before = everything_written()

    with pytest.raises(NotAnOperator):
        begin(acme, ada)
    assert everything_written() == before


def begin(acme: Organization, user: User) -> Viewing:
    return begin_viewing(
        organization=acme, reason=REASON, acting_user=user, now=timezone.now()
    )


def test_the_database_refuses_a_second_one_at_once(
    acme: Organization, op: User
) -> None:
    first = begin(acme, op)
    first.pk, first.public_id = None, "view_2"

    with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
        first.save(force_insert=True)
