"""Front door, personal pages, members."""

from __future__ import annotations

from django.urls import path

from orgs.views import (
    account,
    audit,
    first_set_up,
    home,
    invitations,
    mails,
    members,
    security,
    settings,
)

app_name = "orgs"
urlpatterns = [
    path("", home.home, name="home"),
    path("set-up/<slug:token>", first_set_up.first_set_up, name="first_set_up"),
    path("theme/", home.set_theme, name="theme"),
    path("account/", account.account, name="account"),
    path("account/profile/", account.save_profile, name="save_profile"),
    path("account/mails/", mails.mails, name="mails"),
    path("account/mails/save/", mails.save_mails, name="save_mails"),
    path("mails/<str:token>", mails.unsubscribe, name="unsubscribe"),
    path(
        "o/<slug:slug>/settings/time-zone",
        settings.save_time_zone,
        name="set_time_zone",
    ),
    path(
        "o/<slug:slug>/settings/two-factor",
        security.set_two_factor,
        name="set_two_factor",
    ),
    path(
        "account/default-organization/",
        account.set_default,
        name="set_default_organization",
    ),
    path("invitations/<str:token>", invitations.accept, name="accept_invitation"),
    path("o/<slug:slug>/", home.organization_home, name="organization"),
    path("o/<slug:slug>/audit", audit.audit, name="audit"),
    path("o/<slug:slug>/audit/<slug:audit_id>", audit.audit_event, name="audit_event"),
    path("o/<slug:slug>/members", members.members, name="members"),
    path("o/<slug:slug>/members/invite", members.invite, name="invite"),
    path("o/<slug:slug>/members/leave", members.leave, name="leave"),
    path(
        "o/<slug:slug>/members/<slug:user_id>/role", members.set_role, name="set_role"
    ),
    path(
        "o/<slug:slug>/members/<slug:user_id>/transfer",
        members.transfer,
        name="transfer",
    ),
    path(
        "o/<slug:slug>/members/<slug:user_id>/remove",
        members.remove,
        name="remove_member",
    ),
    path(
        "o/<slug:slug>/invitations/<slug:invitation_id>/resend",
        invitations.resend,
        name="resend_invitation",
    ),
    path(
        "o/<slug:slug>/invitations/<slug:invitation_id>/revoke",
        invitations.revoke,
        name="revoke_invitation",
    ),
]
