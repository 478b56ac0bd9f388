"""The other half of a pair: its environment and its name. Pure."""

from __future__ import annotations

from orgs.models import Environment, Organization

LONGEST_NAME = 80
ENDINGS = {
    Environment.STAGING: " Staging",
    Environment.PRODUCTION: " Production",
}


def other_environment(organization: Organization) -> Environment:
    return Environment.PRODUCTION if organization.is_staging else Environment.STAGING


def sibling_name(name: str, environment: Environment) -> str:
    """
    Return the name of an organization's sibling, which is of `environment`.

    Acme's is Acme Staging, and the other way round; Trials' of production is
    Trials Production.
    """
    stem = name
    for ending in ENDINGS.values():
        if name.lower().endswith(ending.lower()):
            stem = name[: -len(ending)]
    if environment == Environment.PRODUCTION and stem != name:
        return stem
    ending = ENDINGS[environment]
    return stem[: LONGEST_NAME - len(ending)] + ending
