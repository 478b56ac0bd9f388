"""
The processes of a running installation, each a program of its own.

    python -m config.children web|worker|beat

Started by the supervisor (`config.supervisor`), whose death ends them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

from config.servers import kernel

PARENT_VARIABLE = "TOKENHOUSE_PARENT"
SOCKET_VARIABLE = "TOKENHOUSE_SOCKET"
WORKER_PROCESSES = 2
PARENT_POLL_S = 1.0
# Requests under way get this long; then the gateway books what it can.
GRACEFUL_S = 2


def web() -> None:
    """Serve console and gateway on the socket that the supervisor bound."""
    import uvicorn

    config = uvicorn.Config(
        "config.asgi:application",
        loop="uvloop",
        http="config.receipt:CarefulHttp",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # Whose word counts about a client's address, TRUSTED_PROXIES says alone.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    listener = socket.socket(fileno=int(os.environ[SOCKET_VARIABLE]))
    uvicorn.Server(config).run(sockets=[listener])


def worker() -> None:
    from config.celery import app

    app.worker_main(
        [
            "worker",
            f"--concurrency={WORKER_PROCESSES}",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
        ]
    )


def beat() -> None:
    from django.conf import settings

    from config.celery import app

    schedule = settings.DATA_DIR / "run" / "beat-schedule"
    app.start(["beat", "--loglevel=INFO", "--pidfile=", f"--schedule={schedule}"])


CHILDREN = {"web": web, "worker": worker, "beat": beat}


def end_with_parent(parent: int) -> None:
    """Have us terminated when the supervisor dies, even by `kill -9`."""
    if kernel.IS_LINUX:
        kernel.follow_parent(parent, signal.SIGTERM)
        return

    def poll() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=poll, daemon=True).start()


def main(name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    end_with_parent(int(os.environ[PARENT_VARIABLE]))
    CHILDREN[name]()


if __name__ == "__main__":
    main(sys.argv[1])
