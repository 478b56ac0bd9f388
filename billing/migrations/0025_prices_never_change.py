"""
A price is never changed, and one that has begun is never taken away.

Before it begins nobody was charged by it: then it can be withdrawn. That its author's
account is deleted is no change of a price.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.effective_from > now() THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.created_by_id IS NULL
        AND to_jsonb(NEW) - 'created_by_id' = to_jsonb(OLD) - 'created_by_id'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'price % of % is append-only', OLD.id, OLD.model
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER price_append_only BEFORE UPDATE OR DELETE ON billing_price
    FOR EACH ROW EXECUTE FUNCTION keep_price();
CREATE TRIGGER price_not_emptied BEFORE TRUNCATE ON billing_price
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACKWARD = """
DROP TRIGGER price_append_only ON billing_price;
DROP TRIGGER price_not_emptied ON billing_price;
DROP FUNCTION keep_price();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0024_prices_of_organizations")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
