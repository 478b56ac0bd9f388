"""What Postgres shows and allows each role, by its catalog; and each layer alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from billing.models import SoftLimit
from keys.models import ApiKey, FormerKey
from orgs.access import OrgRequest, org_view
from orgs.models import Organization, User
from orgs.permissions import Permission
from orgs.reach import NOBODYS, OF_GATEWAY, of_organization, of_person, within
from orgs.walls import rules
from orgs.walls.names import role_name
from orgs.walls.roles import roles_of
from tests.architecture import routes
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
WALLED = """
SELECT relname::text, relrowsecurity AND relforcerowsecurity FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = pg_class.oid AND attname = 'organization_id'
)
ORDER BY relname
"""


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def tenant_tables() -> list[str]:
    return [str(name) for name, _ in rows(WALLED)]


def name_of(role: str) -> str:
    return role_name(connection.settings_dict["NAME"], role)


@pytest.fixture
def globex_too(
    acme: Organization, globex: Organization, ada: User, rita: User, oscar: User
) -> Organization:
    """Acme and Globex, each with something of every kind."""
    routes.furnish(acme, ada, rita)
    routes.furnish(globex, oscar, oscar, unpaired_id="org-of-globex")
    return globex


@pytest.fixture
def without_walls() -> None:
    """Row-level security off, in this test alone."""
    tables = [*tenant_tables(), *rules.CONSOLE]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def test_every_table_with_an_organization_is_walled_in() -> None:
    found: dict[str, bool] = dict(rows(WALLED))

    assert len(found) > 20, "the walk found hardly anything"
    assert [name for name, is_forced in found.items() if not is_forced] == []


def test_the_applications_login_can_do_nothing_by_itself() -> None:
    roles = roles_of(connection.settings_dict["NAME"])
    found = rows(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname = ANY(%s) "
        "AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolinherit)",
        list(roles.values()),
    )
    owned = rows(
        "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = ANY(%s)",
        list(roles.values()),
    )

    assert dict(found) == {name: name == roles["app"] for name in roles.values()}
    assert owned == []
    for verb in VERBS:
        assert rows(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND has_table_privilege(%s, oid, %s)",
            roles["app"],
            verb,
        ) == [(0,)]


def test_a_partition_is_reached_through_its_table_alone() -> None:
    for role in ("console", "gateway", "installation"):
        assert rows(
            "SELECT count(*) FROM pg_class WHERE relispartition "
            "AND has_table_privilege(%s, oid, 'SELECT, INSERT, UPDATE, DELETE')",
            name_of(role),
        ) == [(0,)]


def test_without_an_organization_nothing_is_shown(globex_too: Organization) -> None:
    filled = {name for name in tenant_tables() if rows(f"SELECT FROM {name} LIMIT 1")}

    with within(NOBODYS):
        shown = {name for name in filled if rows(f"SELECT FROM {name} LIMIT 1")}

    assert len(filled) > 10
    assert shown == set()


def test_of_two_organizations_one_is_shown(
    acme: Organization, globex_too: Organization, ada: User
) -> None:
    with of_person(ada.pk), of_organization(acme.pk):
        for table in tenant_tables():
            found = rows(f"SELECT DISTINCT organization_id FROM {table}")
            hers = {acme.pk} | {m.organization_id for m in ada.memberships.all()}
            whose = hers if table == "orgs_membership" else {acme.pk, None}
            assert {each for (each,) in found} <= whose, table


@pytest.mark.parametrize("model", [ApiKey, FormerKey])
def test_keys_of_others_are_hidden(
    acme: Organization, globex_too: Organization, model: type[ApiKey]
) -> None:
    everything = model.objects.count()

    with of_organization(acme.pk):
        assert 0 < model.objects.count() < everything


def test_no_row_is_given_to_another_organization(
    acme: Organization, globex_too: Organization
) -> None:
    before = routes.everything_written()
    tried = 0

    for table in tenant_tables():
        change = f"UPDATE {table} SET organization_id = {globex_too.pk}"
        if not rows(f"SELECT FROM {table} WHERE organization_id = {acme.pk} LIMIT 1"):
            continue
        tried += 1
        with (
            pytest.raises(
                DatabaseError,
                match=r"row-level security|permission denied|of nobody|append-only",
            ),
            transaction.atomic(),
            of_organization(acme.pk),
        ):
            rows(f"{change} WHERE organization_id = {acme.pk} RETURNING 1")

    assert tried > 10
    assert routes.everything_written() == before


def test_the_gateway_touches_what_its_statements_need_and_nothing_else() -> None:
    role = name_of("gateway")
    tables = [
        str(name)
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND relnamespace = 'public'::regnamespace"
        )
    ]
    for table in tables:
        granted = rules.GATEWAY.get(table, {})
        for verb in VERBS:
            columns = granted.get(verb)
            (whole,) = rows("SELECT has_table_privilege(%s, %s, %s)", role, table, verb)
            assert whole == (columns == (),), (table, verb)
            if columns:
                assert columns_open_to(role, table, verb) == set(columns)


def columns_open_to(role: str, table: str, verb: str) -> set[str]:
    return {
        str(name)
        for (name,) in rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
            "AND attnum > 0 AND NOT attisdropped "
            "AND has_column_privilege(%s, attrelid, attnum, %s)",
            table,
            role,
            verb,
        )
    }


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password FROM orgs_user",
        "SELECT session_data FROM django_session",
        "SELECT body_text FROM orgs_outboxmail",
        "UPDATE billing_spendlimits SET hard_limit_nanos = NULL",
        "UPDATE billing_creditgrant SET amount_nanos = 1",
        "DELETE FROM billing_budget",
        "DELETE FROM usage_usagerecord",
        "INSERT INTO orgs_membership (organization_id) VALUES (1)",
        "TRUNCATE billing_hold",
    ],
)
def test_what_the_gateway_has_no_business_with_is_refused(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        within(OF_GATEWAY),
    ):
        rows(statement)


# Each layer alone.


@org_view(Permission.SEE_LIMITS)
def forgetful(request: OrgRequest) -> HttpResponse:
    """Show soft limits without saying whose."""
    amounts = SoftLimit.objects.values_list("amount_nanos", flat=True)
    return HttpResponse(" ".join(map(str, amounts)))


def visit_of(user: User) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def seen_by(user: User) -> set[str]:
    with of_person(user.pk):
        return set(forgetful(visit_of(user), "acme").content.decode().split())


def test_a_view_that_forgets_its_filter_shows_nothing_of_others(
    acme: Organization, globex: Organization, ada: User
) -> None:
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(1))
    SoftLimit.objects.create(organization=globex, amount_nanos=usd(2))

    assert seen_by(ada) == {str(usd(1))}


def test_control_without_walls_the_same_view_shows_everything(
    acme: Organization, globex: Organization, ada: User, without_walls: None
) -> None:
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(1))
    SoftLimit.objects.create(organization=globex, amount_nanos=usd(2))

    assert seen_by(ada) == {str(usd(1)), str(usd(2))}


def test_without_walls_the_doors_still_hide_what_is_of_others(
    globex_too: Organization, ada: User, without_walls: None
) -> None:
    browser, before = browser_of(ada), routes.everything_written()

    for name in (*routes.READER_PAGES, "billing:limits", "keys:keys"):
        (route,) = [each for each in routes.all_routes() if each.name == name]
        if route.arguments == {"slug"}:
            url = routes.Addresses({"slug": globex_too.slug}).of(name)
            assert browser.get(url).status_code == 404, name
            assert browser.post(url).status_code in {404, 405}, name
    assert routes.everything_written() == before
