"""Each worker says that it lives, and how its periodic tasks went."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from celery import Task
from celery.signals import task_postrun, task_prerun, worker_ready, worker_shutdown
from celery.states import FAILURE
from celery.worker import state
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from billing.actions.upkeep import forget_worker, note_task, note_worker
from config.beat_table import BEAT_TABLE
from orgs.reach import whole_installation

logger = logging.getLogger(__name__)

BEAT_S = 5.0
PERIODIC = {entry["task"] for entry in BEAT_TABLE.values()}


class Presence(threading.Thread):
    """Beats from the worker's own process, whatever its pool is busy with."""

    def __init__(self) -> None:
        super().__init__(name="presence", daemon=True)
        self.worker_id = uuid.uuid4()
        self.started_at = timezone.now()
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.is_set():
            noted("worker", self._beat)
            # The pool's processes must not inherit it.
            connections.close_all()
            self._ends.wait(BEAT_S)
        noted("worker", lambda: forget_worker(worker_id=self.worker_id))
        connections.close_all()

    def end(self) -> None:
        """Sign off, and wait for that a little."""
        self._ends.set()
        self.join(BEAT_S)

    def _beat(self) -> None:
        note_worker(
            worker_id=self.worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            tasks=sum(state.total_count.values()),
            started_at=self.started_at,
            now=timezone.now(),
        )


_presences: list[Presence] = []
# When the tasks under way in this process began, by the monotonic clock.
_began: dict[str, float] = {}


@worker_ready.connect
def begin(**_: object) -> None:
    presence = Presence()
    _presences.append(presence)
    presence.start()


@worker_shutdown.connect
def end(**_: object) -> None:
    while _presences:
        _presences.pop().end()


@task_prerun.connect
def note_begin(task_id: str, **_: object) -> None:
    _began[task_id] = time.monotonic()


@task_postrun.connect
def note_end(
    task_id: str,
    task: Task[Any, Any],
    state: str = "",
    retval: object = None,
    **_: object,
) -> None:
    """Keep how a task of the beat table went; others are nobody's routine."""
    began = _began.pop(task_id, None)
    if began is None or task.name not in PERIODIC:
        return
    error = type(retval).__name__ if state == FAILURE else ""
    lasted_ms = round((time.monotonic() - began) * 1000)
    noted(
        task.name,
        lambda: note_task(
            task=task.name, error=error, duration_ms=lasted_ms, now=timezone.now()
        ),
    )


def noted(what: str, write: Callable[[], None]) -> None:
    """Write a note; without a database there is none, and the work goes on."""
    try:
        with whole_installation("a note of a worker"):
            write()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("note.not_written of=%s error=%s", what, type(error).__name__)
