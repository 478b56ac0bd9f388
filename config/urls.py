"""The table of pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import health, metrics
from config.vitals import views as vitals

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("operator/admin/", admin.site.urls),
    path("operator/health", vitals.health, name="operator_health"),
    path("operator/health.json", vitals.health_json, name="operator_health_json"),
    path("operator/", include("billing.operator_urls")),
    path("account/", include("orgs.account_urls")),
    path("", include("gateway.admin_api.urls")),
    path("", include("orgs.urls")),
    path("", include("keys.urls")),
    path("", include("usage.urls")),
    path("", include("billing.urls")),
]
