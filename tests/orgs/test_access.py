"""The door: strangers see nothing, readers do not do what owners do."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.urls import URLPattern, get_resolver

from orgs.models import AuditEvent, Invitation, Membership, Organization, User
from tests.factories import make_user
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

# What owners may do with members; each is a POST below `/o/acme/`.
OWNER_FORMS = [
    ("members/invite", {"emails": "new@acme.example", "role": "owner"}),
    ("members/{ada}/role", {"role": "reader"}),
    ("members/{rita}/role", {"role": "owner"}),
    ("members/{ada}/remove", {}),
    ("members/{rita}/remove", {}),
]


def organization_pages() -> list[str]:
    """Return every pattern below `/o/<slug>/`, filled in for Acme."""
    patterns = [
        str(pattern.pattern)
        for resolver in get_resolver().url_patterns
        for pattern in getattr(resolver, "url_patterns", [resolver])
        if isinstance(pattern, URLPattern)
    ]
    ours = [text for text in patterns if text.startswith("o/<slug:slug>")]
    assert len(ours) > 10
    return [f"/{filled(text)}" for text in ours]


def filled(pattern: str) -> str:
    text = pattern.replace("<slug:slug>", "acme")
    while "<" in text:
        start, end = text.index("<"), text.index(">")
        text = f"{text[:start]}1{text[end + 1 :]}"
    return text


def test_a_stranger_gets_404_on_every_page(
    acme: Organization, oscar: User, globex: Organization
) -> None:
    browser = browser_of(oscar)
    for page in organization_pages():
        answers = [browser.get(page).status_code, browser.post(page).status_code]
        unknown = page.replace("/o/acme", "/o/nobody")
        assert answers == [
            browser.get(unknown).status_code,
            browser.post(unknown).status_code,
        ], page
        # A page that is only read, or only posted to, may refuse the other method.
        others = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
        assert HTTPStatus.NOT_FOUND in answers, page
        assert set(answers) <= others, page


def test_a_foreign_page_looks_like_none(
    acme: Organization, oscar: User, globex: Organization
) -> None:
    browser = browser_of(oscar)
    foreign = browser.get("/o/acme/members")
    unknown = browser.get("/o/nobody/members")
    assert foreign.status_code == unknown.status_code == HTTPStatus.NOT_FOUND
    without_path = foreign.content.replace(b"/o/acme/", b"/o/nobody/")
    assert b"Acme" not in without_path
    assert len(without_path) == len(unknown.content)


def test_nobody_is_sent_to_log_in(acme: Organization) -> None:
    for page in organization_pages():
        answer = browser_of(None).get(page)
        assert answer.status_code == HTTPStatus.FOUND, page
        assert answer["Location"].startswith("/account/login/?next=")


@pytest.mark.parametrize(("path", "form"), OWNER_FORMS)
def test_a_reader_who_posts_an_owners_form_changes_nothing(
    acme: Organization, ada: User, rita: User, path: str, form: dict[str, str]
) -> None:
    before = list(Membership.objects.values("pk", "role"))
    path = path.format(ada=ada.public_id, rita=rita.public_id)
    answer = browser_of(rita).post(f"/o/acme/{path}", form)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert list(Membership.objects.values("pk", "role")) == before
    assert not Invitation.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_former_member_is_a_stranger_at_once(acme: Organization, rita: User) -> None:
    browser = browser_of(rita)
    assert browser.get("/o/acme/members").status_code == HTTPStatus.OK
    Membership.objects.filter(user=rita).delete()
    assert browser.get("/o/acme/members").status_code == HTTPStatus.NOT_FOUND


def test_a_reader_sees_members_without_controls(acme: Organization, rita: User) -> None:
    page = browser_of(rita).get("/o/acme/members").content.decode()
    assert "Ada Moss" in page
    assert "Send invitations" not in page
    assert "Owners invite people" in page


def test_home_leads_to_the_default_organization(
    ada: User, acme: Organization, acme_staging: Organization
) -> None:
    browser = browser_of(ada)
    browser.post(
        "/account/default-organization/", {"organization": acme_staging.public_id}
    )
    answer = browser.get("/")
    assert answer["Location"] == "/o/acme-staging/"


def test_a_foreign_organization_cannot_be_the_default(
    ada: User, acme: Organization, globex: Organization
) -> None:
    answer = browser_of(ada).post(
        "/account/default-organization/", {"organization": globex.public_id}
    )
    ada.refresh_from_db()
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert ada.default_organization == acme
    assert not AuditEvent.objects.exists()


@pytest.mark.usefixtures("db")
def test_somebody_in_no_organization_is_told_what_to_do() -> None:
    page = browser_of(make_user("new@acme.example")).get("/")
    assert "You are in no organization yet" in page.content.decode()
