"""Owners are told at once of who could then get in."""

from __future__ import annotations

import pytest

from keys.actions import issue_key, store_provider_key
from orgs.actions.members import (
    LastOwner,
    add_member,
    change_role,
    remove_member,
    transfer_ownership,
)
from orgs.models import Membership, Organization, OutboxMail, Role, User
from orgs.origin import Door, Origin, arriving_by
from tests.factories import NOW, join, make_user

pytestmark = pytest.mark.django_db
PROVIDER_URL = "https://api.openai.com/v1"


def told() -> dict[str, str]:
    mails = OutboxMail.objects.filter(kind="security_notice").order_by("pk")
    return {mail.recipient: mail.subject for mail in mails}


def membership(user: User, organization: Organization) -> Membership:
    return Membership.objects.get(user=user, organization=organization)


def test_a_new_owner_is_told_to_all_with_whence(
    acme: Organization, ada: User, rita: User
) -> None:
    with arriving_by(Origin(Door.PAGE, address="192.0.2.7")):
        change_role(
            membership=membership(rita, acme),
            role=Role.OWNER,
            acting_user=ada,
            now=NOW,
        )

    said = f"[Acme (Production)] {rita.get_full_name()} is an owner now"
    assert told() == {ada.email: said, rita.email: said}
    body = OutboxMail.objects.get(recipient=ada.email).body_text
    assert f"({ada.email})" in body
    assert "192.0.2.7" in body


def test_the_same_role_again_is_no_news(acme: Organization, ada: User) -> None:
    change_role(
        membership=membership(ada, acme), role=Role.OWNER, acting_user=ada, now=NOW
    )

    assert told() == {}


@pytest.mark.parametrize("way", ["becomes a reader", "goes"])
def test_a_former_owner_is_told_and_so_are_the_others(
    acme: Organization, ada: User, way: str
) -> None:
    eve = make_user("eve@acme.example")
    hers = join(eve, acme, Role.OWNER)
    if way == "goes":
        remove_member(membership=hers, acting_user=ada, now=NOW)
    else:
        change_role(membership=hers, role=Role.READER, acting_user=ada, now=NOW)

    said = "[Acme (Production)] Eve is no longer an owner"
    assert told() == {ada.email: said, eve.email: said}


def test_what_is_refused_is_not_told(acme: Organization, ada: User) -> None:
    with pytest.raises(LastOwner):
        change_role(
            membership=membership(ada, acme),
            role=Role.READER,
            acting_user=ada,
            now=NOW,
        )

    assert told() == {}


def test_of_readers_and_of_the_first_owner_nothing_is_told(
    acme: Organization, globex: Organization, ada: User, rita: User
) -> None:
    remove_member(membership=membership(rita, acme), acting_user=ada, now=NOW)
    Membership.objects.filter(organization=globex).delete()
    add_member(
        organization=globex, user=rita, role=Role.OWNER, acting_user=rita, now=NOW
    )

    assert told() == {}


def test_ownership_that_is_handed_over_is_told_of_both(
    acme: Organization, ada: User, rita: User
) -> None:
    transfer_ownership(
        giver=membership(ada, acme),
        taker=membership(rita, acme),
        acting_user=ada,
        now=NOW,
    )

    mails = OutboxMail.objects.filter(kind="security_notice", recipient=ada.email)
    assert mails.count() == 2


def test_a_provider_key_is_told_by_its_end_alone(acme: Organization, ada: User) -> None:
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz1234"
    for now in (NOW, NOW.replace(hour=13)):
        store_provider_key(
            organization=acme,
            secret=secret,
            acting_user=ada,
            now=now,
            base_url=PROVIDER_URL,
        )
    store_provider_key(
        organization=acme,
        secret=secret[::-1],
        acting_user=ada,
        now=NOW.replace(hour=14),
        base_url=PROVIDER_URL,
    )

    mails = OutboxMail.objects.filter(kind="security_notice").order_by("pk")
    first, second = mails
    assert "A provider key is set" in first.subject
    assert "The provider key was replaced" in second.subject
    assert "ends in 1234" in first.body_text
    assert secret not in first.body_text + first.body_html


@pytest.mark.parametrize(("kind", "count"), [("admin", 1), ("service", 0)])
def test_an_admin_key_is_told_without_its_text(
    acme: Organization, ada: User, kind: str, count: int
) -> None:
    issued = issue_key(
        kind=kind,
        environment=acme.environment,
        name="Terraform",
        organization=acme,
        user=None,
        acting_user=ada,
        expires_at=None,
        now=NOW,
    )

    mails = OutboxMail.objects.filter(kind="security_notice")
    assert mails.count() == count
    for mail in mails:
        assert "The admin key Terraform was made" in mail.subject
        assert issued.text not in mail.body_text + mail.body_html


def test_what_the_installation_does_by_itself_is_not_told(acme: Organization) -> None:
    store_provider_key(
        organization=acme,
        secret="sk-1234567",
        acting_user=None,
        now=NOW,
        base_url=PROVIDER_URL,
    )

    assert told() == {}
