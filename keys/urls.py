"""The keys page."""

from __future__ import annotations

from django.urls import path

from keys import views

app_name = "keys"
urlpatterns = [
    path("o/<slug:slug>/keys", views.keys, name="keys"),
    path("o/<slug:slug>/keys/create", views.create, name="create"),
    path("o/<slug:slug>/keys/<slug:key_id>/revoke", views.revoke, name="revoke"),
    path(
        "o/<slug:slug>/keys/provider-key",
        views.set_provider_key,
        name="set_provider_key",
    ),
]
