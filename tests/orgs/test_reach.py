"""What is shown changes with the reach, at once, and nothing of it stays behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from billing.models import SoftLimit
from orgs.models import AuditEvent, Membership, Organization, User
from orgs.reach import (
    EVERYBODYS,
    NOBODYS,
    current_reach,
    kept,
    of_organization,
    of_person,
    whole_installation,
    within,
)
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        return str(cursor.fetchone()[0])


def seen() -> set[str]:
    return set(Membership.objects.values_list("user__email", flat=True))


def test_a_person_sees_their_own_memberships(
    acme: Organization, globex: Organization, ada: User, rita: User
) -> None:
    with of_person(rita.pk):
        assert list(Membership.objects.values_list("organization", "user")) == [
            (acme.pk, rita.pk)
        ]


def test_inside_an_organization_its_members_are_seen(
    acme: Organization, globex: Organization, rita: User
) -> None:
    with of_person(rita.pk), of_organization(acme.pk):
        assert seen() == {"ada@acme.example", "rita@acme.example"}


def test_the_way_around_is_as_long_as_its_block(
    acme: Organization, globex: Organization
) -> None:
    with within(NOBODYS):
        with whole_installation("a test"):
            assert len(seen()) == 2
        assert seen() == set()


def test_an_error_leaves_no_reach_behind(acme: Organization, ada: User) -> None:
    before = role()

    def fail() -> None:
        assert role().endswith("_console")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), of_organization(acme.pk):
        fail()

    assert role() == before == "none"


def test_what_a_rollback_took_back_is_told_again(acme: Organization) -> None:
    with of_organization(acme.pk):
        SoftLimit.objects.create(organization=acme, amount_nanos=1)
    limits = SoftLimit.objects.all()
    with within(NOBODYS):
        assert not limits.exists()
        with of_organization(acme.pk):
            # Postgres hears of the reach inside, and forgets it with the savepoint.
            with pytest.raises(IntegrityError), transaction.atomic():
                SoftLimit.objects.create(organization=acme, amount_nanos=1)
            assert limits.count() == 1


def test_threads_have_reaches_of_their_own(acme: Organization) -> None:
    with of_organization(acme.pk), ThreadPoolExecutor(1) as threads:
        assert threads.submit(current_reach).result() != current_reach()


def test_what_is_made_later_keeps_the_reach(acme: Organization, ada: User) -> None:
    with of_organization(acme.pk):
        parts = kept(current_reach() for _ in range(2))

    with within(EVERYBODYS):
        assert {part.organization_id for part in parts} == {acme.pk}
        assert current_reach() == EVERYBODYS


def test_an_export_streams_under_the_reach_of_its_page(
    acme: Organization, ada: User
) -> None:
    AuditEvent.objects.create(
        organization=acme, action="api_key.created", created_at="2026-11-01T00:00Z"
    )
    answer = browser_of(ada).get("/o/acme/audit?format=csv")

    with within(NOBODYS):
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    assert "api_key.created" in text


def test_that_an_operator_came_is_noted_once(client: Client, op: User) -> None:
    client.force_login(op)

    client.get("/operator/")
    client.get("/operator/")

    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("operator.entered", op)
