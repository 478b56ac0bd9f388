"""Front door, personal pages, members."""

from __future__ import annotations

from django.urls import path

from orgs.views import account, home

app_name = "orgs"
urlpatterns = [
    path("", home.home, name="home"),
    path("theme/", home.set_theme, name="theme"),
    path("account/", account.account, name="account"),
    path(
        "account/default-organization/",
        account.set_default,
        name="set_default_organization",
    ),
    path("o/<slug:slug>/", home.organization_home, name="organization"),
]
