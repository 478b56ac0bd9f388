"""People, organizations, the audit log and the outbox, for the operator."""

from __future__ import annotations

from orgs.admin import organizations, people, records, sign_in

__all__ = ["organizations", "people", "records", "sign_in"]
