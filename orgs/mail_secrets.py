"""What a mail tells its recipient alone: links that open something."""

from __future__ import annotations

import re

from django.conf import settings

LINK = re.compile(r"(/(?:invitations/|account/password/reset/key/))[^\s\"'<>&]+")


def as_others_see_it(text: str) -> str:
    """
    Return a mail without the secrets of its links: who follows one is let in.

    Where mail leads nowhere they stay, because the operator hands them on.
    """
    return text if settings.MAIL_LEADS_NOWHERE else LINK.sub(r"\1…", text)
