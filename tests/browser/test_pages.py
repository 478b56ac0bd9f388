"""Every page in a real browser: drawn, in bounds, quiet; and a picture of each."""

from __future__ import annotations

import pytest

from tests.browser.conftest import SCREENSHOTS, OpenVisit, Theme, Visit
from tests.browser.world import World

pytestmark = pytest.mark.browser

ADA, RITA, OP = "ada@acme.example", "rita@acme.example", "op@tokenhouse.example"
# Name of the picture: who looks, and at what.
PAGES: dict[str, tuple[str | None, str]] = {
    "login": (None, "/account/login/"),
    "accept-invitation": (None, "{invitation_path}"),
    "overview": (ADA, "/o/acme/overview"),
    "overview-reader": (RITA, "/o/acme/overview"),
    "overview-staging": (ADA, "/o/acme-staging/overview"),
    "usage": (ADA, "/o/acme/usage"),
    "usage-by-key": (ADA, "/o/acme/usage?by=key&metric=tokens"),
    "usage-reader": (RITA, "/o/acme/usage?by=member"),
    "usage-compared": (ADA, "/o/acme/usage?metric=tokens&by=kind&per=week&compare=on"),
    "changes": (ADA, "/o/acme/usage/changes"),
    "changes-reader": (RITA, "/o/acme/usage/changes"),
    "health": (ADA, "/o/acme/usage/health"),
    "records": (ADA, "/o/acme/usage/records"),
    "record": (ADA, "{record_path}"),
    "limits": (ADA, "/o/acme/limits"),
    "limits-reader": (RITA, "/o/acme/limits"),
    "holds": (ADA, "/o/acme/limits/holds"),
    "holds-reader": (RITA, "/o/acme/limits/holds"),
    "alerts": (ADA, "/o/acme/alerts"),
    "alerts-none": (ADA, "/o/acme-staging/alerts"),
    "billing": (ADA, "/o/acme/billing"),
    "billing-reader": (RITA, "/o/acme/billing"),
    "invoice": (ADA, "/o/acme/billing/invoices/INV-000001"),
    "invoice-reader": (RITA, "/o/acme/billing/invoices/INV-000001"),
    "invoice-draft": (ADA, "/o/acme/billing/draft"),
    "members": (ADA, "/o/acme/members"),
    "member": (ADA, "{member_path}"),
    "new-organization": (ADA, "/organizations/new"),
    "members-reader": (RITA, "/o/acme/members"),
    "keys": (ADA, "/o/acme/keys"),
    "keys-reader": (RITA, "/o/acme/keys"),
    "settings": (ADA, "/o/acme/settings"),
    "webhooks": (ADA, "/o/acme/settings/webhooks"),
    "webhook": (ADA, "{webhook_path}"),
    "settings-reader": (RITA, "/o/acme/settings"),
    "settings-staging": (ADA, "/o/acme-staging/settings"),
    "audit": (ADA, "/o/acme/audit"),
    "audit-none": (ADA, "/o/acme/audit?target=nothing"),
    "audit-event": (ADA, "{audit_path}"),
    "account": (ADA, "/account/"),
    "mails": (ADA, "/account/mails/"),
    "unsubscribe": (None, "{unsubscribe_path}"),
    "refusal": (RITA, "{refusal_path}"),
    "increase": (ADA, "/o/acme/limits/increase"),
    "increase-reader": (RITA, "/o/acme/limits/increase"),
    "increase-staging": (ADA, "/o/acme-staging/limits/increase"),
    "card": (ADA, "/o/acme/billing/card"),
    "billing-information": (ADA, "/o/acme/billing/information"),
    "operator-organization": (OP, "/operator/organizations/{acme.public_id}"),
    "operator-quota": (OP, "/operator/quota"),
    "operator-quota-request": (OP, "{quota_path}"),
    "operator-invoices": (OP, "/operator/invoices"),
    "operator-invoice": (OP, "/operator/invoices/INV-000001"),
    "operator-prices": (OP, "/operator/prices"),
    "operator-own-prices": (OP, "/operator/prices/own"),
    "operator-price-history": (
        OP,
        "/operator/prices/history?model=gpt-5&organization={acme.public_id}",
    ),
    "operator-new-price": (OP, "/operator/prices/new?model=gpt-5"),
    "operator-import-prices": (OP, "/operator/prices/import"),
    "operator-organizations": (OP, "/operator/organizations"),
    "operator-health": (OP, "/operator/health"),
    "operator-reconciliation": (OP, "/operator/reconciliation"),
    "operator-outbox": (OP, "/operator/outbox"),
    "operator-mail-preview": (OP, "/operator/outbox/previews/soft_limit"),
}
LOOKS: list[tuple[Theme, int]] = [
    ("light", 1280),
    ("dark", 1280),
    ("dark", 390),
    ("light", 390),
]
WITH_STILL = ("usage", "usage-by-key", "usage-reader", "usage-compared")
WITH_CHART = ("overview", "overview-reader", "health", *WITH_STILL)


def path_of(name: str, world: World) -> str:
    return PAGES[name][1].format_map(vars(world))


def photograph(visit: Visit, name: str, theme: str, width: int) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = SCREENSHOTS / f"{name}-{theme}-{width}.png"
    visit.page.screenshot(path=picture, full_page=True)


def overflow(visit: Visit) -> int:
    """Return by how many pixels the page is wider than the window."""
    width: int = visit.page.evaluate(
        "document.documentElement.scrollWidth - window.innerWidth"
    )
    return max(width, 0)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_in_bounds_and_quiet(
    visit: OpenVisit, world: World, name: str
) -> None:
    with visit(PAGES[name][0]) as opened:
        page = opened.open(path_of(name, world))
        for theme, width in LOOKS:
            opened.look(theme, width)
            photograph(opened, name, theme, width)
            assert overflow(opened) == 0, (theme, width)

        assert page.locator("h1").count() == 1
        assert opened.problems == []
        charts = page.locator(".chart svg.main-svg").count()
        assert bool(charts) == (name in WITH_CHART)


def test_the_operator_reads_the_outbox(visit: OpenVisit, world: World) -> None:
    with visit(OP) as opened:
        page = opened.open("/operator/outbox?kind=invitation")
        page.locator("tbody a").first.click()
        page.wait_for_url("**/outbox/*")
        photograph(opened, "outbox-mail", "light", 1280)
        framed = page.frame_locator("iframe.mail-frame")

        framed.get_by_text("Accept the invitation").first.wait_for()
        assert world.invitation_path in page.content()
        assert opened.problems == []


@pytest.mark.parametrize("name", WITH_CHART)
def test_without_javascript_the_table_holds_the_numbers(
    visit: OpenVisit, world: World, name: str
) -> None:
    with visit(PAGES[name][0], scripts=False) as opened:
        page = opened.open(path_of(name, world))

        assert page.locator("svg.main-svg").count() == 0
        stills = page.locator(".chart svg.still:visible").count()
        assert stills == (2 if name in WITH_STILL else 1)
        assert page.locator("table tbody tr").count() > 2


def test_the_choices_work_without_javascript(visit: OpenVisit) -> None:
    with visit(ADA, scripts=False) as opened:
        page = opened.open("/o/acme/usage")
        page.get_by_label("Show", exact=True).select_option("Requests")
        page.get_by_label("By", exact=True).select_option("Member")
        page.get_by_role("button", name="Show").click()

        page.get_by_role("columnheader", name="Rita Vale").wait_for()
        assert "metric=requests" in page.url


def test_overview_and_usage_say_the_same(visit: OpenVisit) -> None:
    with visit(RITA) as opened:
        spent = opened.open("/o/acme/overview").locator("#spent").inner_text()
        cost = opened.open("/o/acme/usage").locator(".figure-card").first

        assert spent in cost.inner_text()


def test_the_first_tab_leads_to_the_content(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/overview")
        page.keyboard.press("Tab")
        link = page.get_by_role("link", name="Skip to content")
        assert link.evaluate("element => element === document.activeElement")

        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"


def test_logging_in_leads_to_the_overview(visit: OpenVisit) -> None:
    with visit() as opened:
        page = opened.open("/")
        page.get_by_label("Email").fill(ADA)
        page.get_by_label("Password", exact=True).fill("correct horse battery staple")
        page.get_by_role("button", name="Log in", exact=True).click()

        page.wait_for_url("**/o/acme/overview")
        assert page.get_by_role("heading", level=1).inner_text() == "Overview"
