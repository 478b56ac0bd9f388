"""What the console shows can be pasted as it stands."""

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path

from config.banner import banner, curl_line, sdk_snippet
from config.demo import DemoKey

KEY = DemoKey("th-personal_staging-abc", "http://localhost:8000/v1", "org-1")


def test_the_curl_line_is_one_command_with_a_json_body() -> None:
    command = shlex.split(curl_line(KEY).splitlines()[2])
    assert command[1] == f"{KEY.base_url}/chat/completions"
    assert f"Authorization: Bearer {KEY.api_key}" in command
    assert json.loads(command[-1])["model"] == "sandbox-1"


def test_the_sdk_snippet_is_a_program() -> None:
    program = sdk_snippet(KEY).partition("\n")[2]
    assert KEY.api_key in ast.dump(ast.parse(program))


def test_without_a_demo_no_login_is_shown() -> None:
    text = banner(
        base_url=KEY.base_url, log_dir=Path("/var/log"), demo_key=None, set_up=None
    )
    assert KEY.base_url in text
    assert "password" not in text


def test_without_an_operator_the_set_up_page_is_shown() -> None:
    address = f"{KEY.base_url}/set-up/abc"
    text = banner(
        base_url=KEY.base_url, log_dir=Path("/var/log"), demo_key=None, set_up=address
    )
    assert address in text
