"""A person lost their second factor: the operator takes it off."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from orgs import audit
from orgs.actions.security import NoSecondFactor
from orgs.actions.sessions import end_all_sessions
from orgs.factor_events import changed_by
from orgs.mail import queue_mail
from orgs.models import User


@transaction.atomic
def reset_second_factors(
    *, user: User, reason: str, acting_user: User, now: datetime
) -> None:
    """
    Take a person's second factors off, with their recovery codes, and log them out.

    From then on the password alone logs in, so they are told by mail. Organizations
    that require a second factor keep them out until they have set up a new one.

    :raises NoSecondFactor: if they have none.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    factors = Authenticator.objects.select_for_update().filter(user=user)
    kinds = sorted(str(factor.type) for factor in factors)
    if not kinds:
        raise NoSecondFactor
    with changed_by(acting_user):
        factors.delete()
    ended = end_all_sessions(user)
    audit.record(
        organization=None,
        actor=acting_user,
        action="user.two_factor_reset",
        target=user.public_id,
        details={"before": {"kinds": kinds}, "reason": reason, "sessions_ended": ended},
        now=now,
    )
    queue_reset_mail(user, reason, now)


def queue_reset_mail(user: User, reason: str, now: datetime) -> None:
    queue_mail(
        kind="two_factor_reset",
        recipients=[user.email],
        subject="The operator took off your second factor",
        template="two_factor_reset",
        context={"reason": reason, "url": f"{settings.BASE_URL}/account/two-factor/"},
        dedupe_key=f"two_factor_reset:{user.public_id}:{now:%Y-%m-%dT%H:%M:%S.%f}",
        organization=None,
        now=now,
    )
