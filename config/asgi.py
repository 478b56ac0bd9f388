"""One ASGI application: the gateway under `/v1`, Django for the rest."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.db import DatabaseError, connection

# Static files are served from where they lie; nothing need be collected.
warnings.filterwarnings("ignore", message="No directory at")
# They are small: that WhiteNoise reads them in one go does no harm.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume")
django_application = get_asgi_application()

from gateway import app as gateway_app  # noqa: E402 - models need Django set up
from gateway.messages import Receive, Scope, Send  # noqa: E402
from gateway.service import Gateway  # noqa: E402
from orgs import first_set_up  # noqa: E402

logger = logging.getLogger(__name__)

STATE = "tokenhouse.gateway"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request, or the process's beginning and end."""
    if scope["type"] == "lifespan":
        await live(scope, receive, send)
    elif scope["type"] == "http" and is_api(scope["path"]):
        gateway = cast("Gateway", scope["state"][STATE])
        await gateway_app.serve(gateway, scope, receive, send)
    elif scope["type"] == "http":
        await django_application(cast("Any", scope), receive, cast("Any", send))


def tell_of_set_up() -> None:
    """Log where the operator is made, while the installation has none."""
    try:
        if first_set_up.is_open():
            logger.warning("no_operator_yet set_up=%s", first_set_up.set_up_address())
    except DatabaseError as error:
        logger.warning("set_up_unknown error=%s", type(error).__name__)
    finally:
        connection.close()


def is_api(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Open the gateway at start-up and close it at shutdown."""
    assert (await receive())["type"] == "lifespan.startup"
    gateway = Gateway()
    try:
        await gateway.open()
    except Exception:
        logger.exception("gateway_failed_to_start")
        await send({"type": "lifespan.startup.failed", "message": "see the log"})
        return
    scope["state"][STATE] = gateway
    await sync_to_async(tell_of_set_up)()
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await gateway.close()
    await send({"type": "lifespan.shutdown.complete"})
