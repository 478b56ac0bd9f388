"""Invitations: sent, sent again, revoked, accepted once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse

from orgs import audit
from orgs.actions.members import add_member
from orgs.locks import lock_members_of
from orgs.mail import queue_mail
from orgs.models import Invitation, Membership, Organization, User
from orgs.queries import invitation_mails, is_member, open_invitations
from orgs.tokens import digest_token, new_token

MOST_OPEN_INVITATIONS = 200
# A link that was sent just now is still on its way.
RESEND_PAUSE = timedelta(minutes=1)
RATION_PERIOD = timedelta(days=1)


class AlreadyInvited(Exception):
    """An invitation of this address waits to be accepted."""


class AlreadyMember(Exception):
    """The address belongs to a member."""


class TooManyInvitations(Exception):
    """Too many invitations of the organization wait to be accepted."""


class TooManyToday(Exception):
    """The organization has sent as many invitations in a day as it may."""


class SentJustNow(Exception):
    """The invitation was sent less than `RESEND_PAUSE` ago."""


class InvitationClosed(Exception):
    """The invitation was accepted or revoked, or it has expired."""


class WrongAddress(Exception):
    """The invitation is for another address than the person's."""


class AccountExists(Exception):
    """There is an account with the invited address: its person must log in."""


class InvitationOutcome(Enum):
    INVITED = "invitation sent"
    ALREADY_INVITED = "already invited"
    ALREADY_MEMBER = "already a member"
    NOT_AN_ADDRESS = "not an e-mail address"
    TOO_MANY = f"not sent: {MOST_OPEN_INVITATIONS} invitations are open already"
    TOO_MANY_TODAY = "not sent: the invitations of 24 hours are used up"


@dataclass(frozen=True, slots=True)
class InvitationResult:
    email: str
    outcome: InvitationOutcome

    @property
    def is_sent(self) -> bool:
        return self.outcome == InvitationOutcome.INVITED


OUTCOMES: dict[type[Exception], InvitationOutcome] = {
    ValidationError: InvitationOutcome.NOT_AN_ADDRESS,
    AlreadyInvited: InvitationOutcome.ALREADY_INVITED,
    AlreadyMember: InvitationOutcome.ALREADY_MEMBER,
    TooManyInvitations: InvitationOutcome.TOO_MANY,
    TooManyToday: InvitationOutcome.TOO_MANY_TODAY,
}


def invite_many(
    *,
    organization: Organization,
    emails: list[str],
    role: str,
    acting_user: User,
    now: datetime,
) -> list[InvitationResult]:
    """Invite each address that can be, and say for each what happened."""
    results = []
    for email in emails:
        outcome = InvitationOutcome.INVITED
        try:
            invite_member(
                organization=organization,
                email=email,
                role=role,
                acting_user=acting_user,
                now=now,
            )
        except tuple(OUTCOMES) as refusal:
            outcome = OUTCOMES[type(refusal)]
        results.append(InvitationResult(email, outcome))
    return results


@transaction.atomic
def invite_member(
    *,
    organization: Organization,
    email: str,
    role: str,
    acting_user: User,
    now: datetime,
) -> Invitation:
    """
    Offer membership to an address, by a mail with a link that is good once.

    An older invitation that has expired gives way.

    :raises ValidationError: if it is not an e-mail address.
    :raises AlreadyMember, AlreadyInvited, TooManyInvitations, TooManyToday:
    """
    email = email.strip().lower()
    validate_email(email)
    lock_members_of(organization)
    refuse_needless(organization, email, acting_user, now)
    token = new_token()
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        token_digest=digest_token(token),
        invited_by=acting_user,
        created_at=now,
        sent_at=now,
        expires_at=expiry(now),
    )
    record_invitation(invitation, "invite.sent", acting_user, now)
    queue_invitation(invitation, token, now)
    return invitation


def refuse_needless(
    organization: Organization, email: str, acting_user: User, now: datetime
) -> None:
    if is_member(organization=organization, email=email):
        raise AlreadyMember
    pending = Invitation.objects.pending().filter(
        organization=organization, email=email
    )
    for invitation in pending:
        if not invitation.is_expired(at=now):
            raise AlreadyInvited
        close(invitation, acting_user, now)
    if open_invitations(organization, now=now) >= MOST_OPEN_INVITATIONS:
        raise TooManyInvitations
    refuse_beyond_ration(organization, now)


def refuse_beyond_ration(organization: Organization, now: datetime) -> None:
    """Keep the installation from being used to send mail to strangers."""
    if invitation_mails(organization, since=now - RATION_PERIOD) >= (
        settings.INVITATIONS_PER_DAY
    ):
        raise TooManyToday


@transaction.atomic
def resend_invitation(
    *, invitation: Invitation, acting_user: User, now: datetime
) -> Invitation:
    """
    Send a new link that is good for the full time; the old one is dead.

    :raises InvitationClosed: if it was accepted or revoked.
    :raises SentJustNow: if the last mail left within `RESEND_PAUSE`.
    :raises TooManyToday:
    """
    current = lock_invitation(invitation)
    if now - current.sent_at < RESEND_PAUSE:
        raise SentJustNow
    refuse_beyond_ration(current.organization, now)
    token = new_token()
    current.sent_at = now
    current.times_sent += 1
    current.token_digest = digest_token(token)
    current.expires_at = expiry(now)
    current.invited_by = acting_user
    current.save(
        update_fields=[
            "token_digest",
            "expires_at",
            "invited_by",
            "sent_at",
            "times_sent",
        ]
    )
    record_invitation(current, "invite.sent", acting_user, now)
    queue_invitation(current, token, now)
    return current


@transaction.atomic
def revoke_invitation(
    *, invitation: Invitation, acting_user: User, now: datetime
) -> None:
    """
    Take an invitation back; its link is dead.

    :raises InvitationClosed: if it was accepted or revoked before.
    """
    close(lock_invitation(invitation), acting_user, now)


@transaction.atomic
def accept_invitation(
    *, invitation: Invitation, user: User, acting_user: User | None, now: datetime
) -> Membership:
    """
    Make the invited person a member, once.

    :raises InvitationClosed: if it was accepted or revoked, or has expired.
    :raises WrongAddress: if the invitation is for somebody else.
    """
    current = lock_invitation(invitation)
    # Sent again since it was looked up: then the link that led here is dead.
    is_same = current.token_digest == invitation.token_digest
    if not is_same or current.is_expired(at=now) or not current.invited_by.is_active:
        raise InvitationClosed
    if current.email != user.email:
        raise WrongAddress
    current.accepted_at = now
    current.save(update_fields=["accepted_at"])
    record_invitation(current, "invite.accepted", acting_user, now)
    return add_member(
        organization=current.organization,
        user=user,
        role=current.role,
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def accept_as_new_person(
    *, invitation: Invitation, name: str, password: str, now: datetime
) -> User:
    """
    Create the account of the invited address and accept with it.

    :raises InvitationClosed: if it was accepted or revoked, or has expired.
    :raises AccountExists: if the address has an account by now.
    """
    lock_invitation(invitation)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                invitation.email, password, name=name, date_joined=now
            )
    except IntegrityError as error:
        raise AccountExists from error
    accept_invitation(invitation=invitation, user=user, acting_user=user, now=now)
    return user


def lock_invitation(invitation: Invitation) -> Invitation:
    """Lock members, then the invitation, and return it as it is now, still open."""
    lock_members_of(invitation.organization)
    try:
        return (
            Invitation.objects.pending()
            .select_for_update(of=("self",))
            .select_related("organization", "invited_by")
            .get(pk=invitation.pk)
        )
    except Invitation.DoesNotExist as error:
        raise InvitationClosed from error


def close(invitation: Invitation, acting_user: User, now: datetime) -> None:
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    record_invitation(invitation, "invite.deleted", acting_user, now)


def expiry(now: datetime) -> datetime:
    return now + timedelta(days=settings.INVITATION_VALID_DAYS)


def record_invitation(
    invitation: Invitation, action: str, acting_user: User | None, now: datetime
) -> None:
    audit.record(
        organization=invitation.organization,
        actor=acting_user,
        action=action,
        target=invitation.public_id,
        details={"email": invitation.email, "role": invitation.role},
        now=now,
    )


def queue_invitation(invitation: Invitation, token: str, now: datetime) -> None:
    """Queue the mail: the only place where the token stands in clear."""
    path = reverse("orgs:accept_invitation", args=[token])
    inviter = invitation.invited_by.get_full_name()
    where = invitation.organization.full_name
    queue_mail(
        kind="invitation",
        recipients=[invitation.email],
        subject=f"{inviter} invited you to {where} on Tokenhouse",
        template="invitation",
        context={
            "invitation": invitation,
            "inviter": inviter,
            "accept_url": f"{settings.BASE_URL}{path}",
        },
        dedupe_key=f"invitation:{invitation.public_id}:{invitation.token_digest[:16]}",
        organization=invitation.organization,
        now=now,
    )
