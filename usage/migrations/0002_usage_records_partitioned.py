"""Usage records: partitioned by month, append-only, in booking order.

Booking order: `sequence` is taken while a shared advisory lock is held. Whoever
takes that lock exclusively for a moment knows that no lower sequence is still to
come: the rollup's watermark is exact whatever order transactions commit in.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE SEQUENCE usage_usagerecord_sequence;
CREATE TABLE usage_usagerecord (
    event_id uuid NOT NULL,
    sequence bigint NOT NULL DEFAULT nextval('usage_usagerecord_sequence'),
    occurred_at timestamptz NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT now(),
    organization_id bigint NOT NULL,
    api_key_id bigint,
    user_id bigint,
    endpoint varchar(24) NOT NULL,
    model varchar(120) NOT NULL,
    simulated boolean NOT NULL,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    cached_input_tokens bigint NOT NULL CHECK (cached_input_tokens >= 0),
    cache_write_tokens bigint NOT NULL CHECK (cache_write_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens >= 0),
    cost_nanos bigint NOT NULL,
    cycle_start date NOT NULL,
    kind varchar(12) NOT NULL CHECK (kind IN ('actual', 'estimated', 'correction')),
    corrects uuid,
    outcome varchar(16) NOT NULL,
    status_code smallint NOT NULL,
    streamed boolean NOT NULL,
    price_id bigint NOT NULL,
    held_nanos bigint NOT NULL,
    latency_ms integer NOT NULL,
    first_token_ms integer,
    CONSTRAINT usage_record_correction_names_record
        CHECK ((kind = 'correction') = (corrects IS NOT NULL)),
    CONSTRAINT usage_record_cost_not_negative
        CHECK (cost_nanos >= 0 OR kind = 'correction'),
    CONSTRAINT usage_record_cycle_is_month
        CHECK (extract(day from cycle_start) = 1),
    PRIMARY KEY (event_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE usage_usagerecord_sequence OWNED BY usage_usagerecord.sequence;
CREATE INDEX usage_record_by_organization
    ON usage_usagerecord (organization_id, occurred_at DESC);
CREATE INDEX usage_record_by_sequence ON usage_usagerecord (sequence);
-- Catches a host whose clock is far off: a record is never refused for its date.
CREATE TABLE usage_usagerecord_default PARTITION OF usage_usagerecord DEFAULT;

CREATE FUNCTION usage_record_in_booking_order() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('usage_record_booking'));
    RETURN NULL;
END
$$;
CREATE TRIGGER usage_record_booking_order BEFORE INSERT ON usage_usagerecord
    FOR EACH STATEMENT EXECUTE FUNCTION usage_record_in_booking_order();
CREATE TRIGGER usage_record_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_usagerecord
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO usage_rollupwatermark (id, sequence, as_of) VALUES (1, 0, now());
"""
BACKWARD = """
DROP TABLE usage_usagerecord CASCADE;
DROP FUNCTION usage_record_in_booking_order();
DELETE FROM usage_rollupwatermark;
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial"), ("orgs", "0002_audit_append_only")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
