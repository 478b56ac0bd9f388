"""Usage pages of an organization. A single record's page is billing's."""

from __future__ import annotations

from django.urls import path

from usage import health_views, usage_views, views

app_name = "usage"
urlpatterns = [
    path("o/<slug:slug>/usage", usage_views.usage, name="usage"),
    path("o/<slug:slug>/usage/health", health_views.health, name="health"),
    path("o/<slug:slug>/usage/records", views.records, name="records"),
]
