"""Before a member goes, owners see what hangs on them."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest

from billing.actions.scope_limits import set_member_limit
from keys.models import KeyUse
from orgs.actions import invite_member
from orgs.models import Membership, Organization, User
from tests.factories import NOW, usd
from tests.usage_factories import make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


def page(viewer: User, member: User) -> str:
    answer = browser_of(viewer).get(f"/o/acme/members/{member.public_id}")
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def test_the_checklist_names_keys_limit_use_and_invitations(
    ada: User, rita: User, acme: Organization
) -> None:
    key = make_key("Notebook", user=rita)
    KeyUse.objects.create(organization=acme, api_key=key, last_used_at=NOW, model="m")
    set_member_limit(
        organization=acme,
        user=rita,
        amount_nanos=usd(30),
        acting_user=ada,
        now=NOW,
    )
    Membership.objects.filter(user=rita).update(role="owner")
    invite_member(
        organization=acme,
        email="zoe@new.example",
        role="reader",
        acting_user=rita,
        now=NOW,
    )
    shown = page(ada, rita)
    for fact in ("Notebook", "$30.00", "zoe@new.example", "23 Nov 2026, 12:00 UTC"):
        assert fact in shown
    assert "Remove from Acme (Production)" in shown


def test_nobody_offers_to_remove_the_only_owner(ada: User, acme: Organization) -> None:
    shown = page(ada, ada)
    assert "is the only owner" in shown
    assert "Leave Acme" not in shown


def test_use_elsewhere_is_not_use_here(
    ada: User, rita: User, acme: Organization, acme_staging: Organization
) -> None:
    key = make_key("Notebook", user=rita)
    KeyUse.objects.create(
        organization=acme_staging, api_key=key, last_used_at=NOW, model="m"
    )
    assert "23 Nov 2026" not in page(ada, rita).partition("Last request")[2]


def test_the_members_page_tells_the_last_request(
    ada: User, rita: User, acme: Organization
) -> None:
    key = make_key("Notebook", user=rita)
    KeyUse.objects.create(organization=acme, api_key=key, last_used_at=NOW, model="m")
    shown = browser_of(ada).get("/o/acme/members").content.decode()
    found = re.search(
        rf'<time datetime="{re.escape(NOW.isoformat())}"[^>]*>([^<]*)', shown
    )
    assert found
    assert found[1] == "23 Nov 2026"
