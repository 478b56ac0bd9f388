"""
Soft limits in OpenAI's shape: an amount a month, and who is told besides the owners.

Those in percent or of the forecast are not OpenAI's: the limits page has them.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.actions.limits import (
    SoftLimitExists,
    TooManySoftLimits,
    add_soft_limit,
    remove_soft_limit,
)
from billing.alert_models import RECIPIENTS_MAX, Basis
from billing.models import SoftLimit
from core.money import NANOS_PER_CENT
from gateway import errors
from gateway.admin_api.bodies import Fields, fields_of
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import Listing, deleted, one_of, page_of
from gateway.admin_api.parameters import choice
from gateway.admin_api.spend_limit import FIELDS, cents_in

KIND = "organization.spend_alert"
CHANNEL = "notification_channel"


def list_alerts(request: ApiRequest) -> dict[str, Any]:
    """List the amounts at which people are told."""
    is_newest_first = choice(
        request.GET, "order", {"asc": False, "desc": True}, default=False
    )
    listing = Listing(is_newest_first=is_newest_first, known=("order",))
    return page_of(request, alerts_of(request), alert_of, listing)


def retrieve_alert(request: ApiRequest, alert_id: str) -> dict[str, Any]:
    return alert_of(one_of(alerts_of(request), public_id=alert_id))


def create_alert(request: ApiRequest) -> dict[str, Any]:
    """Tell people when the spend reaches an amount."""
    return alert_of(add(request, fields_of(request, (*FIELDS, CHANNEL))))


def update_alert(request: ApiRequest, alert_id: str) -> dict[str, Any]:
    """Put another alert, with an id of its own, in the place of one."""
    fields = fields_of(request, (*FIELDS, CHANNEL))
    with transaction.atomic():
        remove(request, alert_id)
        return alert_of(add(request, fields))


def delete_alert(request: ApiRequest, alert_id: str) -> dict[str, Any]:
    remove(request, alert_id)
    return deleted(KIND, alert_id)


def alerts_of(request: ApiRequest) -> QuerySet[SoftLimit]:
    return SoftLimit.objects.filter(
        organization=request.organization,
        amount_nanos__isnull=False,
        basis=Basis.ACTUAL,
    )


def add(request: ApiRequest, fields: Fields) -> SoftLimit:
    try:
        return add_soft_limit(
            organization=request.organization,
            amount_nanos=cents_in(fields, least=1),
            recipients=recipients_in(fields),
            acting_user=request.maker,
            now=timezone.now(),
        )
    except SoftLimitExists:
        raise errors.spend_alert_exists() from None
    except TooManySoftLimits:
        raise errors.too_many_spend_alerts() from None


def remove(request: ApiRequest, alert_id: str) -> None:
    remove_soft_limit(
        soft_limit=one_of(alerts_of(request), public_id=alert_id),
        acting_user=request.maker,
        now=timezone.now(),
    )


def recipients_in(fields: Fields) -> list[str]:
    """Return the addresses to tell besides the owners, in lower case, each once."""
    channel = fields.required(CHANNEL)
    if not isinstance(channel, dict) or channel.get("type") != "email":
        raise errors.malformed(f"'{CHANNEL}' must have the type 'email'.", CHANNEL)
    if set(channel) - {"type", "recipients"}:
        message = f"'{CHANNEL}' takes 'type' and 'recipients' alone."
        raise errors.malformed(message, CHANNEL)
    recipients = channel.get("recipients")
    if not isinstance(recipients, list) or len(recipients) > RECIPIENTS_MAX:
        message = f"'recipients' must be a list of {RECIPIENTS_MAX} addresses at most."
        raise errors.malformed(message, f"{CHANNEL}.recipients")
    return list(dict.fromkeys(address_in(text) for text in recipients))


def address_in(text: Any) -> str:
    try:
        validate_email(text)
    except (ValidationError, TypeError):
        message = f"{text!r} is not an e-mail address."
        raise errors.malformed(message, f"{CHANNEL}.recipients") from None
    return str(text).lower()


def alert_of(alert: SoftLimit) -> dict[str, Any]:
    assert alert.amount_nanos is not None, "others are not listed"
    return {
        "object": KIND,
        "id": alert.public_id,
        "currency": "USD",
        "interval": "month",
        # A limit finer than a cent is told as the cents that fit.
        "threshold_amount": alert.amount_nanos // NANOS_PER_CENT,
        CHANNEL: {
            "type": "email",
            "recipients": alert.recipients,
            "subject_prefix": None,
        },
    }


spend_alerts = admin_resource(GET=list_alerts, POST=create_alert)
spend_alert = admin_resource(GET=retrieve_alert, POST=update_alert, DELETE=delete_alert)
