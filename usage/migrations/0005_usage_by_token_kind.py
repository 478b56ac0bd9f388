"""Count sound, images, characters and seconds, and keep the service tier."""

from __future__ import annotations

from django.db import migrations, models

COUNTS = (
    "audio_input_tokens",
    "cached_audio_input_tokens",
    "image_input_tokens",
    "cached_image_input_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "characters",
    "seconds",
)


def statement(clauses: list[str]) -> str:
    return f"ALTER TABLE usage_usagerecord {', '.join(clauses)};"


# Postgres keeps a constant default beside the table: no row is written.
FORWARD = statement(
    [f"ADD {name} bigint NOT NULL DEFAULT 0 CHECK ({name} >= 0)" for name in COUNTS]
    + ["ADD service_tier varchar(16) NOT NULL DEFAULT ''"]
)
BACKWARD = statement([f"DROP {name}" for name in (*COUNTS, "service_tier")])


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_more_endpoints")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        *(
            migrations.AddField(
                model_name="usagehour",
                name=name,
                field=models.BigIntegerField(db_default=0),
            )
            for name in COUNTS
        ),
    ]
