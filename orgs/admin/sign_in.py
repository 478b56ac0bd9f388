"""Who comes into the operator's admin, and what of logging in it leaves out."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from orgs.models import User

# One log-in page, with its limits on guessing, for operators too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Not in use here, or secret, and writable as they come.
admin.site.unregister(
    [
        Group,
        EmailAddress,
        Authenticator,
        SocialAccount,
        SocialApp,
        SocialToken,
        UserSession,
    ]
)


def operator_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the admin admits nobody else"
    return request.user
