"""Public ids that the database makes for whoever inserts a row without one."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Cast, Concat


def id_by_database(prefix: str) -> Concat:
    """Return the expression of a new id, another one for each row."""
    plain = Func(
        Cast(RandomUUID(), models.TextField()),
        Value("-"),
        Value(""),
        function="REPLACE",
        output_field=models.TextField(),
    )
    return Concat(Value(prefix), plain, output_field=models.TextField())
