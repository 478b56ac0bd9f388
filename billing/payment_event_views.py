"""Where the payment provider tells what happened: signed, and by nobody logged in."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.actions.payment_events import receive_event
from billing.payments import payment_provider
from billing.payments.seam import (
    Card,
    Event,
    ForgedEvent,
    PaymentProvider,
    ProviderAway,
    ProviderRefuses,
)
from orgs.reach import whole_installation

logger = logging.getLogger(__name__)

LONGEST_EVENT_BYTES = 256 * 1024
SIGNATURE = "Stripe-Signature"


# It is signed as a whole, which a page of another site cannot do.
@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """
    Take in an event. Any status but 2xx has the provider send it again later.

    Unless cards are taken it is not there.
    """
    provider = payment_provider()
    if provider is None:
        raise Http404
    payload = body_of(request)
    if payload is None:
        return HttpResponse("The event is too long, or no JSON.", status=413)
    try:
        event = provider.event(
            payload=payload, signature=request.headers.get(SIGNATURE, "")
        )
        card = card_of(provider, event)
    except ForgedEvent:
        logger.warning("payment_event_forged")
        return HttpResponse("The signature is wrong or old.", status=400)
    except ProviderAway as error:
        logger.warning("payment_event_postponed reason=%s", error)
        return HttpResponse("Send it again later.", status=503)
    with whole_installation("an event of the payment provider"):
        outcome = receive_event(event=event, card=card, now=timezone.now())
    logger.info("payment_event event=%s outcome=%s", event.event_id, outcome)
    return HttpResponse(outcome)


def body_of(request: HttpRequest) -> bytes | None:
    """Return what was sent as it was sent, or None if no event can look like that."""
    if request.content_type != "application/json":
        return None
    try:
        payload = request.body
    except RequestDataTooBig:
        return None
    return payload if len(payload) <= LONGEST_EVENT_BYTES else None


def card_of(provider: PaymentProvider, event: Event) -> Card | None:
    """Return the card that an event is about; a refused one is gone already."""
    if event.set_up is None or not event.set_up.method_id:
        return None
    try:
        return provider.card(method_id=event.set_up.method_id)
    except ProviderRefuses:
        return None
