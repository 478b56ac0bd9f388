"""An organization as OpenAI's clients see it: with one default project."""

from __future__ import annotations

from orgs.models import Organization


def project_id_of(organization: Organization) -> str:
    return "proj_" + organization.public_id.removeprefix("org-")
