"""Two set up an installation at the same moment: one becomes its operator."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from orgs.actions import AlreadySetUp, set_up_operator
from orgs.first_set_up import is_open
from orgs.models import FirstSetUp, User
from tests.concurrency.threads import PATIENCE_S, all_at_once
from tests.factories import NOW, PASSWORD

pytestmark = pytest.mark.usefixtures("committed_db")

PEOPLE = [f"p{number}@house.example" for number in range(4)]


def set_up(email: str) -> bool:
    try:
        set_up_operator(email=email, name="P", password=PASSWORD, now=NOW)
    except AlreadySetUp:
        return False
    return True


def test_one_of_many_wins_and_the_others_leave_nothing() -> None:
    won = all_at_once([partial(set_up, email) for email in PEOPLE])
    assert sum(won) == 1
    assert User.objects.get().email == PEOPLE[won.index(True)]
    assert FirstSetUp.objects.get().operator == User.objects.get()


def test_control_looking_first_is_not_enough() -> None:
    looked = threading.Barrier(2)

    def look_and_create(email: str) -> None:
        assert is_open()
        looked.wait(PATIENCE_S)
        User.objects.create_superuser(email, PASSWORD)

    all_at_once([partial(look_and_create, email) for email in PEOPLE[:2]])
    assert User.objects.filter(is_staff=True).count() == 2
