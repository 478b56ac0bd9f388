"""Which passwords are too easy to guess, besides what Django finds."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from orgs.models import Organization, User

PRODUCT = "tokenhouse"
# Beyond words that everybody here knows, as much as a password must have at all.
REST_MIN = 8
SHORTEST_WORD = 4


class ContextWordsValidator:
    """Refuse a password that is little more than names of this place."""

    def validate(self, password: str, user: User | None = None) -> None:
        """
        Count what is left without the words.

        :raises ValidationError: if it has one of them and is too short without.
        """
        rest = typed = password.casefold()
        for word in context_words(user):
            rest = rest.replace(word, "")
        if rest != typed and len(rest) < REST_MIN:
            raise ValidationError(
                "Without the names of this product, its address and your organizations "
                "the password is too short.",
                code="password_of_context_words",
            )

    def get_help_text(self) -> str:
        return "Names of this product and of your organizations do not count."


def context_words(user: User | None) -> list[str]:
    """Return the product, its host and the person's organizations; longest first."""
    host = urlsplit(settings.BASE_URL).hostname or ""
    words = {PRODUCT, *host.casefold().split(".")}
    if user is not None and user.pk is not None:
        mine = Organization.objects.filter(memberships__user=user)
        for name in mine.values_list("name", flat=True):
            words |= {name.casefold(), *name.casefold().split()}
    long = (word for word in words if len(word) >= SHORTEST_WORD)
    return sorted(long, key=lambda word: (-len(word), word))
