"""The operator's own pages, below `/operator/`."""

from __future__ import annotations

from django.urls import path

from billing import operator_views

app_name = "operator"
urlpatterns = [
    path("", operator_views.home, name="home"),
    path("organizations", operator_views.organizations, name="organizations"),
]
