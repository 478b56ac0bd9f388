"""People choose which of the optional mails they get."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from orgs import audit
from orgs.mail_preferences import offered_values, wanted_values
from orgs.models import MailChoice, Organization, User
from orgs.queries import organizations_of
from orgs.unsubscribing import Subscription


@transaction.atomic
def choose_mails(
    *, user: User, wanted: Collection[str], acting_user: User, now: datetime
) -> None:
    """
    Send a person those of the optional mails that `wanted` names, and no others.

    The same again changes nothing. What is not offered to them is not looked at.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    memberships = organizations_of(user)
    before = wanted_values(user, memberships)
    offered = offered_values(memberships)
    after = set(wanted) & set(offered)
    changed = before ^ after
    if not changed:
        return
    MailChoice.objects.bulk_create(
        [
            MailChoice(
                organization_id=offered[value][0],
                email=user.email,
                kind=offered[value][1],
                is_wanted=value in after,
            )
            for value in sorted(changed)
        ],
        update_conflicts=True,
        unique_fields=["organization", "email", "kind"],
        update_fields=["is_wanted"],
    )
    audit.record(
        organization=None,
        actor=acting_user,
        action="user.updated",
        target=user.public_id,
        details={
            "before": {"mails": sorted(before & changed)},
            "after": {"mails": sorted(after & changed)},
        },
        now=now,
    )


@transaction.atomic
def choose_mail_from_link(
    *, subscription: Subscription, is_wanted: bool, now: datetime
) -> None:
    """
    Refuse a kind of mail, or have it again, as whoever holds the link of one.

    Safe to repeat: mail programs and people follow a link more than once.

    :raises Organization.DoesNotExist: if it was deleted.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=subscription.organization_id, deleted_at__isnull=True
    )
    choice, is_new = MailChoice.objects.get_or_create(
        organization=organization,
        email=subscription.email,
        kind=subscription.kind,
        defaults={"is_wanted": is_wanted},
    )
    if not is_new and choice.is_wanted == is_wanted:
        return
    choice.is_wanted = is_wanted
    choice.save(update_fields=["is_wanted"])
    audit.record(
        organization=organization,
        actor=User.objects.filter(email=subscription.email).first(),
        action="mail.wanted" if is_wanted else "mail.refused",
        target=subscription.email,
        details={"kind": subscription.kind},
        now=now,
    )
