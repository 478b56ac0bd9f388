"""`manage.py show_permissions`: print docs/permissions.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from orgs.permissions import document


class Command(BaseCommand):
    help = "Print who may do what, as docs/permissions.md has it."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in document():
            self.stdout.write(line)
