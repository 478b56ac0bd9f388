"""Sealing second factors anew."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from keys import encryption
from keys.two_factor import CONTEXT

BATCH_MAX = 100
# What an authenticator keeps sealed: an app's secret, the seed of recovery codes.
SEALED_FIELDS = ("secret", "seed")


def reseal_second_factors(*, batch_max: int = BATCH_MAX) -> int:
    """
    Encrypt some second factors anew that are not under the newest key; return how many.

    A batch is a transaction, as with `reseal_provider_keys`. People notice nothing.

    :raises keys.encryption.CannotDecrypt: if one was altered, or its key is no longer
        in the ring; the batch changes nothing then.
    """
    return sum(reseal_field(field, batch_max=batch_max) for field in SEALED_FIELDS)


@transaction.atomic
def reseal_field(field: str, *, batch_max: int) -> int:
    newest = f"{encryption.FORMAT}.{encryption.newest_key_name()}."
    sealed = Authenticator.objects.filter(data__has_key=field)
    old = sealed.exclude(**{f"data__{field}__startswith": newest})
    batch = list(old.select_for_update(skip_locked=True).order_by("pk")[:batch_max])
    for factor in batch:
        plaintext = encryption.unseal(factor.data[field], context=CONTEXT)
        factor.data[field] = encryption.seal(plaintext, context=CONTEXT)
        factor.save(update_fields=["data"])
    return len(batch)
