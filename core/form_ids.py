"""The id of what a form adds, made with the form: sent twice, it is added once."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import QueryDict

from core import ids

# As `ids.public_id` makes them.
RANDOM_PART = re.compile(r"[0-9A-Za-z]{24}", re.ASCII)
NEW_ID = "new_id"


class IdTaken(Exception):
    """Something else was added under the id: the form was sent before, differently."""


class NewIdField(forms.CharField):
    """A hidden field with a new id of a kind. Who sends none, or no id, gets one."""

    widget = forms.HiddenInput

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        super().__init__(required=False, initial=self.make)

    def make(self) -> str:
        return ids.public_id(self.prefix)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        begins = text.startswith(self.prefix)
        is_id = begins and RANDOM_PART.fullmatch(text.removeprefix(self.prefix))
        return text if is_id else self.make()


def renew_id(form: forms.Form) -> None:
    """Give a form that was sent before an id of its own, and keep what was typed."""
    assert isinstance(form.data, QueryDict)
    field = form.fields[NEW_ID]
    assert isinstance(field, NewIdField)
    data = form.data.copy()
    data[form.add_prefix(NEW_ID)] = field.make()
    form.data = data
