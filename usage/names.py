"""Names of what usage is told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from keys.models import ApiKey
from orgs.models import Membership, User
from usage.dimensions import NOBODY, Dimension, Filter, Group
from usage.hours import OF_SOMEBODY
from usage.models import Endpoint, UsageHour

# The words of dimensions inside a sentence.
FILTER_WORDS = {
    Dimension.MODEL: "model",
    Dimension.KEY: "API key",
    Dimension.MEMBER: "member",
    Dimension.ENDPOINT: "endpoint",
}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A filter, and the names of what it lets through."""

    filter: Filter
    groups: tuple[Group, ...]


def narrowing_to(
    dimension: Dimension, named: Sequence[str], viewer: Membership
) -> Narrowing:
    """
    Return the filter that addresses name; what the viewer cannot see is left out.

    A reader narrows to models, endpoints, and to keys and usage of their own: what
    others used they see in sums alone.
    """
    values = values_named(dimension, named, viewer)
    groups = named_groups(dimension, values)
    return Narrowing(Filter(dimension, tuple(values)), tuple(groups.values()))


def values_named(
    dimension: Dimension, named: Sequence[str], viewer: Membership
) -> list[str]:
    """Return the rollups' values of what is called so in an address."""
    none = [""] if NOBODY in named else []
    match dimension:
        case Dimension.MODEL:
            return [*(each for each in named if each != NOBODY), *none]
        case Dimension.ENDPOINT:
            return [each for each in named if each in Endpoint.values]
        case Dimension.KEY:
            used = UsageHour.objects.filter(
                organization=viewer.organization, api_key=OuterRef("pk")
            )
            keys = ApiKey.objects.filter(public_id__in=named)
            keys = keys.filter(Exists(used) | Q(organization=viewer.organization))
            keys = keys if viewer.is_owner else keys.filter(user=viewer.user_id)
            found = list(keys.values_list("pk", flat=True))
        case _:
            used = UsageHour.objects.filter(
                organization=viewer.organization, user=OuterRef("pk")
            )
            people = User.objects.filter(Exists(used), public_id__in=named)
            people = people if viewer.is_owner else people.filter(pk=viewer.user_id)
            found = list(people.values_list("pk", flat=True))
    return [*map(str, found), *(none if viewer.is_owner else [])]


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
