"""Partitions are made by a function that runs as the owner of the tables.

The worker owns nothing. It may call the function, and nobody else.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION make_usage_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '5s' SET timezone = 'UTC' AS $$
DECLARE
    part text := 'usage_usagerecord_' || to_char(month, 'YYYY_MM');
    start_at timestamptz := date_trunc('month', month::timestamptz);
    end_at timestamptz := start_at + interval '1 month';
    columns text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('usage_partitions'));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    IF EXISTS (
        SELECT FROM usage_usagerecord_default
        WHERE occurred_at >= start_at AND occurred_at < end_at
    ) THEN
        -- In the order of those who insert and aggregate: this lock, then the table.
        PERFORM pg_advisory_xact_lock_shared(hashtext('usage_record_booking'));
        -- No row is updated or deleted, so that the refusal of changes stays in
        -- force: the default partition is taken off, its rows are inserted anew, the
        -- old table is dropped.
        LOCK TABLE usage_usagerecord IN ACCESS EXCLUSIVE MODE;
        ALTER TABLE usage_usagerecord DETACH PARTITION usage_usagerecord_default;
        ALTER TABLE usage_usagerecord_default RENAME TO usage_usagerecord_emptied;
        EXECUTE format('CREATE TABLE %I PARTITION OF usage_usagerecord '
            'FOR VALUES FROM (%L) TO (%L)', part, start_at, end_at);
        CREATE TABLE usage_usagerecord_default PARTITION OF usage_usagerecord DEFAULT;
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
            FROM pg_attribute WHERE attrelid = 'usage_usagerecord'::regclass
            AND attnum > 0 AND NOT attisdropped;
        EXECUTE format('INSERT INTO usage_usagerecord (%1$s) '
            'SELECT %1$s FROM usage_usagerecord_emptied', columns);
        DROP TABLE usage_usagerecord_emptied;
        -- A statement that names a partition fires no trigger of the whole table.
        CREATE TRIGGER usage_record_append_only
            BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_usagerecord_default
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ELSE
        EXECUTE format('CREATE TABLE %I (LIKE usage_usagerecord INCLUDING ALL)', part);
        EXECUTE format('ALTER TABLE usage_usagerecord ATTACH PARTITION %I '
            'FOR VALUES FROM (%L) TO (%L)', part, start_at, end_at);
    END IF;
    EXECUTE format('CREATE TRIGGER usage_record_append_only '
        'BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
END
$$;
REVOKE EXECUTE ON FUNCTION make_usage_partition(date) FROM PUBLIC;
"""
BACKWARD = "DROP FUNCTION make_usage_partition(date);"


class Migration(migrations.Migration):
    dependencies = [("usage", "0009_credit_that_paid")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
