"""An audit event says through which door its change came, and from where."""

from __future__ import annotations

from typing import Any

import pytest
from celery import shared_task
from django.core.management import call_command
from django.db import transaction
from django.test import RequestFactory

from config.celery import app
from orgs import audit
from orgs.arrival import origin_of
from orgs.models import AuditEvent, Organization, User
from orgs.origin import Door, Origin, arriving_by, current_origin
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
BROWSER: dict[str, Any] = {
    "REMOTE_ADDR": "203.0.113.7",
    "HTTP_USER_AGENT": "Firefox/150",
}


def newest() -> AuditEvent:
    return AuditEvent.objects.latest("pk")


def test_a_change_by_a_page_is_noted_with_address_and_browser(
    acme: Organization, ada: User
) -> None:
    form = {"emails": "nora@acme.example", "role": "reader"}
    browser_of(ada).post(f"/o/{acme.slug}/members/invite", form, **BROWSER)
    event = newest()
    assert (event.action, event.door) == ("invite.sent", Door.PAGE)
    assert (event.address, event.user_agent) == ("203.0.113.7", "Firefox/150")


@shared_task(name="tests.record")
def record_something() -> None:
    with transaction.atomic():
        audit.record(organization=None, actor=None, action="test.made", now=NOW)


def test_a_change_by_periodic_work_is_noted_as_that() -> None:
    app.tasks["tests.record"].apply().get()
    assert newest().door == Door.TASK
    assert current_origin().door == Door.COMMAND


def test_a_change_by_a_command_is_noted_as_that() -> None:
    call_command("bootstrap", "--org", "Acme", "--owner", "ada@acme.example", "--json")
    assert set(AuditEvent.objects.values_list("door", flat=True)) == {Door.COMMAND}


def test_an_origin_ends_with_its_block() -> None:
    with arriving_by(Origin(Door.API, "192.0.2.1")):
        assert current_origin().address == "192.0.2.1"
    assert current_origin().address is None


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_what_is_no_address_is_not_noted_as_one(address: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert origin_of(request).address is None


def test_a_browser_is_noted_shortly_and_in_printable_characters() -> None:
    request = RequestFactory().get("/", HTTP_USER_AGENT="a\x00b\n" + "c" * 5000)
    assert origin_of(request).user_agent == "ab" + "c" * 198
