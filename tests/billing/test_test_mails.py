"""An owner sends an example of a mail to themselves."""

from __future__ import annotations

import pytest

from billing.mail_samples.gallery import samples_to_try
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
ADDRESS = "/o/acme/alerts/test"


@pytest.mark.parametrize("name", [each.name for each in samples_to_try(now=NOW)])
def test_it_goes_to_who_asks_alone_and_says_that_it_is_a_test(
    acme: Organization, ada: User, name: str
) -> None:
    answer = browser_of(ada).post(ADDRESS, {"mail": name})

    assert answer.status_code == 302
    mail = OutboxMail.objects.get()
    assert (mail.recipient, mail.kind) == (ada.email, "test_mail")
    assert mail.subject.startswith("[Test] ")
    for body in (mail.body_text, mail.body_html):
        assert "This is a test that you asked for" in body
        assert "Stop these mails" not in body
    assert AuditEvent.objects.get(action="mail.tested").details == {"sample": name}


def test_sent_twice_it_comes_once(acme: Organization, ada: User) -> None:
    for _ in range(2):
        data = {"mail": "soft_limit", "new_id": f"test_{'a' * 24}"}
        browser_of(ada).post(ADDRESS, data)

    assert OutboxMail.objects.count() == 1
    assert AuditEvent.objects.filter(action="mail.tested").count() == 1


def test_the_eleventh_within_an_hour_is_refused(acme: Organization, ada: User) -> None:
    browser = browser_of(ada)
    answers = [browser.post(ADDRESS, {"mail": "soft_limit"}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [302] * 10 + [422]
    assert "ten tests within the hour" in answers[-1].content.decode()
    assert OutboxMail.objects.count() == 10


@pytest.mark.parametrize("data", [{}, {"mail": "invitation"}, {"mail": "love-letter"}])
def test_what_is_not_offered_is_not_sent(
    acme: Organization, ada: User, data: dict[str, str]
) -> None:
    assert browser_of(ada).post(ADDRESS, data).status_code == 422
    assert not OutboxMail.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_reader_sends_none(acme: Organization, rita: User) -> None:
    assert browser_of(rita).post(ADDRESS, {"mail": "soft_limit"}).status_code == 403
    assert not OutboxMail.objects.exists()
