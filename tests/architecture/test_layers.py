"""Imports and foreign keys point down the house only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Field, Model

from tests.architecture.source import APPS, CHECKOUT


def test_imports_keep_the_contracts(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [sys.executable, program, "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def relations() -> Iterator[tuple[str, str, str]]:
    """Yield each foreign key of ours: its name, its app, and the app it points to."""
    for model in apps.get_models():
        if model._meta.app_label not in APPS:
            continue
        for field in model._meta.get_fields():
            target = field.related_model
            if isinstance(field, Field) and target is not None:
                assert isinstance(target, type)
                assert issubclass(target, Model)
                yield str(field), model._meta.app_label, target._meta.app_label


def test_foreign_keys_point_down() -> None:
    upward = [
        name
        for name, source, target in relations()
        if target in APPS and APPS.index(target) < APPS.index(source)
    ]

    assert len(list(relations())) > 20, "the walk found hardly anything"
    assert upward == []


@pytest.mark.parametrize("label", ["config", "gateway"])
def test_the_upper_floors_have_no_tables(label: str) -> None:
    assert list(apps.get_app_config(label).get_models()) == []
