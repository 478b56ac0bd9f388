"""HTTP statuses that several apps answer with."""

from __future__ import annotations

from http import HTTPStatus

# A form that is shown again, with what is wrong with it.
UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
