"""The operator reads everything but secrets, and changes next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from keys.actions import issue_key, store_provider_key
from keys.models import ApiKey, ProviderKey
from orgs.actions import invite_member
from orgs.models import Invitation, Organization, OutboxMail, User
from tests.factories import NOW
from tests.visits import browser_of, link_mailed_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def furnished(acme: Organization, ada: User) -> Organization:
    """Acme with a key of each sort and an invitation."""
    issue_key(
        kind="service",
        environment="production",
        name="search service",
        organization=acme,
        user=None,
        acting_user=ada,
        expires_at=None,
        now=NOW,
    )
    store_provider_key(
        organization=acme,
        base_url="https://api.openai.com/v1",
        secret="sk-very-secret-4321",
        acting_user=ada,
        now=NOW,
    )
    invite_member(
        organization=acme,
        email="zoe@x.example",
        role="reader",
        acting_user=ada,
        now=NOW,
    )
    return acme


def every_page() -> Iterator[str]:
    """Yield the list of each model, and a row of it if there is one."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        row = first_row(model)
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])


def first_row(model: type[Model]) -> Model | None:
    return model._default_manager.first()


def test_the_operator_reads_every_table(furnished: Organization, op: User) -> None:
    browser = browser_of(op)
    for page in every_page():
        assert browser.get(page).status_code == HTTPStatus.OK, page


def test_no_page_shows_a_secret(furnished: Organization, op: User) -> None:
    secrets = [
        *ApiKey.objects.values_list("digest", flat=True),
        *ProviderKey.objects.values_list("ciphertext", flat=True),
        *Invitation.objects.values_list("token_digest", flat=True),
        *User.objects.values_list("password", flat=True),
        "sk-very-secret-4321",
    ]
    browser = browser_of(op)
    for page in every_page():
        text = browser.get(page).content.decode()
        for secret in secrets:
            assert secret not in text, page


def test_nothing_can_be_changed_or_taken_away(
    furnished: Organization, op: User
) -> None:
    browser = browser_of(op)
    for model in admin.site._registry:
        row = first_row(model)
        if row is None:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for what in ("change", "delete"):
            url = reverse(f"{name}_{what}", args=[row.pk])
            answer = browser.post(url, {"post": "yes"})
            assert answer.status_code == HTTPStatus.FORBIDDEN, url


def test_members_are_kept_out(furnished: Organization, ada: User) -> None:
    browser = browser_of(ada)
    for page in every_page():
        assert browser.get(page).status_code in (
            HTTPStatus.FOUND,
            HTTPStatus.FORBIDDEN,
        ), page


def test_nobody_logs_in_but_by_the_one_door(db: None) -> None:
    answer = Client().get("/operator/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/account/login/")


def test_the_operator_reads_mails(furnished: Organization, op: User) -> None:
    mail = OutboxMail.objects.get(kind="invitation")
    url = reverse("admin:orgs_outboxmail_change", args=[mail.pk])
    page = browser_of(op).get(url).content.decode()
    assert mail.subject in page
    assert f'{link_mailed_to(mail.recipient)}" rel="nofollow"' in page
    assert "<iframe sandbox title=" in page


def test_a_mail_that_was_sent_lets_its_recipient_in_and_not_the_operator(
    furnished: Organization, op: User, settings: Settings
) -> None:
    settings.MAIL_LEADS_NOWHERE = False
    mail = OutboxMail.objects.get(kind="invitation")
    secret = link_mailed_to(mail.recipient).rsplit("/", 1)[1]
    assert secret in mail.body_html

    url = reverse("admin:orgs_outboxmail_change", args=[mail.pk])
    page = browser_of(op).get(url).content.decode()

    assert "/invitations/…" in page
    assert secret not in page


def test_prices_are_only_read_here(op: User) -> None:
    answer = browser_of(op).get(reverse("admin:billing_price_add"))
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_an_operator_without_an_organization_lands_in_the_admin(op: User) -> None:
    client = Client()
    client.force_login(op)

    assert client.get("/").headers["Location"] == "/operator/"
