from __future__ import annotations

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "orgs"
    verbose_name = "People and organizations"

    def ready(self) -> None:
        from orgs import factor_events, login_events, viewing_events

        factor_events.listen()
        login_events.listen()
        viewing_events.listen()
