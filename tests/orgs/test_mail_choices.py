"""People choose their mails for each organization, on a page or by a mail's link."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orgs.actions import choose_mail_from_link
from orgs.mail import queue_mail
from orgs.models import AuditEvent, MailChoice, Organization, OutboxMail, User
from orgs.person_models import OptionalMail
from orgs.unsubscribing import Subscription, subscription_of, unsubscribe_url
from tests.factories import NOW, refuse_mail
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

MAILS, SAVE = "/account/mails/", "/account/mails/save/"


def told(organization: Organization, *recipients: User, kind: str) -> list[str]:
    """Queue a mail and return who gets it."""
    queue_mail(
        kind=kind,
        recipients=[each.email for each in recipients],
        subject="Hello",
        template="suspension",
        context={"url": ""},
        dedupe_key=f"{kind}:{organization.slug}",
        organization=organization,
        now=NOW,
    )
    mails = OutboxMail.objects.filter(dedupe_key=f"{kind}:{organization.slug}")
    return sorted(mails.values_list("recipient", flat=True))


def checked(user: User) -> set[str]:
    page = browser_of(user).get(MAILS).content.decode()
    return set(re.findall(r'value="(\w+:org-\w+)" checked', page))


def link_of(user: User, organization: Organization, kind: str = "soft_limit") -> str:
    return unsubscribe_url(Subscription(organization.pk, user.email, kind))


def test_a_mail_is_refused_for_one_organization_and_not_for_another(
    ada: User, acme: Organization, acme_staging: Organization
) -> None:
    kept = checked(ada) - {f"soft_limit:{acme.public_id}"}
    browser_of(ada).post(SAVE, {"wanted": sorted(kept)})

    assert checked(ada) == kept
    assert told(acme, ada, kind="soft_limit") == []
    assert told(acme_staging, ada, kind="soft_limit") == [ada.email]


def test_what_was_refused_can_be_had_again(ada: User, acme: Organization) -> None:
    all_of_them = checked(ada)
    browser_of(ada).post(SAVE)
    assert checked(ada) == set()
    browser_of(ada).post(SAVE, {"wanted": sorted(all_of_them)})

    assert checked(ada) == all_of_them
    assert told(acme, ada, kind="soft_limit") == [ada.email]


def test_others_still_get_what_one_refuses(
    ada: User, rita: User, acme: Organization
) -> None:
    refuse_mail(ada, acme, "soft_limit")
    assert told(acme, ada, rita, kind="soft_limit") == [rita.email]


def test_what_is_always_sent_cannot_be_refused(ada: User, acme: Organization) -> None:
    refuse_mail(ada, acme, "hard_limit")
    assert told(acme, ada, kind="hard_limit") == [ada.email]


def test_a_choice_that_is_not_offered_changes_nothing(
    ada: User, acme: Organization, globex: Organization
) -> None:
    forged = [f"hard_limit:{acme.public_id}", f"soft_limit:{globex.public_id}"]
    for value in forged:
        browser_of(ada).post(SAVE, {"wanted": value})
    assert not MailChoice.objects.exists()
    assert not AuditEvent.objects.exists()


def test_readers_choose_among_the_mails_that_readers_get(
    rita: User, acme: Organization
) -> None:
    page = browser_of(rita).get(MAILS).content.decode()
    assert f"key_expiry:{acme.public_id}" in page
    assert f"soft_limit:{acme.public_id}" not in page
    assert "Owners only" in page


def test_the_page_shows_what_is_always_sent_and_locks_it(
    ada: User, acme: Organization
) -> None:
    page = browser_of(ada).get(MAILS).content.decode()
    assert all(label in page for label in OptionalMail.labels)
    assert page.count("checked disabled") == page.count("(always)") > 4


def test_a_choice_is_in_the_audit_log(ada: User, acme: Organization) -> None:
    kept = checked(ada) - {f"soft_limit:{acme.public_id}"}
    browser_of(ada).post(SAVE, {"wanted": sorted(kept)})
    browser_of(ada).post(SAVE, {"wanted": sorted(kept)})
    event = AuditEvent.objects.get(action="user.updated")
    assert event.details["before"] == {"mails": [f"soft_limit:{acme.public_id}"]}
    assert event.details["after"] == {"mails": []}


def test_opening_a_mails_link_refuses_nothing(ada: User, acme: Organization) -> None:
    answer = Client().get(link_of(ada, acme))
    assert "Stop these mails?" in answer.content.decode()
    assert not MailChoice.objects.exists()


def test_one_click_refuses_without_cookies_or_a_token(
    ada: User, acme: Organization
) -> None:
    program = Client(enforce_csrf_checks=True)
    for _ in range(2):
        body = {"List-Unsubscribe": "One-Click"}
        assert program.post(link_of(ada, acme), body).status_code == 200
    assert told(acme, ada, kind="soft_limit") == []
    assert AuditEvent.objects.get(action="mail.refused").target == ada.email


def test_who_refused_by_a_link_has_it_again_by_the_same(
    ada: User, acme: Organization
) -> None:
    browser, link = Client(enforce_csrf_checks=True), link_of(ada, acme)
    assert "Send them again" in browser.post(link).content.decode()
    browser.post(link, {"again": "on"})
    assert told(acme, ada, kind="soft_limit") == [ada.email]


def test_addresses_without_an_account_refuse_as_well(acme: Organization) -> None:
    choose_mail_from_link(
        subscription=Subscription(acme.pk, "books@acme.example", "soft_limit"),
        is_wanted=False,
        now=NOW,
    )
    assert told(acme, User(email="Books@acme.example"), kind="soft_limit") == []


@pytest.mark.parametrize("kind", ["hard_limit", "love_letter"])
def test_a_link_for_what_is_always_sent_is_not_there(
    ada: User, acme: Organization, kind: str
) -> None:
    assert Client().post(link_of(ada, acme, kind)).status_code == 404
    assert not MailChoice.objects.exists()


def test_a_link_that_was_altered_is_not_there(ada: User, acme: Organization) -> None:
    link = link_of(ada, acme)
    place = link.index("/mails/") + 10
    altered = link[:place] + ("B" if link[place] == "A" else "A") + link[place + 1 :]
    assert subscription_of(link.rpartition("/")[2]) is not None
    assert Client().post(altered).status_code == 404
    assert not MailChoice.objects.exists()
