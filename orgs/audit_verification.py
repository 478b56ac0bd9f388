"""Does the audit log still say what was written? The check behind `verify_audit`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.db import connection, transaction

from orgs.audit_chain import INSTALLATION, Anchor, Part, is_sealed, link_hash

# Hashes by chain and place.
Anchored = defaultdict[str, dict[int, set[str]]]
EXAMPLES_MAX = 20
ROWS_AT_ONCE = 2000

# Chain by chain in the order of its links; events that no link knows come last.
ROWS = """
SELECT coalesce(organization.public_id, %s) AS chain, link.sequence,
    link.previous_hash, link.hash, event.id,
    ARRAY[
        event.organization_id::text, event.id::text, event.event_uuid::text,
        to_char(event.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        event.actor_id::text, event.action, event.target, event.details::text,
        event.door, host(event.address), event.user_agent
    ],
    link.organization_id IS NOT DISTINCT FROM event.organization_id
FROM orgs_auditlink AS link
FULL JOIN orgs_auditevent AS event ON event.id = link.event_id
LEFT JOIN orgs_organization AS organization ON organization.id
    = CASE WHEN link.event_id IS NULL THEN event.organization_id
        ELSE link.organization_id END
ORDER BY organization.id NULLS FIRST, link.sequence NULLS LAST, event.id
"""
ENDS = """
SELECT coalesce(organization.public_id, %s), chain.sequence, chain.hash, '', ''
FROM orgs_auditchain AS chain
LEFT JOIN orgs_organization AS organization ON organization.id = chain.organization_id
ORDER BY chain.organization_id NULLS FIRST
"""
ANCHORS = """
SELECT coalesce(organization.public_id, %s), anchor.sequence, anchor.hash,
    to_char(anchor.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    anchor.seal
FROM orgs_auditanchor AS anchor
LEFT JOIN orgs_organization AS organization ON organization.id = anchor.organization_id
ORDER BY anchor.organization_id NULLS FIRST, anchor.sequence
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A link with its event; either may be missing."""

    chain: str
    sequence: int | None
    previous_hash: str | None
    hash: str | None
    event_id: int | None
    parts: Sequence[Part]
    is_at_home: bool

    @property
    def is_genuine(self) -> bool:
        """Say whether the event is the one that was linked."""
        facts = [str(self.sequence), self.previous_hash, *self.parts]
        return self.is_at_home and self.hash == link_hash(facts)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a chain: `altered`, `removed`, `inserted`, `truncated`, …"""

    kind: str
    chain: str
    sequence: int | None
    text: str


@dataclass(slots=True)
class Verdict:
    """The outcome. Of each kind of problem a few are kept, all are counted."""

    events: int = 0
    chains: int = 0
    anchors: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    ends: list[Anchor] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.counts

    def add(self, kind: str, chain: str, sequence: int | None, text: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= EXAMPLES_MAX:
            self.problems.append(Problem(kind, chain, sequence, text))


def verify_audit(*, seal_key: str, outside: Iterable[Anchor] = ()) -> Verdict:
    """
    Recompute every chain in one snapshot, and compare it with its anchors.

    `outside` are anchors that were kept apart from the database.
    """
    verdict = Verdict()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        check_snapshot(verdict, seal_key=seal_key, outside=outside)
    return verdict


def check_snapshot(
    verdict: Verdict, *, seal_key: str, outside: Iterable[Anchor]
) -> None:
    """Check what the current transaction sees."""
    verdict.ends = anchors_from(ENDS)
    kept = anchors_from(ANCHORS)
    for anchor in kept:
        if not is_sealed(anchor, key=seal_key):
            verdict.add("forged", anchor.chain, anchor.sequence, "seal is not ours")
    anchors: Anchored = defaultdict(lambda: defaultdict(set))
    for anchor in [*kept, *outside]:
        anchors[anchor.chain][anchor.sequence].add(anchor.hash)
        verdict.anchors += 1
    ends = {end.chain: end for end in verdict.ends}
    for chain, rows in groupby(linked_rows(), key=lambda row: row.chain):
        verdict.chains += 1
        check_chain(verdict, chain, rows, ends.pop(chain, None), anchors.pop(chain, {}))
    for name, end in ends.items():
        verdict.add("truncated", name, end.sequence, "the whole chain is gone")
    for name, places in anchors.items():
        text = "anchored, and the whole chain is gone"
        verdict.add("truncated", name, max(places), text)


def check_chain(
    verdict: Verdict,
    chain: str,
    rows: Iterable[Row],
    end: Anchor | None,
    anchors: dict[int, set[str]],
) -> None:
    last_place, last_hash = 0, ""
    for row in rows:
        if row.sequence is None:
            text = f"event {row.event_id} was not written by the application"
            verdict.add("inserted", chain, None, text)
            continue
        check_link(verdict, row, last_place, last_hash)
        if anchors.pop(row.sequence, {row.hash}) != {row.hash}:
            text = "another hash was anchored: the chain was computed anew"
            verdict.add("rewritten", chain, row.sequence, text)
        last_place, last_hash = row.sequence, row.hash or ""
    if end is None or (end.sequence, end.hash) != (last_place, last_hash):
        noted = f"{end.sequence}" if end else "nothing"
        text = f"ends at {last_place}, its end is noted as {noted}"
        verdict.add("truncated", chain, last_place, text)
    for place in sorted(anchors):
        text = f"ends at {last_place}, but was anchored beyond"
        verdict.add("truncated", chain, place, text)


def check_link(verdict: Verdict, row: Row, last_place: int, last_hash: str) -> None:
    verdict.events += 1
    place = row.sequence
    if place != last_place + 1:
        text = f"link {last_place} is followed by {place}"
        verdict.add("removed", row.chain, place, text)
    elif row.previous_hash != last_hash:
        verdict.add("reordered", row.chain, place, "does not follow the link before")
    if row.event_id is None:
        verdict.add("removed", row.chain, place, "its event is gone")
    elif not row.is_genuine:
        text = f"event {row.event_id} is not as it was written"
        verdict.add("altered", row.chain, place, text)


def linked_rows() -> Iterator[Row]:
    """Yield the rows of all chains, in order, without holding them all."""
    assert connection.connection is not None
    with connection.connection.cursor(name="audit_rows") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(ROWS, [INSTALLATION])
        for row in cursor:
            yield Row(*row)


def anchors_from(query: str) -> list[Anchor]:
    with connection.cursor() as cursor:
        cursor.execute(query, [INSTALLATION])
        return [Anchor(*row) for row in cursor.fetchall()]
