from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class UsageConfig(AppConfig):
    name = "usage"

    def ready(self) -> None:
        post_migrate.connect(make_partitions, sender=self)


def make_partitions(**_: Any) -> None:
    """Make the partitions that are missing, once the table is there."""
    from django.utils import timezone

    from usage import partitions

    if partitions.exists("usage_usagerecord"):
        partitions.ensure_coming_partitions(now=timezone.now())
