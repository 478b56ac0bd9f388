"""Names of what usage is told apart by."""

from __future__ import annotations

from collections.abc import Sequence

from keys.models import ApiKey
from orgs.models import Membership, User
from usage.dimensions import NOBODY, Dimension, Group
from usage.hours import OF_SOMEBODY
from usage.models import Endpoint


def named_groups(dimension: Dimension, values: Sequence[str]) -> dict[str, Group]:
    """Return a group for each value of the dimension's column, as text."""
    match dimension:
        case Dimension.MODEL:
            return {
                value: Group(value or NOBODY, value or "No model") for value in values
            }
        case Dimension.ENDPOINT:
            labels = dict(Endpoint.choices)
            return {value: Group(value, labels.get(value, value)) for value in values}
        case Dimension.KEY:
            known = named_keys(values)
            nobody, lost = "Without a key", "Deleted key"
        case Dimension.MEMBER:
            known = named_members(values)
            nobody, lost = "Service keys", "Deleted member"
        case _:
            raise AssertionError(f"{dimension} has no column")
    known[""] = Group(NOBODY, nobody)
    return {value: known.get(value, Group(NOBODY, lost, value)) for value in values}


def named_keys(values: Sequence[str]) -> dict[str, Group]:
    """Return groups of keys by their row id."""
    keys = ApiKey.objects.filter(pk__in=[value for value in values if value])
    return {str(key.pk): Group(key.public_id, key.name, key.masked) for key in keys}


def named_members(values: Sequence[str]) -> dict[str, Group]:
    """Return groups of members by their row id."""
    people = User.objects.filter(pk__in=[value for value in values if value])
    return {
        str(person.pk): Group(person.public_id, person.get_full_name(), person.email)
        for person in people
    }


def rest_group(
    dimension: Dimension | None, viewer: Membership | None, *, is_full: bool
) -> Group:
    """
    Return the group of what is not told apart.

    `is_full` says that the viewer's own groups are more than are told apart.
    """
    if dimension is None:
        return Group("", "All")
    if viewer is None or viewer.is_owner or dimension not in OF_SOMEBODY:
        return Group("", "Other")
    return Group("", "All others" if is_full else "Everyone else")
