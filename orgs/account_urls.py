"""
The pages of allauth that are in use: log in and out, sign up, passwords, factors.

Those that change what lets somebody in run in one transaction, so that the change,
its audit event and its mail are one.
"""

from __future__ import annotations

from allauth.account import views
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as single_sign_on
from allauth.usersessions.views import list_usersessions
from django.db.transaction import atomic
from django.urls import include, path, re_path

from orgs.views.account import confirm_email
from orgs.views.sessions import end as end_session

account = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("confirm-email/", confirm_email, name="account_email_verification_sent"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("sessions/", list_usersessions, name="usersessions_list"),
    path("sessions/<int:pk>/end/", end_session, name="end_session"),
]
passwords = [
    path("change/", atomic(views.password_change), name="account_change_password"),
    path("set/", atomic(views.password_set), name="account_set_password"),
    path("reset/", views.password_reset, name="account_reset_password"),
    path("reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        atomic(views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
two_factor = [
    path("", factors.index, name="mfa_index"),
    path("authenticate/", factors.authenticate, name="mfa_authenticate"),
    path("reauthenticate/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("app/", atomic(totp.activate_totp), name="mfa_activate_totp"),
    path("app/remove/", atomic(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "recovery-codes/",
        recovery_codes.view_recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "recovery-codes/new/",
        atomic(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "recovery-codes/file/",
        recovery_codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("passkeys/add/", atomic(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("passkeys/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        "passkeys/reauthenticate/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "passkeys/<int:pk>/remove/",
        atomic(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path("passkeys/<int:pk>/name/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
]
sign_on = [
    path(
        "login/cancelled/",
        single_sign_on.login_cancelled,
        name="socialaccount_login_cancelled",
    ),
    path("login/error/", single_sign_on.login_error, name="socialaccount_login_error"),
    path("signup/", single_sign_on.signup, name="socialaccount_signup"),
]
urlpatterns = [
    *account,
    path("password/", include(passwords)),
    path("two-factor/", include(two_factor)),
    path("single-sign-on/", include(sign_on)),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
