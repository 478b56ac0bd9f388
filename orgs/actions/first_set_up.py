"""The first operator of an installation that has none."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from orgs import audit
from orgs.models import FirstSetUp, User


class AlreadySetUp(Exception):
    """There is an operator, or somebody else made one at the same moment."""


class AddressTaken(Exception):
    """An account has the address: being an operator is not given to it unasked."""


def set_up_operator(*, email: str, name: str, password: str, now: datetime) -> User:
    """
    Create the operator of an installation that has none yet.

    Of any number who do so at once, one does: there is one row to insert.

    :raises AlreadySetUp: if there is, or ever was, an operator.
    :raises AddressTaken: if an account has the address.
    """
    if User.objects.filter(email=email.lower()).exists():
        raise AddressTaken
    try:
        return insert_operator(email, name, password, now)
    except IntegrityError as error:
        raise AlreadySetUp from error


@transaction.atomic
def insert_operator(email: str, name: str, password: str, now: datetime) -> User:
    if User.objects.filter(is_staff=True).exists():
        raise AlreadySetUp
    operator = User.objects.create_superuser(
        email, password, name=name, date_joined=now
    )
    FirstSetUp.objects.create(operator=operator, done_at=now)
    audit.record(
        organization=None,
        actor=operator,
        action="installation.set_up",
        target=operator.public_id,
        now=now,
    )
    return operator
