"""The life of an invitation: one mail, one link, one use."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from orgs.actions import (
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    WrongAddress,
    accept_invitation,
    invite_member,
)
from orgs.forms import addresses_in
from orgs.models import (
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    OutboxMail,
    Role,
    User,
)
from tests.factories import NOW, make_user
from tests.visits import browser_of, link_mailed_to

pytestmark = pytest.mark.django_db

ZOE = "zoe@new.example"
NEW_PERSON = {"name": "Zoe Lind", "password": "three quiet rivers"}


def invite_zoe(ada: User, emails: str = ZOE, role: str = "reader") -> str:
    """Invite by the form, as Ada, and return the path of the mailed link."""
    form = {"emails": emails, "role": role}
    browser_of(ada).post("/o/acme/members/invite", form)
    return link_mailed_to(ZOE)


def test_an_invitation_is_one_mail_with_a_link(ada: User, acme: Organization) -> None:
    link = invite_zoe(ada)
    mail = OutboxMail.objects.get()
    assert (mail.recipient, mail.kind, mail.organization) == (ZOE, "invitation", acme)
    assert mail.subject == "Ada Moss invited you to Acme (Production) on Tokenhouse"
    assert link in mail.body_html
    assert "as a reader" in mail.body_text


def test_the_token_is_kept_as_a_digest_only(ada: User, acme: Organization) -> None:
    token = invite_zoe(ada).rsplit("/", 1)[1]
    invitation = Invitation.objects.get()
    assert token not in str(vars(invitation))
    assert len(token) >= 43  # 256 bits
    assert token not in str(list(AuditEvent.objects.values()))


def test_a_new_person_makes_an_account_and_is_in(ada: User, acme: Organization) -> None:
    browser = Client()
    answer = browser.post(invite_zoe(ada), NEW_PERSON)
    assert answer["Location"] == "/o/acme/"
    zoe = User.objects.get(email=ZOE)
    assert zoe.check_password(NEW_PERSON["password"])
    assert Membership.objects.get(user=zoe).role == Role.READER
    assert browser.get("/o/acme/members").status_code == HTTPStatus.OK
    assert AuditEvent.objects.filter(action="invite.accepted", actor=zoe).exists()


def test_opening_the_link_changes_nothing(ada: User, acme: Organization) -> None:
    answer = Client().get(invite_zoe(ada))
    assert answer.status_code == HTTPStatus.OK
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "strict-origin"
    assert not User.objects.filter(email=ZOE).exists()
    assert Invitation.objects.pending().count() == 1


def test_a_link_works_once(ada: User, acme: Organization) -> None:
    link = invite_zoe(ada)
    Client().post(link, NEW_PERSON)
    again = Client().post(link, {**NEW_PERSON, "name": "Somebody Else"})
    assert again.status_code == HTTPStatus.GONE
    assert "accepted already" in again.content.decode()
    assert User.objects.get(email=ZOE).name == "Zoe Lind"


def test_somebody_with_an_account_accepts_with_it(
    ada: User, acme: Organization
) -> None:
    zoe = make_user(ZOE)
    link = invite_zoe(ada)
    page = Client().get(link).content.decode()
    assert "Log in to accept" in page
    assert 'name="password"' not in page
    browser_of(zoe).post(link)
    assert Membership.objects.filter(user=zoe, organization=acme).exists()


def test_an_account_is_not_taken_over_by_its_invitation(
    ada: User, acme: Organization
) -> None:
    zoe = make_user(ZOE)
    answer = Client().post(invite_zoe(ada), NEW_PERSON)
    zoe.refresh_from_db()
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not zoe.check_password(NEW_PERSON["password"])
    assert not Membership.objects.filter(user=zoe).exists()


def test_another_address_cannot_accept(
    ada: User, acme: Organization, oscar: User
) -> None:
    link = invite_zoe(ada)
    page = browser_of(oscar).post(link).content.decode()
    assert "the invitation is for" in page
    assert "Log out" in page
    assert not Membership.objects.filter(user=oscar).exists()
    assert Invitation.objects.pending().count() == 1
    with pytest.raises(WrongAddress):
        accept_invitation(
            invitation=Invitation.objects.get(), user=oscar, acting_user=oscar, now=NOW
        )


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_is_not_found(db: None, method: str) -> None:
    answer = getattr(Client(), method)("/invitations/" + "x" * 43, NEW_PERSON)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not User.objects.exists()


def test_an_expired_link_is_gone(ada: User, acme: Organization) -> None:
    link = invite_zoe(ada)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = Client().post(link, NEW_PERSON)
    assert answer.status_code == HTTPStatus.GONE
    assert "It has expired" in answer.content.decode()
    assert not User.objects.filter(email=ZOE).exists()


def test_a_revoked_link_is_gone(ada: User, acme: Organization) -> None:
    link = invite_zoe(ada)
    invitation = Invitation.objects.get()
    browser_of(ada).post(f"/o/acme/invitations/{invitation.public_id}/revoke")
    answer = Client().post(link, NEW_PERSON)
    assert answer.status_code == HTTPStatus.GONE
    assert "It was revoked" in answer.content.decode()
    assert not User.objects.filter(email=ZOE).exists()


def resend(ada: User, *, minutes_ago: int) -> str:
    """Send Zoe's invitation again, as if the last mail had left so long ago."""
    invitation = Invitation.objects.get()
    sent_at = timezone.now() - timedelta(minutes=minutes_ago)
    Invitation.objects.update(sent_at=sent_at)
    path = f"/o/acme/invitations/{invitation.public_id}/resend"
    return browser_of(ada).post(path, follow=True).content.decode()


def test_what_was_sent_just_now_is_not_sent_again(
    ada: User, acme: Organization
) -> None:
    link = invite_zoe(ada)
    assert "was sent just now" in resend(ada, minutes_ago=0)
    assert OutboxMail.objects.count() == 1
    assert Client().get(link).status_code == HTTPStatus.OK


def test_mails_of_a_day_are_rationed_those_sent_again_too(
    ada: User, acme: Organization, settings: Settings
) -> None:
    settings.INVITATIONS_PER_DAY = 2
    invite_zoe(ada)
    resend(ada, minutes_ago=2)
    assert "used up" in resend(ada, minutes_ago=2)
    form = {"emails": "nils@new.example", "role": "reader"}
    page = browser_of(ada).post("/o/acme/members/invite", form).content.decode()
    assert "used up" in page
    assert OutboxMail.objects.count() == 2
    assert Invitation.objects.get().times_sent == 2


def test_the_ration_is_for_a_day(
    ada: User, acme: Organization, settings: Settings
) -> None:
    settings.INVITATIONS_PER_DAY = 1
    invite_zoe(ada)
    resend(ada, minutes_ago=25 * 60)
    assert OutboxMail.objects.count() == 2


def test_sending_again_kills_the_old_link(ada: User, acme: Organization) -> None:
    old = invite_zoe(ada)
    resend(ada, minutes_ago=2)
    new = link_mailed_to(ZOE)
    assert Client().get(old).status_code == HTTPStatus.NOT_FOUND
    assert Client().get(new).status_code == HTTPStatus.OK


def test_the_invitation_of_a_disabled_inviter_is_void(
    ada: User, acme: Organization
) -> None:
    link = invite_zoe(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert Client().post(link, NEW_PERSON).status_code == HTTPStatus.GONE
    assert not User.objects.filter(email=ZOE).exists()


def test_a_closed_invitation_cannot_be_accepted(ada: User, acme: Organization) -> None:
    invite_zoe(ada)
    invitation = Invitation.objects.get()
    late = invitation.expires_at
    with pytest.raises(InvitationClosed):
        accept_invitation(
            invitation=invitation, user=make_user(ZOE), acting_user=None, now=late
        )


def test_foreign_invitations_are_not_found(
    ada: User, acme: Organization, oscar: User, globex: Organization
) -> None:
    invite_zoe(ada)
    invitation = Invitation.objects.get()
    for what in ("resend", "revoke"):
        path = f"/o/globex/invitations/{invitation.public_id}/{what}"
        assert browser_of(oscar).post(path).status_code == HTTPStatus.NOT_FOUND
    assert Invitation.objects.pending().count() == 1


def test_each_address_gets_an_answer_of_its_own(
    ada: User, rita: User, acme: Organization
) -> None:
    invite_zoe(ada)
    emails = f"{ZOE}, rita@acme.example\nnonsense; Ben Ott <Ben@New.example>"
    form = {"emails": emails, "role": "reader"}
    page = browser_of(ada).post("/o/acme/members/invite", form).content.decode()
    assert "already invited" in page
    assert page.count("invitation sent") == 1
    assert "already a member" in page
    assert "not an e-mail address" in page
    sent = list(Invitation.objects.order_by("pk").values_list("email", flat=True))
    assert sent == [ZOE, "ben@new.example"]


def test_addresses_are_read_as_people_write_them() -> None:
    text = "a@x.example,B@x.example;\n Ana Lee <ana@x.example>  a@x.example"
    assert addresses_in(text) == ["a@x.example", "b@x.example", "ana@x.example"]


@pytest.mark.parametrize(
    "emails", ["", " , ; ", ", ".join(f"{n}@x.example" for n in range(51))]
)
def test_too_few_or_too_many_addresses_invite_nobody(
    ada: User, acme: Organization, emails: str
) -> None:
    form = {"emails": emails, "role": "reader"}
    answer = browser_of(ada).post("/o/acme/members/invite", form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not Invitation.objects.exists()
    assert not OutboxMail.objects.exists()


def test_an_invitation_is_refused_where_it_is_needless(
    ada: User, acme: Organization
) -> None:
    def invite(email: str) -> Invitation:
        return invite_member(
            organization=acme, email=email, role="reader", acting_user=ada, now=NOW
        )

    with pytest.raises(AlreadyMember):
        invite("ADA@acme.example")
    invite(ZOE)
    with pytest.raises(AlreadyInvited):
        invite(ZOE.upper())
    assert Invitation.objects.count() == OutboxMail.objects.count() == 1


def test_an_expired_invitation_gives_way(ada: User, acme: Organization) -> None:
    for now in (NOW, NOW + timedelta(days=8)):
        invite_member(
            organization=acme, email=ZOE, role="reader", acting_user=ada, now=now
        )
    assert Invitation.objects.pending().count() == 1
    assert OutboxMail.objects.count() == 2


@pytest.mark.parametrize(
    "form",
    [
        {"name": "Zoe", "password": "short"},
        {"name": "Zoe", "password": "password"},
        {"name": "", "password": "three quiet rivers"},
    ],
)
def test_a_poor_password_or_no_name_makes_no_account(
    ada: User, acme: Organization, form: dict[str, str]
) -> None:
    answer = Client().post(invite_zoe(ada), form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not User.objects.filter(email=ZOE).exists()
    assert Invitation.objects.pending().count() == 1
