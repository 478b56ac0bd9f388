"""That an operator looks at an organization's console: with a reason, for a while."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual

from core import ids

LONGEST_VIEWING = timedelta(minutes=30)
SHORTEST_REASON = 10
LONGEST_REASON = 300


def new_viewing_id() -> str:
    return ids.public_id("view_")


class ViewingEnd(models.TextChoices):
    OPEN = "", "Not over"
    STOPPED = "stopped", "Stopped"
    TIME = "time", "Its time was over"
    LOGGED_OUT = "logged_out", "Logged out"
    REPLACED = "replaced", "Another one began"
    NO_OPERATOR = "no_operator", "No operator any more"
    DELETED = "deleted", "The organization was deleted"


class Viewing(models.Model):
    """
    An operator sees an organization's pages as an owner does, and changes nothing.

    It is bound to the session that began it, which alone knows its id.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_viewing_id)
    organization = models.ForeignKey(
        "orgs.Organization", on_delete=models.CASCADE, related_name="+"
    )
    operator = models.ForeignKey(
        "orgs.User", on_delete=models.CASCADE, related_name="+"
    )
    reason = models.CharField(max_length=LONGEST_REASON)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(
        max_length=12,
        choices=ViewingEnd.choices,
        default=ViewingEnd.OPEN,
        blank=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operator"],
                condition=Q(ended_at__isnull=True),
                name="viewing_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("began_at")), name="viewing_ends"
            ),
            models.CheckConstraint(
                condition=Q(ended_by__in=ViewingEnd.values),
                name="viewing_end_known",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="viewing_ended_by_something",
            ),
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("reason"), SHORTEST_REASON),
                name="viewing_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator} views {self.organization}"
