"""What ends a session, or takes rights away, does so in every process at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from orgs.actions import change_role, remove_member
from orgs.models import Membership, Organization, Role, User
from tests import factories, site
from tests.factories import PASSWORD

pytestmark = pytest.mark.processes

SOON_S = 1.0
ACCOUNT, MEMBERS, AUDIT = "/account/", "/o/acme/members", "/o/acme/audit"


@pytest.fixture(scope="module")
def processes(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[site.Site, site.Site]]:
    """Two processes of one installation, which share nothing but the servers."""
    folder: Path = tmp_path_factory.mktemp("processes")
    with (
        django_db_blocker.unblock(),
        contextlib.ExitStack() as stack,
    ):
        one, other = (stack.enter_context(site.in_production(folder)) for _ in range(2))
        yield one, other


@dataclass
class Scene:
    """Rita, an owner beside Ada, in two browsers at two processes."""

    rita: User
    ada: User
    acme: Organization
    here: site.Site
    elsewhere: site.Site

    @property
    def membership(self) -> Membership:
        return Membership.objects.get(user=self.rita, organization=self.acme)


@pytest.fixture
def scene(
    committed_db: None,
    processes: tuple[site.Site, site.Site],
    settings: Settings,
) -> Scene:
    # What the processes know, rather than the quick one of other tests.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ada, rita = map(factories.make_user, ("ada@acme.example", "rita@acme.example"))
    acme = factories.make_organization("Acme")
    for owner in (ada, rita):
        factories.join(owner, acme, Role.OWNER)
    one, other = (logged_in(each, rita) for each in processes)
    return Scene(rita, ada, acme, one, other)


def logged_in(at: site.Site, user: User) -> site.Site:
    visitor = at.visited_by(None)
    fields = {"login": user.email, "password": PASSWORD}
    assert visitor.send("/account/login/", fields).status == 302
    assert visitor.ask(ACCOUNT).status == 200
    return visitor


def seconds_until(visitor: site.Site, path: str, status: int) -> float:
    """Return how long a page still answered otherwise."""
    began = time.monotonic()
    while visitor.ask(path).status != status:
        assert time.monotonic() - began < 20, f"{path} is never answered {status}"
    return time.monotonic() - began


def log_out_everywhere(scene: Scene) -> None:
    assert scene.here.send("/account/sessions/", {}).status == 302


def change_password(scene: Scene) -> None:
    new = "three quiet rivers run"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert scene.here.send("/account/password/change/", fields).status == 302


def switch_off(scene: Scene) -> None:
    User.objects.filter(pk=scene.rita.pk).update(is_active=False)


@pytest.mark.parametrize("end", [log_out_everywhere, change_password, switch_off])
def test_a_session_ends_in_every_process(
    scene: Scene, end: Callable[[Scene], None]
) -> None:
    assert scene.elsewhere.ask(ACCOUNT).status == 200
    end(scene)

    # The first answer after the change is the refusal already.
    assert scene.elsewhere.ask(ACCOUNT).status == 302
    assert scene.elsewhere.ask(MEMBERS).status == 302


def test_logging_out_voids_the_session_itself(scene: Scene) -> None:
    """Whoever copied the cookie has nothing any more, wherever it is sent."""
    copied = site.Site(scene.elsewhere.process, dict(scene.here.cookies))
    assert copied.ask(ACCOUNT).status == 200

    scene.here.send("/account/logout/", {})

    assert copied.ask(ACCOUNT).status == 302


def test_who_is_removed_sees_nothing_more_in_any_process(scene: Scene) -> None:
    assert scene.elsewhere.ask(MEMBERS).status == 200
    remove_member(
        membership=scene.membership, acting_user=scene.ada, now=timezone.now()
    )

    for visitor in (scene.here, scene.elsewhere):
        assert visitor.ask(MEMBERS).status == 404
        assert visitor.ask(ACCOUNT).status == 200


def test_a_new_role_counts_in_every_process(scene: Scene) -> None:
    assert scene.elsewhere.ask(AUDIT).status == 200
    change_role(
        membership=scene.membership,
        role=Role.READER,
        acting_user=scene.ada,
        now=timezone.now(),
    )

    assert seconds_until(scene.elsewhere, AUDIT, 403) < SOON_S
    change_role(
        membership=scene.membership,
        role=Role.OWNER,
        acting_user=scene.ada,
        now=timezone.now(),
    )
    assert seconds_until(scene.here, AUDIT, 200) < SOON_S


def test_a_session_has_another_name_after_logging_in(scene: Scene) -> None:
    visitor = scene.here.visited_by(None)
    visitor.cookies[site.SESSION] = "planted0planted0planted0planted0"

    fields = {"login": scene.rita.email, "password": PASSWORD}
    assert visitor.send("/account/login/", fields).status == 302

    assert "planted" not in visitor.cookies[site.SESSION]
    planted = site.Site(
        scene.here.process, {site.SESSION: "planted0planted0planted0planted0"}
    )
    assert planted.ask(ACCOUNT).status == 302
