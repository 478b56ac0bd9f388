"""Who may do what: one table for the code, the page and the document."""

from __future__ import annotations

import pytest

from orgs.models import Organization, Role, User
from orgs.permissions import Permission, document, matrix
from tests.architecture.source import text_of
from tests.visits import browser_of


def test_the_document_is_what_the_code_says() -> None:
    assert text_of("docs/permissions.md").splitlines() == list(document())


def test_owners_may_everything() -> None:
    assert all(permission.is_given_to(Role.OWNER) for permission in Permission)


def test_readers_change_nothing_of_the_organization() -> None:
    given = {each.name for each in Permission if each.is_given_to(Role.READER)}
    assert {name for name in given if not name.startswith("SEE_")} == {
        "LEAVE",
        "MAKE_KEYS",
        "REVOKE_KEYS",
        "ROTATE_KEYS",
    }


def test_an_unknown_role_may_nothing_that_owners_may() -> None:
    assert not Permission.CHANGE_LIMITS.is_given_to("king")


@pytest.mark.django_db
def test_the_members_page_shows_readers_who_may_do_what(
    acme: Organization, rita: User
) -> None:
    page = browser_of(rita).get("/o/acme/members").content.decode()
    assert "you are a reader" in page
    assert all(row.text in page for row in matrix())
