"""Moments in templates, in the reader's time zone: `{{ key.created_at|moment }}`."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.zones import as_read, zone_label

register = template.Library()
NOTHING = "—"
IN_MAILS = {"minutes": "j F Y, H:i", "day": "j F Y", "time": "H:i"}
FORMATS = {"seconds": "j M Y, H:i:s", "minutes": "j M Y, H:i", "day": "j M Y"}


@register.filter
def moment(at: datetime | None, exactness: str = "minutes") -> SafeString | str:
    """
    Write a moment as its reader's clock shows it, with the zone; a dash for none.

    By `day` there is no zone: the tooltip tells it, and UTC.
    """
    if at is None:
        return NOTHING
    local = as_read(at)
    text = format_date(local, FORMATS[exactness])
    if exactness != "day":
        text = f"{text} {zone_label(local)}"
    in_utc = format_date(at.astimezone(UTC), FORMATS["seconds"])
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>', at.isoformat(), in_utc, text
    )


@register.filter
def moment_text(at: datetime, exactness: str = "minutes") -> str:
    """
    Write a moment for a mail, by its recipient's clock: `1 December 2026, 01:00 CET`.

    By `day` there is no zone, and by `time` no day.
    """
    local = as_read(at)
    text = format_date(local, IN_MAILS[exactness])
    return text if exactness == "day" else f"{text} {zone_label(local)}"
