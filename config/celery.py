"""
Celery: the application.

All work is periodic and safe to repeat (`config.beat_table`), so a lost message costs
one interval. Redis carries nothing that is not in Postgres.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from celery import Celery, Task
from celery.signals import before_task_publish, worker_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


from config import safety
from config.beat_table import BEAT_TABLE, PUBLISHED_AT, QUEUE
from orgs.logins import log_in_as_application
from orgs.origin import Door, Origin, arriving_by
from orgs.reach import NOBODYS, whole_installation

safety.stop_if_unsafe()


class OwnTask(Task):  # type: ignore[type-arg]
    """Work whose changes the audit log shows as those of a task."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with (
            arriving_by(Origin(Door.TASK)),
            whole_installation(f"the task {self.name}"),
        ):
            return super().__call__(*args, **kwargs)


app = Celery("tokenhouse", task_cls=OwnTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    beat_schedule=BEAT_TABLE,
    broker_connection_retry_on_startup=True,
    # Longer than any task, shorter than anyone waits for what a dead worker took.
    broker_transport_options={"visibility_timeout": 300},
    enable_utc=True,
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_ignore_result=True,
    task_serializer="json",
    task_soft_time_limit=100,
    task_time_limit=120,
    timezone="UTC",
    # A mail under way is not sent again because Redis went away.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)
app.autodiscover_tasks()
app.autodiscover_tasks(["config"], related_name="worker_presence")


@before_task_publish.connect
def note_publication(headers: dict[str, Any], **_: object) -> None:
    headers[PUBLISHED_AT] = datetime.now(UTC).isoformat()


@worker_init.connect
def log_in(**_: object) -> None:
    """Before the worker's processes begin: each task says what it needs to see."""
    log_in_as_application(NOBODYS)


@worker_ready.connect
def make_partitions_at_start(**_: object) -> None:
    """A worker that was down for months must not wait for the night."""
    app.send_task("usage.make_partitions", expires=3600.0)
