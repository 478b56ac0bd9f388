"""The operator's own pages, below `/operator/`."""

from __future__ import annotations

from django.urls import path

from billing import (
    operator_credit_views,
    operator_import_views,
    operator_invoice_views,
    operator_mail_views,
    operator_organization_views,
    operator_price_views,
    operator_quota_views,
    operator_reconciliation_views,
    operator_views,
)
from orgs.views import outbox, viewing

app_name = "operator"
urlpatterns = [
    path("", operator_views.home, name="home"),
    path("quota", operator_quota_views.quota, name="quota"),
    path("quota/decide", operator_quota_views.decide_many, name="decide_many_quotas"),
    path(
        "quota/<slug:request_id>",
        operator_quota_views.quota_request,
        name="quota_request",
    ),
    path(
        "quota/<slug:request_id>/approve",
        operator_quota_views.approve,
        name="approve_quota",
    ),
    path("quota/<slug:request_id>/deny", operator_quota_views.deny, name="deny_quota"),
    path("organizations", operator_views.organizations, name="organizations"),
    path("invoices", operator_invoice_views.invoices, name="invoices"),
    path("invoices/<slug:number>", operator_invoice_views.invoice, name="invoice"),
    path(
        "invoices/<slug:number>/paid",
        operator_invoice_views.note_payment,
        name="note_payment",
    ),
    path(
        "invoices/<slug:number>/abandon-charge",
        operator_invoice_views.abandon,
        name="abandon_charge",
    ),
    path(
        "invoices/<slug:number>/take-back",
        operator_invoice_views.take_back,
        name="take_back",
    ),
    path("prices", operator_price_views.prices, name="prices"),
    path("prices/history", operator_price_views.price_history, name="price_history"),
    path("prices/new", operator_price_views.new_price, name="new_price"),
    path("prices/own", operator_price_views.own_prices, name="own_prices"),
    path("prices/import", operator_import_views.import_page, name="import_prices"),
    path(
        "prices/<int:price_id>/withdraw",
        operator_price_views.withdraw,
        name="withdraw_price",
    ),
    path(
        "organizations/<slug:organization_id>/view",
        viewing.view_organization,
        name="view_organization",
    ),
    path(
        "organizations/<slug:organization_id>/view/begin",
        viewing.begin,
        name="begin_viewing",
    ),
    path("viewing/stop", viewing.stop, name="stop_viewing"),
    path(
        "invoices/<slug:number>/take-back-part",
        operator_invoice_views.take_back_part,
        name="take_back_part",
    ),
    path(
        "organizations/<slug:organization_id>",
        operator_organization_views.organization,
        name="organization",
    ),
    path(
        "organizations/<slug:organization_id>/approved-limit",
        operator_organization_views.set_limit,
        name="set_approved_limit",
    ),
    path(
        "organizations/<slug:organization_id>/adjustment",
        operator_organization_views.adjust,
        name="adjust",
    ),
    path(
        "organizations/<slug:organization_id>/suspend",
        operator_organization_views.suspend,
        name="suspend",
    ),
    path(
        "organizations/<slug:organization_id>/reactivate",
        operator_organization_views.reactivate,
        name="reactivate",
    ),
    path(
        "organizations/<slug:organization_id>/credit",
        operator_credit_views.grant,
        name="grant_credit",
    ),
    path(
        "reconciliation",
        operator_reconciliation_views.reconciliation,
        name="reconciliation",
    ),
    path(
        "reconciliation/compare",
        operator_reconciliation_views.compare_now,
        name="compare_now",
    ),
    path("outbox", outbox.outbox, name="outbox"),
    path("outbox/previews", operator_mail_views.mail_previews, name="mail_previews"),
    path(
        "outbox/previews/<slug:sample_name>",
        operator_mail_views.mail_preview,
        name="mail_preview",
    ),
    path("outbox/<slug:mail_id>", outbox.outbox_mail, name="outbox_mail"),
    path("outbox/<slug:mail_id>/again", outbox.send_again, name="send_again"),
    path(
        "credit/<slug:credit_id>/void", operator_credit_views.void, name="void_credit"
    ),
]
