"""Who is told of an alert, and who would be but is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from billing.alert_models import Basis, NoticeRole, Suppression
from billing.models import Alert, AlertKind, BillingProfile
from billing.threshold_queries import Threshold, thresholds_of
from keys.models import ApiKey
from orgs.models import Organization, User
from orgs.person_models import OptionalMail
from orgs.queries import addresses_of_owners, refusing_addresses

BASES = {AlertKind.SOFT_LIMIT: Basis.ACTUAL, AlertKind.FORECAST_LIMIT: Basis.FORECAST}
OF_THE_ORGANIZATION = {
    AlertKind.HARD_LIMIT,
    AlertKind.HARD_LIMIT_LIFTED,
    AlertKind.APPROVED_LIMIT_REACHED,
}


@dataclass(frozen=True, slots=True)
class Addressee:
    """An address, why it is told, and why not if it is not."""

    address: str
    role: NoticeRole
    suppression: str = ""


def addressees_of(
    organization: Organization, alerts: Sequence[Alert]
) -> list[Addressee]:
    """
    Return who is told of alerts of one kind in one mail, each address once.

    Who is told for two reasons is told for the first of them.
    """
    kind = AlertKind(alerts[0].kind)
    found: dict[str, Addressee] = {}
    for each in [*owners(organization), *others(organization, kind, alerts)]:
        found.setdefault(each.address, each)
    return suppressed(organization, kind, found.values())


def owners(organization: Organization) -> Iterator[Addressee]:
    for address in addresses_of_owners(organization):
        yield Addressee(address, NoticeRole.OWNER)


def suppressed(
    organization: Organization, kind: AlertKind, found: Iterable[Addressee]
) -> list[Addressee]:
    """Say of those who refused such mails that they get none, as `queue_mail` does."""
    is_optional = kind in OptionalMail.values
    refusing = refusing_addresses(organization, kind) if is_optional else set()
    return [
        replace(each, suppression=Suppression.OPTED_OUT)
        if each.address in refusing
        else each
        for each in found
    ]


def others(
    organization: Organization, kind: AlertKind, alerts: Sequence[Alert]
) -> Iterator[Addressee]:
    if kind in BASES:
        amounts = {alert.limit_nanos for alert in alerts}
        for address in recipients_at(organization, BASES[kind], amounts):
            yield Addressee(address, NoticeRole.RECIPIENT)
    elif kind in OF_THE_ORGANIZATION:
        profile = BillingProfile.objects.filter(organization=organization).first()
        for address in profile.billing_emails if profile else []:
            yield Addressee(address.lower(), NoticeRole.BILLING)
    else:
        person = person_concerned(organization, alerts[0])
        if person is not None:
            yield Addressee(person.email, NoticeRole.CONCERNED)


def recipients_at(
    organization: Organization, basis: Basis, amounts: Iterable[int]
) -> list[str]:
    """Return the addresses of the thresholds at these amounts."""
    wanted = set(amounts)
    return [
        address
        for threshold in thresholds_of(organization)
        if threshold.basis == basis and threshold.amount_nanos in wanted
        for address in threshold.recipients
    ]


def person_concerned(organization: Organization, alert: Alert) -> User | None:
    """
    Return the member whose limit it is, or who has the key, if it is about either.

    A service key is looked after by whoever made it, while they are a member.
    """
    members = User.objects.filter(
        memberships__organization=organization, is_active=True
    )
    if not alert.subject_id:
        return None
    if alert.kind == AlertKind.MEMBER_LIMIT:
        return members.filter(pk=alert.subject_id).first()
    key = ApiKey.objects.filter(pk=alert.subject_id).first()
    if key is None:
        return None
    person = key.user or key.created_by
    return members.filter(pk=person.pk).first() if person else None


def name_of_subject(alert: Alert) -> str:
    """Return whose limit it is: a member's name, or a key's with its last four."""
    if alert.kind == AlertKind.MEMBER_LIMIT:
        person = User.objects.filter(pk=alert.subject_id).first()
        return person.get_full_name() if person else ""
    if alert.kind in (AlertKind.KEY_LIMIT, AlertKind.UNUSUAL_SPEND):
        key = ApiKey.objects.filter(pk=alert.subject_id).first()
        return f"{key.name} (…{key.last_four})" if key else ""
    return ""


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """A threshold as the limits page shows it, with the addresses that are told."""

    threshold: Threshold
    told: tuple[str, ...]
    is_reached: bool


def threshold_rows(
    organization: Organization, *, spent_nanos: int
) -> list[ThresholdRow]:
    """Return the thresholds of an organization, lowest first."""
    owning = addresses_of_owners(organization)
    refusing = {
        is_forecast: refusing_addresses(organization, kind)
        for is_forecast, kind in (
            (False, AlertKind.SOFT_LIMIT),
            (True, AlertKind.FORECAST_LIMIT),
        )
    }
    return [
        ThresholdRow(
            each,
            told=tuple(
                sorted({*owning, *each.recipients} - refusing[each.is_forecast])
            ),
            is_reached=not each.is_forecast
            and each.amount_nanos is not None
            and each.amount_nanos <= spent_nanos,
        )
        for each in thresholds_of(organization)
    ]
