"""One ASGI application: the gateway under `/v1`, Django for the rest."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import DatabaseError, connection, connections

from config import safety

safety.stop_if_unsafe()
# Static files are served from where they lie; nothing need be collected.
warnings.filterwarnings("ignore", message="No directory at")
# They are small: that WhiteNoise reads them in one go does no harm.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume")
django_application = get_asgi_application()

from orgs.logins import log_in_as_application  # noqa: E402
from orgs.reach import NOBODYS  # noqa: E402

log_in_as_application(NOBODYS)

from config.console import Console  # noqa: E402 - models need Django set up
from config.receipt import is_api  # noqa: E402
from gateway import app as gateway_app  # noqa: E402
from gateway.admin_api.paths import is_administration  # noqa: E402
from gateway.messages import Receive, Scope, Send  # noqa: E402
from gateway.service import Gateway  # noqa: E402
from orgs import first_set_up  # noqa: E402

logger = logging.getLogger(__name__)

STATE = "tokenhouse.gateway"
# A request leaves hardly any cycles behind: looked for every some hundred requests.
GARBAGE_FIRST, GARBAGE_SECOND, GARBAGE_THIRD = 20_000, 20, 20

console = Console(django_application)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request, or the process's beginning and end."""
    if scope["type"] == "lifespan":
        await live(scope, receive, send)
    elif scope["type"] == "http" and is_gateways(scope["path"]):
        gateway = cast("Gateway", scope["state"][STATE])
        await gateway_app.serve(gateway, scope, receive, send)
    elif scope["type"] == "http":
        await console(scope, receive, send)


def is_gateways(path: str) -> bool:
    return is_api(path) and not is_administration(path)


def tell_of_set_up() -> None:
    """Log where the operator is made, while the installation has none."""
    try:
        if first_set_up.is_open():
            logger.warning("no_operator_yet set_up=%s", first_set_up.set_up_address())
    except DatabaseError as error:
        logger.warning("set_up_unknown error=%s", type(error).__name__)
    finally:
        connection.close()


def bound_statements() -> None:
    """Have Postgres end what a page asks for too long (the gateway has its own)."""
    options = connections.settings["default"]["OPTIONS"]
    given = options.get("options", "")
    timeout_ms = int(settings.PAGE_STATEMENT_TIMEOUT_S * 1000)
    options["options"] = f"{given} -c statement_timeout={timeout_ms}"


def leave_what_is_loaded_alone() -> None:
    """
    Have the garbage collector look no more at what lives as long as the process.

    To look through all of Django's modules takes tens of milliseconds, in which every
    request under way would wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_FIRST, GARBAGE_SECOND, GARBAGE_THIRD)


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Open the gateway at start-up and close it at shutdown."""
    assert (await receive())["type"] == "lifespan.startup"
    bound_statements()
    gateway = Gateway()
    try:
        await gateway.open()
    except Exception:
        logger.exception("gateway_failed_to_start")
        await send({"type": "lifespan.startup.failed", "message": "see the log"})
        return
    scope["state"][STATE] = gateway
    await sync_to_async(tell_of_set_up)()
    leave_what_is_loaded_alone()
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await gateway.close()
    await send({"type": "lifespan.shutdown.complete"})
