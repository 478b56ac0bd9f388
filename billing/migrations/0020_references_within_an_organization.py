"""What rows about money refer to is of their organization."""

from __future__ import annotations

from django.db import migrations

from orgs.tenant_references import key_reference, referable, tenant_reference

ROW = ["id", "organization_id"]
MEMBER = ["id", "organization_id", "user_id"]
BUDGET = ["id", "organization_id", "cycle_start"]
CYCLE = ["organization_id", "cycle_start"]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0019_invoices_never_change"),
        ("keys", "0004_keys_have_a_home"),
    ]

    operations = [
        key_reference("billing_ratelimit", whose="member"),
        key_reference("billing_scopelimit", whose="member"),
        key_reference("billing_keptanswer", whose="anybody"),
        # The person is part of it: a member's limit is of that very member.
        referable("orgs_membership", MEMBER),
        tenant_reference(
            "scope_limit_of_member",
            "billing_scopelimit",
            ["membership_id", "organization_id", "subject_id"],
            to="orgs_membership",
            to_columns=MEMBER,
        ),
        referable("billing_budget", BUDGET),
        tenant_reference(
            "hold_of_budget",
            "billing_hold",
            ["budget_id", "organization_id", "cycle_start"],
            to="billing_budget",
            to_columns=BUDGET,
        ),
        tenant_reference(
            "scope_budget_of_budget",
            "billing_scopebudget",
            CYCLE,
            to="billing_budget",
            to_columns=CYCLE,
        ),
        referable("billing_quotarequest", ROW),
        tenant_reference(
            "raise_of_quota_request",
            "billing_temporaryraise",
            ["request_id", "organization_id"],
            to="billing_quotarequest",
            to_columns=ROW,
        ),
        referable("billing_ledgertransaction", ROW),
        referable("billing_ledgeraccount", ROW),
        tenant_reference(
            "ledger_reversal_of_organization",
            "billing_ledgertransaction",
            ["reverses_id", "organization_id"],
            to="billing_ledgertransaction",
            to_columns=ROW,
        ),
        tenant_reference(
            "ledger_entry_of_transaction",
            "billing_ledgerentry",
            ["transaction_id", "organization_id"],
            to="billing_ledgertransaction",
            to_columns=ROW,
        ),
        tenant_reference(
            "ledger_entry_of_account",
            "billing_ledgerentry",
            ["account_id", "organization_id"],
            to="billing_ledgeraccount",
            to_columns=ROW,
        ),
        referable("billing_invoice", ROW),
        tenant_reference(
            "credit_note_of_invoice",
            "billing_invoice",
            ["credits_id", "organization_id"],
            to="billing_invoice",
            to_columns=ROW,
        ),
        tenant_reference(
            "invoice_line_of_invoice",
            "billing_invoiceline",
            ["invoice_id", "organization_id"],
            to="billing_invoice",
            to_columns=ROW,
        ),
        tenant_reference(
            "invoice_line_of_adjustment",
            "billing_invoiceline",
            ["transaction_id", "organization_id"],
            to="billing_ledgertransaction",
            to_columns=ROW,
        ),
        tenant_reference(
            "invoice_payment_of_invoice",
            "billing_invoicepayment",
            ["invoice_id", "organization_id"],
            to="billing_invoice",
            to_columns=ROW,
        ),
    ]
