"""What a mail tells its recipient alone: links and codes that open something."""

from __future__ import annotations

import re

from django.conf import settings

# A code that is typed where it is asked for stands alone in its line.
CODE = re.compile(r"^[A-Z0-9]{3,5}(?:-[A-Z0-9]{3,5}){1,2}$", re.MULTILINE)
LINK = re.compile(r"(/(?:invitations/|account/password/reset/key/))[^\s\"'<>&]+")


def as_others_see_it(text: str) -> str:
    """
    Return a mail without the secrets of its links and codes: they let somebody in.

    Where mail leads nowhere they stay, because the operator hands them on.
    """
    if settings.MAIL_LEADS_NOWHERE:
        return text
    return CODE.sub("…", LINK.sub(r"\1…", text))
