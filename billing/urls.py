"""Pages of money of an organization."""

from __future__ import annotations

from django.urls import path

from billing import (
    alert_views,
    billing_information_views,
    billing_views,
    card_views,
    change_views,
    default_limit_views,
    focus_views,
    invoice_views,
    member_views,
    organization_views,
    payment_event_views,
    quota_views,
    rate_limit_views,
    refusal_views,
    scope_views,
    settings_views,
    threshold_views,
    views,
)
from billing.scope_models import Scope

app_name = "billing"
urlpatterns = [
    path("o/<slug:slug>/overview", views.overview, name="overview"),
    path("o/<slug:slug>/usage/changes", change_views.changes, name="changes"),
    path("o/<slug:slug>/limits", views.limits, name="limits"),
    path("o/<slug:slug>/limits/hard", views.set_hard, name="set_hard_limit"),
    path(
        "o/<slug:slug>/limits/hard/remove", views.remove_hard, name="remove_hard_limit"
    ),
    path("o/<slug:slug>/limits/soft", threshold_views.add_soft, name="add_soft_limit"),
    path(
        "o/<slug:slug>/limits/soft/<slug:alert_id>/remove",
        threshold_views.remove_soft,
        name="remove_soft_limit",
    ),
    path(
        "o/<slug:slug>/limits/rates",
        rate_limit_views.set_rate,
        name="set_rate_limit",
    ),
    path(
        "o/<slug:slug>/limits/rates/<slug:rate_id>/remove",
        rate_limit_views.remove_rate,
        name="remove_rate_limit",
    ),
    path(
        "o/<slug:slug>/limits/keys/<slug:key_id>",
        scope_views.set_for_key,
        name="set_key_limit",
    ),
    path(
        "o/<slug:slug>/limits/keys/<slug:key_id>/remove",
        scope_views.remove_for_key,
        name="remove_key_limit",
    ),
    path(
        "o/<slug:slug>/limits/members/<slug:user_id>",
        scope_views.set_for_member,
        name="set_member_limit",
    ),
    path(
        "o/<slug:slug>/limits/members/<slug:user_id>/remove",
        scope_views.remove_for_member,
        name="remove_member_limit",
    ),
    path(
        "o/<slug:slug>/limits/defaults/key",
        default_limit_views.set_default,
        {"scope": Scope.KEY},
        name="set_key_default",
    ),
    path(
        "o/<slug:slug>/limits/defaults/key/remove",
        default_limit_views.remove_default,
        {"scope": Scope.KEY},
        name="remove_key_default",
    ),
    path(
        "o/<slug:slug>/limits/defaults/member",
        default_limit_views.set_default,
        {"scope": Scope.MEMBER},
        name="set_member_default",
    ),
    path(
        "o/<slug:slug>/limits/defaults/member/remove",
        default_limit_views.remove_default,
        {"scope": Scope.MEMBER},
        name="remove_member_default",
    ),
    path("o/<slug:slug>/limits/increase", quota_views.increase, name="increase"),
    path(
        "o/<slug:slug>/limits/increase/request",
        quota_views.send_request,
        name="request_increase",
    ),
    path(
        "o/<slug:slug>/limits/increase/<slug:request_id>/withdraw",
        quota_views.withdraw,
        name="withdraw_request",
    ),
    path("o/<slug:slug>/limits/holds", scope_views.holds, name="holds"),
    path("o/<slug:slug>/alerts", alert_views.alerts, name="alerts"),
    path(
        "o/<slug:slug>/alerts/<slug:event_id>/acknowledge",
        alert_views.acknowledge,
        name="acknowledge_alert",
    ),
    path(
        "o/<slug:slug>/alerts/escalation",
        alert_views.save_escalation,
        name="save_escalation",
    ),
    path(
        "o/<slug:slug>/alerts/test",
        alert_views.send_test,
        name="send_test_mail",
    ),
    path(
        "o/<slug:slug>/alerts/unusual-spend",
        alert_views.save_unusual_spend,
        name="save_unusual_spend",
    ),
    path("o/<slug:slug>/billing", billing_views.billing, name="billing"),
    path("o/<slug:slug>/billing/focus", focus_views.focus, name="focus"),
    path("o/<slug:slug>/billing/draft", invoice_views.draft, name="invoice_draft"),
    path(
        "o/<slug:slug>/billing/invoices/<slug:number>",
        invoice_views.invoice,
        name="invoice",
    ),
    path(
        "o/<slug:slug>/billing/invoices/<slug:number>/csv",
        invoice_views.csv,
        name="invoice_csv",
    ),
    path(
        "o/<slug:slug>/billing/invoices/<slug:number>/pdf",
        invoice_views.pdf,
        name="invoice_pdf",
    ),
    path(
        "o/<slug:slug>/billing/information",
        billing_information_views.billing_information,
        name="billing_information",
    ),
    path(
        "o/<slug:slug>/billing/information/save",
        billing_information_views.save_billing_information,
        name="save_billing_information",
    ),
    path("o/<slug:slug>/billing/card", card_views.card, name="card"),
    path("o/<slug:slug>/billing/card/enter", card_views.enter, name="enter_card"),
    path("o/<slug:slug>/billing/card/save", card_views.save, name="save_card"),
    path("o/<slug:slug>/billing/card/remove", card_views.remove, name="remove_card"),
    path("webhooks/stripe", payment_event_views.receive, name="payment_events"),
    path("o/<slug:slug>/settings", settings_views.settings, name="settings"),
    path(
        "o/<slug:slug>/settings/gateway",
        settings_views.set_gateway,
        name="set_gateway",
    ),
    path("o/<slug:slug>/members/<slug:user_id>", member_views.member, name="member"),
    path(
        "organizations/new",
        organization_views.new_organization,
        name="new_organization",
    ),
    path(
        "o/<slug:slug>/settings/name",
        organization_views.rename,
        name="rename_organization",
    ),
    path(
        "o/<slug:slug>/settings/pair",
        organization_views.link_pair,
        name="link_pair",
    ),
    path(
        "o/<slug:slug>/settings/pair/create",
        organization_views.create_pair,
        name="create_pair",
    ),
    path(
        "o/<slug:slug>/settings/pair/remove",
        organization_views.unlink_pair,
        name="unlink_pair",
    ),
    path(
        "o/<slug:slug>/settings/delete",
        organization_views.delete,
        name="delete_organization",
    ),
    path(
        "o/<slug:slug>/usage/records/<slug:record_id>",
        views.record,
        name="record",
    ),
    path(
        "o/<slug:slug>/usage/refusals/<slug:refusal_id>",
        refusal_views.refusal,
        name="refusal",
    ),
]
