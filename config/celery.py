"""
Celery: the application and the one table of periodic work.

All work is periodic and safe to repeat, so a lost message costs one interval. Redis
carries nothing that is not in Postgres.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from celery.signals import worker_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config import safety
from orgs.logins import log_in_as_application
from orgs.origin import Door, Origin, arriving_by
from orgs.reach import NOBODYS, whole_installation

safety.stop_if_unsafe()
# A turn that waited for so many intervals is dropped: later ones do its work.
TURNS_KEPT = 4


def every(interval_s: float, task: str) -> dict[str, Any]:
    """Return a beat entry whose messages do not pile up while no worker runs."""
    return {
        "task": task,
        "schedule": interval_s,
        "options": {"expires": interval_s * TURNS_KEPT},
    }


BEAT_TABLE: dict[str, dict[str, Any]] = {
    "roll up usage records": every(2.0, "usage.roll_up"),
    "evaluate limits": every(5.0, "billing.evaluate_limits"),
    "send the outbox": every(5.0, "orgs.send_outbox"),
    "anchor the audit log": every(3600.0, "orgs.anchor_audit"),
    "sweep orphaned holds": every(
        settings.SWEEP_INTERVAL_S, "billing.sweep_orphaned_holds"
    ),
    "post usage to the ledger": every(60.0, "billing.post_usage"),
    "close billing cycles": every(60.0, "billing.close_cycles"),
    "warn of keys that expire": every(600.0, "keys.warn_of_expiry"),
    "write off ended credit": every(60.0, "billing.write_off_credit"),
    "warn of credit that ends": every(60.0, "billing.warn_of_credit"),
    "revert temporary raises": every(30.0, "billing.keep_quota"),
    "forget kept answers": every(600.0, "billing.forget_kept_answers"),
    "make partitions": {
        "task": "usage.make_partitions",
        "schedule": crontab(hour="3", minute="17"),
        "options": {"expires": 3600.0},
    },
}


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


@worker_init.connect
def log_in(**_: object) -> None:
    """Before the worker's processes begin: each task says what it needs to see."""
    log_in_as_application(NOBODYS)


@worker_ready.connect
def make_partitions_at_start(**_: object) -> None:
    """A worker that was down for months must not wait for the night."""
    app.send_task("usage.make_partitions", expires=3600.0)
