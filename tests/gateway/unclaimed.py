"""The gateway without claims, for controls: each request takes itself for the first."""

from __future__ import annotations

from config.asgi import application as application
from gateway.kept_answers import KeptAnswers


async def say_yes(*_: object) -> bool:
    return True


for question in ("claim", "begin"):
    setattr(KeptAnswers, question, say_yes)
