"""People log in once more: older sessions are in no list, so nobody could end them."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0007_known_addresses_are_verified"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM django_session", migrations.RunSQL.noop)
    ]
