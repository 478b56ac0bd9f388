"""Ask a provider whether it takes a key."""

from __future__ import annotations

from collections.abc import Sequence

import openai

from keys.provider_client import (
    TIMEOUT_S,
    UNREACHED,
    trouble_with,
    vetted_http,
    words_of,
)


class NotVerified(Exception):
    """The provider did not take the key, or was not reached; says why."""


def verify_provider_key(
    *, base_url: str, secret: str, allowed_networks: Sequence[str]
) -> int:
    """
    List the provider's models with a key; return how many there are.

    :raises NotVerified: with the provider's own words, if it has any.
    """
    with vetted_http(allowed_networks) as http:
        client = openai.OpenAI(
            base_url=base_url,
            api_key=secret,
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=http,
        )
        try:
            return len(client.models.list().data)
        except openai.APIStatusError as error:
            raise NotVerified(words_of(error, secret)) from None
        except UNREACHED as error:
            raise NotVerified(trouble_with(error)) from None
        except (TypeError, ValueError, AttributeError):
            raise NotVerified("It answered, but not with a list of models.") from None
