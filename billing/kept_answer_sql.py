"""
The SQL of kept answers: each a single statement, so that no two gateways both win.

A row is changed only by whoever's event id it bears, except that a claim whose
gateway died before it sent anything may be taken over, and that what a dead gateway
sent is marked as lost.
"""

from __future__ import annotations

ALIVE = """EXISTS (
    SELECT FROM billing_gatewayprocess AS process
    WHERE process.id = kept.gateway_id
        AND process.beat_at > clock_timestamp() - make_interval(secs => %(dead_s)s)
)"""

# Returns a row to the one that may go on.
CLAIM = f"""
INSERT INTO billing_keptanswer AS kept
    (organization_id, api_key_id, key_digest, fingerprint, event_id, gateway_id,
     state, status, ciphertext, expires_at)
VALUES (%(organization_id)s, %(api_key_id)s, %(key_digest)s, %(fingerprint)s,
        %(event_id)s, %(gateway_id)s, 'claimed', 0, '',
        clock_timestamp() + make_interval(secs => %(kept_s)s))
ON CONFLICT (organization_id, api_key_id, key_digest) DO UPDATE
SET fingerprint = excluded.fingerprint, event_id = excluded.event_id,
    gateway_id = excluded.gateway_id, state = excluded.state,
    status = 0, ciphertext = '', expires_at = excluded.expires_at
WHERE kept.expires_at < clock_timestamp()
    OR (kept.state = 'claimed' AND NOT {ALIVE})
RETURNING id
"""  # noqa: S608 - our own text

LOOK = f"""
SELECT event_id, fingerprint, state, status,
       CASE WHEN state = 'kept' THEN ciphertext END, {ALIVE}
FROM billing_keptanswer AS kept
WHERE organization_id = %(organization_id)s AND api_key_id = %(api_key_id)s
    AND key_digest = %(key_digest)s AND expires_at >= clock_timestamp()
"""  # noqa: S608 - our own text

# Before it is sent; returns a row unless another gateway took the claim over.
BEGIN = """
UPDATE billing_keptanswer SET state = 'under_way'
WHERE event_id = %(event_id)s AND state = 'claimed'
RETURNING id
"""

# A gateway that was taken for dead wakes up with the answer: better than lost.
KEEP = """
UPDATE billing_keptanswer
SET state = 'kept', status = %(status)s, ciphertext = %(ciphertext)s,
    expires_at = clock_timestamp() + make_interval(secs => %(kept_s)s)
WHERE event_id = %(event_id)s AND state IN ('claimed', 'under_way', 'lost')
"""

# Charged, and its answer cannot be given again: `lost` or `too_long`.
GIVE_UP = """
UPDATE billing_keptanswer SET state = %(state)s
WHERE event_id = %(event_id)s AND state = 'under_way'
"""

# Nothing was charged: asking again asks again.
FREE = """
DELETE FROM billing_keptanswer
WHERE event_id = %(event_id)s AND state IN ('claimed', 'under_way')
"""
