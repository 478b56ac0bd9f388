"""The table of the Admin API, and of the balances that old clients ask for."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from gateway.admin_api import (
    audit_logs,
    balance,
    credit,
    invites,
    keys,
    own_key,
    projects,
    quota_requests,
    spend_alerts,
    spend_limit,
    usage,
    users,
)
from gateway.admin_api.door import not_offered

BALANCES = [
    ("subscription", balance.subscription),
    ("usage", balance.usage),
    ("credit_grants", balance.credit_grants),
]

START = "v1/organization"
QUOTA = f"{START}/quota_increase_requests"
PROJECT = f"{START}/projects/<slug:project_id>"

OF_PROJECT = [
    path(PROJECT, projects.project, name="api_project"),
    path(f"{PROJECT}/users", projects.project_users, name="api_project_users"),
    path(
        f"{PROJECT}/users/<slug:user_id>",
        projects.project_user,
        name="api_project_user",
    ),
    path(f"{PROJECT}/service_accounts", keys.service_accounts, name="api_accounts"),
    path(
        f"{PROJECT}/service_accounts/<slug:account_id>",
        keys.service_account,
        name="api_account",
    ),
    path(f"{PROJECT}/api_keys", keys.keys, name="api_keys"),
    path(f"{PROJECT}/api_keys/<slug:key_id>", keys.key, name="api_key"),
]

# What OpenAI does not have.
OURS = [
    path(QUOTA, quota_requests.quota_requests, name="api_increases"),
    path(
        f"{QUOTA}/<slug:request_id>",
        quota_requests.quota_request,
        name="api_increase",
    ),
    path(
        f"{QUOTA}/<slug:request_id>/withdraw",
        quota_requests.quota_withdrawal,
        name="api_increase_withdraw",
    ),
    path(f"{START}/credit_grants", credit.credit_grants, name="api_credits"),
    path(
        f"{START}/credit_grants/<slug:grant_id>",
        credit.credit_grant,
        name="api_credit",
    ),
]

urlpatterns: list[URLPattern] = [
    path(f"{START}/users", users.users, name="api_users"),
    path(f"{START}/users/<slug:user_id>", users.user, name="api_user"),
    path(f"{START}/invites", invites.invites, name="api_invites"),
    path(f"{START}/invites/<slug:invite_id>", invites.invite, name="api_invite"),
    path(f"{START}/admin_api_keys", keys.admin_keys, name="api_admin_keys"),
    path(f"{START}/admin_api_keys/<slug:key_id>", keys.admin_key, name="api_admin_key"),
    path(f"{START}/audit_logs", audit_logs.audit_logs, name="api_audit_logs"),
    path(f"{START}/spend_alerts", spend_alerts.spend_alerts, name="api_alerts"),
    path(
        f"{START}/spend_alerts/<slug:alert_id>",
        spend_alerts.spend_alert,
        name="api_alert",
    ),
    path(f"{START}/projects", projects.projects, name="api_projects"),
    *OF_PROJECT,
    *OURS,
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
