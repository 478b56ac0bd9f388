"""docs/security.md answers every requirement, by what is really there."""

from __future__ import annotations

import re

import pytest

from keys.secrets import KEY_PATTERN, make_key
from tests.architecture.asvs import LEVELS_1_AND_2, REQUIREMENTS
from tests.architecture.source import CHECKOUT, text_of
from tests.architecture.test_peers_failures import REFERENCE, names_in

ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(text_of("docs/security.md"))


def test_no_requirement_is_missing_and_none_is_made_up() -> None:
    assert len(REQUIREMENTS) == LEVELS_1_AND_2
    assert [number for number, _, _ in ROWS] == REQUIREMENTS


@pytest.mark.parametrize(("number", "asked", "held"), ROWS, ids=lambda text: text[:12])
def test_every_requirement_has_an_answer_that_exists(
    number: str, asked: str, held: str
) -> None:
    named = REFERENCE.findall(held)
    missing = [name for file, name in named if name not in names_in(CHECKOUT / file)]

    assert asked.strip()
    assert len(held) > 10
    assert missing == []
    # Whoever says that it does not apply, or is not met, says why.
    assert not re.fullmatch(r"(Does not apply|Not met|Partly|Operator):?", held)


def test_the_pattern_for_scanners_finds_keys() -> None:
    (pattern,) = re.findall(r"^(\\bth-.*)$", text_of("SECURITY.md"), re.MULTILINE)
    kinds = [
        ("personal", "production"),
        ("service", "staging"),
        ("admin", "production"),
    ]
    for kind, environment in kinds:
        text = make_key(kind=kind, environment=environment).text

        assert KEY_PATTERN.fullmatch(text)
        assert re.search(pattern, f'KEY="{text}";')
        assert not re.search(pattern, f'KEY="{text}x";')
