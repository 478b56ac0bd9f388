"""An invoice is what its lines add up to, and never changes.

Looked at when a transaction commits: the lines are as many as the invoice says, each
in whole cents, and they sum to its total. So none can be added later.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
ALTER TABLE billing_invoiceline ADD CONSTRAINT invoice_line_whole_cents
    CHECK (amount_nanos % 10000000 = 0);
CREATE FUNCTION keep_invoice_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    issued bigint := CASE TG_TABLE_NAME
        WHEN 'billing_invoiceline' THEN (to_jsonb(NEW) ->> 'invoice_id')::bigint
        ELSE (to_jsonb(NEW) ->> 'id')::bigint END;
    is_whole boolean;
BEGIN
    SELECT count(line.id) = invoice.line_count
        AND coalesce(sum(line.amount_nanos), 0) = invoice.total_nanos
        AND coalesce(bool_and(line.organization_id = invoice.organization_id), true)
    INTO is_whole
    FROM billing_invoice AS invoice
    LEFT JOIN billing_invoiceline AS line ON line.invoice_id = invoice.id
    WHERE invoice.id = issued
    GROUP BY invoice.id;
    -- Not found: taken away again in the same transaction, as only a test does.
    IF FOUND AND is_whole IS NOT TRUE THEN
        RAISE EXCEPTION 'invoice % is not the sum of its lines', issued
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER invoice_whole
    AFTER INSERT ON billing_invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION keep_invoice_whole();
CREATE CONSTRAINT TRIGGER invoice_line_whole
    AFTER INSERT ON billing_invoiceline DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION keep_invoice_whole();
CREATE TRIGGER invoice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON billing_invoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoiceline_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON billing_invoiceline FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoicepayment_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON billing_invoicepayment FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACKWARD = """
DROP TRIGGER invoice_append_only ON billing_invoice;
DROP TRIGGER invoiceline_append_only ON billing_invoiceline;
DROP TRIGGER invoicepayment_append_only ON billing_invoicepayment;
DROP TRIGGER invoice_whole ON billing_invoice;
DROP TRIGGER invoice_line_whole ON billing_invoiceline;
DROP FUNCTION keep_invoice_whole();
ALTER TABLE billing_invoiceline DROP CONSTRAINT invoice_line_whole_cents;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0018_cycles_and_invoices")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
