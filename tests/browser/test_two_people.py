"""Two people in two browsers: from signing up to taking an organization over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import DjangoDbBlocker

from orgs.first_set_up import set_up_address
from orgs.models import Membership, OutboxMail, Role, User
from tests import rig
from tests.browser.conftest import SCREENSHOTS, chromium_arguments, chromium_path
from tests.conftest import empty_database
from tests.factories import PASSWORD
from tests.factors import App
from tests.visits import link_mailed_to

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db_unblocked")]

# A busy machine is slow, and right all the same.
PATIENCE_MS = 30_000
ADA, RITA = "ada@acme.example", "rita@acme.example"
FORBIDDEN, NOT_FOUND = 403, 404


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nobody and nothing, on an installation where people sign up by themselves."""
    with django_db_blocker.unblock():
        empty_database()
        yield
        empty_database()


@pytest.fixture(scope="module")
def server(world: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rig.gateway(tmp_path_factory.mktemp("server"), SIGNUP="open") as process:
        yield f"http://localhost:{process.port}"


@dataclass
class Person:
    """Somebody at a browser of their own, of whom each step leaves a picture."""

    page: Page
    url: str
    email: str
    name: str
    pictures: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Open a page; return the status of the answer."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer.status

    def fill(self, **fields: str) -> None:
        """Fill in fields by their labels, whose spaces are underscores here."""
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def press(self, button: str) -> None:
        main = self.page.get_by_role("main")
        main.get_by_role("button", name=button, exact=True).click()

    def sees(self, heading: str) -> None:
        """Wait for the page of that heading, and take its picture."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.pictures.append(heading)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        name = f"two-people-{self.name.split()[0].lower()}-{len(self.pictures):02}.png"
        self.page.screenshot(path=SCREENSHOTS / name, full_page=True)


@pytest.fixture
def people(browser: Browser, server: str) -> Iterator[tuple[Person, Person]]:
    """Ada and Rita, each at a Chromium of their own."""
    expect.set_options(timeout=PATIENCE_MS)
    second = browser.browser_type.launch(
        executable_path=chromium_path(), args=chromium_arguments()
    )
    pages = [each.new_context().new_page() for each in (browser, second)]
    for page in pages:
        page.set_default_timeout(PATIENCE_MS)
    yield (
        Person(pages[0], server, ADA, "Ada Moss"),
        Person(pages[1], server, RITA, "Rita Vale"),
    )
    pages[0].context.close()
    second.close()


def code_mailed_to(email: str) -> str:
    mail = OutboxMail.objects.filter(recipient=email).latest("pk")
    found = re.search(r"^([A-Z0-9-]{4,})$", mail.body_text, re.MULTILINE)
    assert found, mail.body_text
    return found[1]


def sign_up(person: Person) -> None:
    person.open("/account/signup/")
    person.sees("Make an account")
    person.fill(Your_name=person.name, Email=person.email, Password=PASSWORD)
    person.press("Sign up")
    person.sees("Confirm your address")
    person.fill(Code=code_mailed_to(person.email))
    person.press("Confirm")
    person.sees("You are in no organization yet")


def set_up_second_factor(person: Person) -> None:
    person.open("/account/two-factor/app/")
    person.sees("Confirm that it is you")
    person.fill(Password=PASSWORD)
    person.press("Confirm")
    person.sees("Set up an authenticator app")
    secret = person.page.locator("#totp-secret").inner_text().strip()
    person.page.get_by_label("code").fill(App(secret).code())
    person.press("Turn on")
    person.sees("Recovery codes")


def create_pair(person: Person) -> None:
    person.open("/organizations/new")
    person.sees("New organization")
    person.fill(Name="Acme")
    person.press("Create")
    person.page.wait_for_url("**/o/acme/**")
    assert person.open("/o/acme-staging/overview") == 200
    person.sees("Overview")
    assert "Staging" in person.page.title()


def invite(owner: Person, guest: Person) -> None:
    owner.open("/o/acme/members")
    owner.page.get_by_label("E-mail addresses").fill(guest.email)
    owner.press("Send invitations")
    said = owner.page.get_by_text(f"Invitation sent to {guest.email}.")
    expect(said).to_be_visible()
    owner.sees("Members")


def accept(guest: Person) -> None:
    guest.open(link_mailed_to(guest.email))
    guest.sees("Join Acme")
    guest.press("Accept the invitation")
    guest.page.wait_for_url("**/o/acme/overview")
    guest.sees("Overview")


def be_refused_as_reader(reader: Person) -> None:
    assert reader.open("/o/acme/audit") == FORBIDDEN
    reader.sees("You may not do this")
    # What tests may do in staging is none of a member of production.
    assert reader.open("/o/acme-staging/overview") == NOT_FOUND
    assert reader.open("/o/acme/settings") == 200
    expect(reader.page.get_by_role("button", name="Rename")).to_have_count(0)


def hand_over(owner: Person, reader: Person) -> None:
    owner.page.get_by_role("link", name=f"Manage {reader.name}").click()
    owner.sees(reader.name)
    owner.press("Make owner")
    said = owner.page.get_by_text(f"{reader.name} is owner now.")
    expect(said).to_be_visible()


def leave(owner: Person) -> None:
    owner.page.get_by_role("link", name=f"Manage {owner.name}").click()
    owner.sees(owner.name)
    owner.press("Leave Acme (Production)")
    # Still in the organization's pair, which is theirs alone.
    owner.page.wait_for_url("**/o/acme-staging/**")
    assert owner.open("/o/acme/overview") == NOT_FOUND


def take_over(owner: Person) -> None:
    owner.open("/o/acme/settings")
    owner.page.get_by_label("Name", exact=True).fill("Acme Works")
    owner.press("Rename")
    expect(owner.page.get_by_text("Acme Works").first).to_be_visible()
    owner.open("/o/acme/members")
    expect(owner.page.get_by_role("heading", name="1 member")).to_be_visible()
    owner.sees("Members")


def test_two_people_sign_up_work_together_and_one_takes_over(
    people: tuple[Person, Person],
) -> None:
    ada, rita = people
    for person in people:
        sign_up(person)
        set_up_second_factor(person)
    create_pair(ada)
    invite(ada, rita)
    accept(rita)
    be_refused_as_reader(rita)
    ada.open("/o/acme/members")
    hand_over(ada, rita)
    leave(ada)
    take_over(rita)
    (membership,) = Membership.objects.filter(organization__slug="acme")
    assert (membership.user.email, membership.role) == (RITA, Role.OWNER)


def test_the_first_operator_is_made_in_a_browser(
    people: tuple[Person, Person],
) -> None:
    op, _ = people
    op.open(urlsplit(set_up_address()).path)
    op.page.get_by_label("E-mail").fill("op@tokenhouse.example")
    op.fill(Your_name="Op", Password=PASSWORD)
    op.page.get_by_role("main").get_by_role("button").click()
    op.page.wait_for_url("**/operator/**")

    assert User.objects.get(is_staff=True).email == "op@tokenhouse.example"
