"""What every page's template may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from orgs.access import viewing_in
from orgs.models import Membership, Organization, User
from orgs.queries import organizations_of

THEME_COOKIE = f"{settings.COOKIE_PREFIX}theme"
THEMES = ("light", "dark")
Pages = tuple[tuple[str, str, str], ...]
# Label, icon and URL name of an organization's pages, in order.
ORGANIZATION_PAGES: Pages = (
    ("Overview", "layout-dashboard", "billing:overview"),
    ("Usage", "chart-bar", "usage:usage"),
    ("Limits", "gauge", "billing:limits"),
    ("Alerts", "info-circle", "billing:alerts"),
    ("Billing", "receipt", "billing:billing"),
    ("Members", "users", "orgs:members"),
    ("Keys", "key", "keys:keys"),
    ("Settings", "settings", "billing:settings"),
    ("Audit log", "shield-check", "orgs:audit"),
)
# Where a reader would only be refused.
OWNERS_PAGES = {"orgs:audit", "billing:alerts"}
PERSONAL_PAGES: Pages = (
    ("Your account", "user-circle", "orgs:account"),
    ("Password", "lock", "account_change_password"),
    ("Two-factor authentication", "shield-check", "mfa_index"),
    ("Sessions", "clock", "usersessions_list"),
)
# The operator's own pages; what only is read stands in the admin.
OPERATOR_PAGES: Pages = (
    ("Quota requests", "gauge", "operator:quota"),
    ("Organizations", "users", "operator:organizations"),
    ("Invoices", "receipt", "operator:invoices"),
    ("Reconciliation", "check", "operator:reconciliation"),
    ("Prices", "adjustments", "operator:prices"),
    ("Outbox", "mail", "operator:outbox"),
    ("Health", "circle-check", "operator_health"),
    ("Admin", "shield-check", "admin:index"),
)


@dataclass(frozen=True, slots=True)
class NavigationItem:
    label: str
    icon: str
    url: str
    is_current: bool


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of the page's frame; what costs a query is lazy."""
    organization = getattr(request, "organization", None)
    return {
        "organization": organization,
        "membership": getattr(request, "membership", None),
        "viewing": SimpleLazyObject(partial(viewing_in, request)),
        "memberships": SimpleLazyObject(memberships_of(request)),
        "navigation": navigation(request, organization),
        "theme": theme_of(request),
        "signup_is_open": settings.SIGNUP == "open",
    }


def theme_of(request: HttpRequest) -> str:
    """Return the theme the reader chose, or nothing: then the system's is used."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def memberships_of(request: HttpRequest) -> Callable[[], list[Membership]]:
    def find() -> list[Membership]:
        user = getattr(request, "user", None)
        return organizations_of(user) if isinstance(user, User) else []

    return find


def navigation(
    request: HttpRequest, organization: Organization | None
) -> list[NavigationItem]:
    """Return the links of the rail; pages that do not exist are left out."""
    pages = ORGANIZATION_PAGES if organization else PERSONAL_PAGES
    if getattr(request, "is_operators_page", False):
        pages = OPERATOR_PAGES
    arguments = {"slug": organization.slug} if organization else {}
    membership = getattr(request, "membership", None)
    left_out = set() if membership and membership.is_owner else OWNERS_PAGES
    items = []
    for label, icon, name in pages:
        url = url_or_none(name, arguments)
        if url is not None and name not in left_out:
            is_current = belongs_to(request.path, url)
            items.append(NavigationItem(label, icon, url, is_current))
    return items


def belongs_to(path: str, url: str) -> bool:
    """Say whether a page is the one at `url` or lies below it."""
    return path == url or path.startswith(f"{url}/")


def url_or_none(name: str, arguments: dict[str, str]) -> str | None:
    try:
        return reverse(name, kwargs=arguments)
    except NoReverseMatch:
        return None
