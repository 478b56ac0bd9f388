"""A suspended organization as its members see it, and the operator who does it."""

from __future__ import annotations

import pytest

from orgs.models import Organization
from tests.browser.conftest import OpenVisit
from tests.browser.test_pages import ADA, LOOKS, OP, overflow, photograph
from tests.browser.world import World
from tests.factories import suspend

pytestmark = pytest.mark.browser


def test_the_banner_stands_on_every_page_and_fits(
    visit: OpenVisit, world: World
) -> None:
    suspend(Organization.objects.get(pk=world.staging.pk))
    with visit(ADA) as opened:
        page = opened.open("/o/acme-staging/members")
        for theme, width in LOOKS:
            opened.look(theme, width)
            photograph(opened, "suspended", theme, width)
            assert overflow(opened) == 0, (theme, width)
        assert page.get_by_role("region", name="Suspended").is_visible()
        assert page.get_by_role("button", name="Send invitations").count() == 0
        assert opened.problems == []


def test_the_operator_suspends_by_a_form(visit: OpenVisit, world: World) -> None:
    with visit(OP) as opened:
        page = opened.open(f"/operator/admin/orgs/organization/{world.acme.pk}/change/")
        page.get_by_role("link", name="Suspend", exact=True).first.click()
        page.locator("textarea[name=reason]").fill("A bill is open.")
        photograph(opened, "operator-suspends", "light", 1280)
        page.get_by_role("button", name="Suspend Acme (Production)").click()
        page.get_by_text("Acme (Production) is suspended.").first.wait_for()
        photograph(opened, "operator-suspended", "light", 1280)
    assert Organization.objects.get(pk=world.acme.pk).is_suspended
