"""The table of the Admin API, and of the balances that old clients ask for."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from gateway.admin_api import balance, own_key, spend_limit, usage
from gateway.admin_api.door import not_offered

BALANCES = [
    ("subscription", balance.subscription),
    ("usage", balance.usage),
    ("credit_grants", balance.credit_grants),
]

urlpatterns: list[URLPattern] = [
    path("v1/organization/usage/<slug:kind>", usage.usage, name="api_usage"),
    path("v1/organization/costs", usage.costs, name="api_costs"),
    path("v1/organization/spend_limit", spend_limit.spend_limit, name="api_limit"),
    path("v1/key", own_key.own_key, name="api_own_key"),
    *(
        path(f"{start}dashboard/billing/{name}", view, name=f"api_{name}_{number}")
        for number, start in enumerate(("", "v1/"))
        for name, view in BALANCES
    ),
    # Last: what OpenAI has and we have not.
    re_path(r"^v1/(?P<rest>.*)$", not_offered, name="api_nothing"),
    re_path(r"^dashboard/(?P<rest>.*)$", not_offered, name="api_nothing_of_old"),
]
