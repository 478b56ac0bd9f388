"""The settings page: everyone reads it, owners say how the gateway treats requests."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from billing.models import GatewaySettings
from orgs.models import AuditEvent, Organization, User

pytestmark = pytest.mark.django_db
URL = "/o/acme/settings"
BOTH = {"clamps_output": "on", "caches_answers": "on", "cache_s": "300"}


def settings_now() -> tuple[bool, bool, int] | None:
    found = GatewaySettings.objects.first()
    if found is None:
        return None
    return found.clamps_output, found.caches_answers, found.cache_s


def test_an_owner_sets_both_and_the_audit_log_says_so(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/gateway", BOTH, follow=True)

    assert response.redirect_chain == [(URL, 302)]
    assert settings_now() == (True, True, 300)
    assert "saved and in force" in response.content.decode()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("organization.updated", ada)
    assert event.details["after"]["caches_answers"] is True


def test_what_is_not_ticked_is_off(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)
    client.post(f"{URL}/gateway", BOTH)

    client.post(f"{URL}/gateway", {"cache_s": "300"})

    assert settings_now() == (False, False, 300)
    before = AuditEvent.objects.order_by("pk").last()
    assert before is not None
    assert before.details["before"] == {"clamps_output": True, "caches_answers": True}


def test_the_same_again_records_nothing(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)
    client.post(f"{URL}/gateway", BOTH)

    client.post(f"{URL}/gateway", BOTH)

    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("cache_s", ["", "1", "9999999", "plenty"])
def test_a_time_that_is_not_offered_is_explained_and_changes_nothing(
    client: Client, acme: Organization, ada: User, cache_s: str
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/gateway", {**BOTH, "cache_s": cache_s})

    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content
    assert settings_now() is None
    assert not AuditEvent.objects.exists()


def test_a_reader_sees_the_settings_and_no_form(
    client: Client, acme: Organization, rita: User
) -> None:
    GatewaySettings.objects.create(organization=acme, clamps_output=True)
    client.force_login(rita)

    page = client.get(URL).content.decode()

    assert "Shorten answers to what fits:</strong> on" in page
    assert "cache:</strong> off" in page
    assert 'action="/o/acme/settings/gateway"' not in page


def test_the_page_says_what_a_program_needs_to_know(
    client: Client, acme: Organization, acme_staging: Organization, ada: User
) -> None:
    client.force_login(ada)

    page = client.get(URL).content.decode()

    assert acme.public_id in page
    assert "Acme Staging" in page
    assert "nothing is cached" in page


@pytest.mark.parametrize("cache_s", [59, 86_401])
def test_the_database_refuses_a_cache_beyond_a_day(
    acme: Organization, cache_s: int
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GatewaySettings.objects.create(organization=acme, cache_s=cache_s)
    connection.check_constraints()
