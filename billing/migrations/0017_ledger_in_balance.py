"""The database keeps the ledger in balance and append-only.

Looked at when a transaction commits: its entries sum to zero, and its debits to its
amount. Every entry changes one of the two sums, so none can be added later.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION keep_ledger_in_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted bigint := CASE TG_TABLE_NAME
        WHEN 'billing_ledgerentry' THEN (to_jsonb(NEW) ->> 'transaction_id')::bigint
        ELSE (to_jsonb(NEW) ->> 'id')::bigint END;
    balanced boolean;
BEGIN
    SELECT coalesce(sum(entry.amount_nanos), 1) = 0
        AND sum(greatest(entry.amount_nanos, 0)) = txn.amount_nanos
        AND bool_and(entry.organization_id = txn.organization_id
            AND account.organization_id = txn.organization_id)
    INTO balanced
    FROM billing_ledgertransaction AS txn
    LEFT JOIN billing_ledgerentry AS entry ON entry.transaction_id = txn.id
    LEFT JOIN billing_ledgeraccount AS account ON account.id = entry.account_id
    WHERE txn.id = posted
    GROUP BY txn.id, txn.amount_nanos, txn.organization_id;
    -- Not found: taken away again in the same transaction, as only a test does.
    IF FOUND AND balanced IS NOT TRUE THEN
        RAISE EXCEPTION 'ledger transaction % is not in balance', posted
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER ledger_transaction_in_balance
    AFTER INSERT ON billing_ledgertransaction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION keep_ledger_in_balance();
CREATE CONSTRAINT TRIGGER ledger_entry_in_balance
    AFTER INSERT ON billing_ledgerentry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION keep_ledger_in_balance();
CREATE TRIGGER ledger_transaction_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACKWARD = """
DROP TRIGGER ledger_transaction_in_balance ON billing_ledgertransaction;
DROP TRIGGER ledger_entry_in_balance ON billing_ledgerentry;
DROP TRIGGER ledger_transaction_append_only ON billing_ledgertransaction;
DROP TRIGGER ledger_entry_append_only ON billing_ledgerentry;
DROP FUNCTION keep_ledger_in_balance();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0016_ledger"),
        ("orgs", "0002_audit_append_only"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
