"""Which requests the page of records is asked for, all of it in its address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from core.money import nanos_from_dollars
from keys.models import KeyUse
from orgs.models import Membership
from usage.dimensions import NOBODY
from usage.forms import CycleForm
from usage.models import Endpoint, Outcome
from usage.records import EVERYTHING, REFUSED, Selection
from usage.spans import Span

# More keys and members than one looks through; an address may name any.
OFFERED_MAX = 200
OUTCOMES = [
    ("", "Booked"),
    *Outcome.choices,
    (REFUSED, "Refused"),
    (EVERYTHING, "Booked and refused"),
]
Choices = list[tuple[str, str]]


def day_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


def hidden_text() -> forms.CharField:
    return forms.CharField(
        required=False, max_length=60, widget=forms.HiddenInput, empty_value=""
    )


class RecordsForm(CycleForm):
    """Which requests. What is missing or wrong does not narrow."""

    outcome = forms.ChoiceField(label="Outcome", choices=OUTCOMES, required=False)
    model = forms.CharField(label="Model", required=False, max_length=120)
    key = forms.CharField(label="Key", required=False, max_length=40)
    member = forms.CharField(label="Member", required=False, max_length=40)
    endpoint = forms.ChoiceField(
        label="Endpoint", choices=[("", "Any"), *Endpoint.choices], required=False
    )
    since = day_field("From (UTC)")
    until = day_field("To")
    status = forms.IntegerField(
        label="Status", required=False, min_value=0, max_value=599
    )
    least_cost = forms.DecimalField(
        label="Cost from (USD)",
        required=False,
        min_value=0,
        max_digits=15,
        decimal_places=9,
    )
    least_ms = forms.IntegerField(
        label="Latency from (ms)", required=False, min_value=0, max_value=10**9
    )
    day = forms.DateField(required=False, widget=forms.HiddenInput)
    before = hidden_text()

    def __init__(
        self, query: QueryDict, *, cycles: Sequence[date], viewer: Membership
    ) -> None:
        super().__init__(query, cycles=cycles)
        self.offer("key", [("", "Any"), *keys_of(viewer), (NOBODY, "Without a key")])
        if viewer.is_owner:
            members = [("", "Any"), *members_of(viewer), (NOBODY, "Service keys")]
            self.offer("member", members)
        else:
            self.fields["member"].widget = forms.HiddenInput()

    def offer(self, name: str, choices: Choices) -> None:
        """Offer what there is to choose; an address may name others."""
        chosen = self.data.get(name, "")[:40]
        if chosen not in dict(choices):
            choices = [*choices, (chosen, chosen)]
        self.fields[name].widget = forms.Select(choices=choices)

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day is before the first.")
        return self.cleaned_data

    @property
    def span(self) -> Span:
        """The chosen days; without any, the billing cycle."""
        cycle = Span.of_cycle(self.chosen_cycle)
        since: date | None = self.cleaned_data.get("since")
        until: date | None = self.cleaned_data.get("until")
        if since is None and until is None:
            return cycle
        first = since or min(cycle.first, until or cycle.first)
        return Span(first, until or max(cycle.last, first))

    def selection(self) -> Selection:
        span, chosen = self.span, self.cleaned_data
        cost = chosen.get("least_cost")
        return Selection(
            span,
            day=chosen.get("day"),
            model=chosen.get("model") or None,
            key=chosen.get("key") or None,
            member=chosen.get("member") or None,
            endpoint=chosen.get("endpoint", ""),
            outcome=chosen.get("outcome", ""),
            status=chosen.get("status"),
            least_cost_nanos=nanos_from_dollars(cost) if cost else None,
            least_latency_ms=chosen.get("least_ms"),
        )


def keys_of(viewer: Membership) -> Choices:
    """Return keys that were used here, the last used first."""
    uses = KeyUse.objects.filter(organization=viewer.organization_id)
    if not viewer.is_owner:
        uses = uses.filter(api_key__user=viewer.user_id)
    found = uses.select_related("api_key").order_by("-last_used_at")[:OFFERED_MAX]
    return [
        (use.api_key.public_id, f"{use.api_key.name} ({use.api_key.masked})")
        for use in found
    ]


def members_of(viewer: Membership) -> Choices:
    members = Membership.objects.filter(organization=viewer.organization_id)
    found = members.select_related("user").order_by("user__email")[:OFFERED_MAX]
    return [(each.user.public_id, each.user.get_full_name()) for each in found]
