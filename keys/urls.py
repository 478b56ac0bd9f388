"""The keys page."""

from __future__ import annotations

from django.urls import path

from keys import admin_key_views, rotation_views, views, webhook_views

app_name = "keys"
urlpatterns = [
    path("o/<slug:slug>/keys", views.keys, name="keys"),
    path("o/<slug:slug>/keys/create", views.create, name="create"),
    path("o/<slug:slug>/keys/<slug:key_id>/revoke", views.revoke, name="revoke"),
    path(
        "o/<slug:slug>/keys/<slug:key_id>/rotate",
        rotation_views.rotate,
        name="rotate",
    ),
    path(
        "o/<slug:slug>/keys/<slug:key_id>/former/<slug:handle>/end",
        rotation_views.end_former,
        name="end_former",
    ),
    path(
        "o/<slug:slug>/keys/<slug:member_key_id>/block",
        rotation_views.block,
        name="block",
    ),
    path(
        "o/<slug:slug>/keys/<slug:blocked_key_id>/allow",
        rotation_views.allow,
        name="allow",
    ),
    path(
        "o/<slug:slug>/keys/provider-key",
        views.set_provider_key,
        name="set_provider_key",
    ),
    path(
        "o/<slug:slug>/keys/provider-admin-key",
        admin_key_views.set_admin_key,
        name="set_admin_key",
    ),
    path(
        "o/<slug:slug>/keys/provider-admin-key/remove",
        admin_key_views.remove_key,
        name="remove_admin_key",
    ),
    path(
        "o/<slug:slug>/settings/webhooks",
        webhook_views.webhooks,
        name="webhooks",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/add",
        webhook_views.add,
        name="add_webhook",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/<slug:webhook_id>",
        webhook_views.webhook,
        name="webhook",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/<slug:webhook_id>/test",
        webhook_views.test,
        name="test_webhook",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/<slug:webhook_id>/enable",
        webhook_views.enable,
        name="enable_webhook",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/<slug:webhook_id>/remove",
        webhook_views.remove,
        name="remove_webhook",
    ),
    path(
        "o/<slug:slug>/settings/webhooks/deliveries/<slug:delivery_id>/again",
        webhook_views.send_again,
        name="redeliver_webhook",
    ),
]
