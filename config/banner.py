"""What a started installation tells the person at the console."""

from __future__ import annotations

from pathlib import Path

from config.demo import DemoKey

# The demo's, printed on purpose.
PASSWORD = "demo-tokenhouse"  # noqa: S105
PEOPLE = (
    ("ada@acme.example", "owner of Acme and Acme Staging"),
    ("rita@acme.example", "reader of both"),
    ("oscar@globex.example", "owner of Globex only"),
    ("op@tokenhouse.example", "operator"),
)
MODEL = "sandbox-1"


def banner(
    *, base_url: str, log_dir: Path, demo_key: DemoKey | None, set_up: str | None
) -> str:
    parts = [f"\nTokenhouse is ready: {base_url}\n"]
    if set_up is not None:
        parts.append(f"Make the operator's account here, once:\n\n  {set_up}\n")
    if demo_key is not None:
        parts += [logins(), curl_line(demo_key), sdk_snippet(demo_key)]
    parts.append(f"Logs: {log_dir}    Stop: Ctrl-C\n")
    return "\n".join(parts)


def logins() -> str:
    lines = [f"  {email:<24}{who}\n" for email, who in PEOPLE]
    return f"Log in (password: {PASSWORD}):\n{''.join(lines)}"


def curl_line(key: DemoKey) -> str:
    """Return a request to paste into a shell, on one line."""
    body = f'{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hi"}}]}}'
    return (
        f"Try it:\n\ncurl {key.base_url}/chat/completions "
        f'-H "Authorization: Bearer {key.api_key}" '
        f"-H \"Content-Type: application/json\" -d '{body}'\n"
    )


def sdk_snippet(key: DemoKey) -> str:
    """Return a program to paste into Python; `pip install openai` is all it needs."""
    # Not indented: it is pasted as it stands.
    return f"""Or with the openai SDK:

from openai import OpenAI

client = OpenAI(
    base_url="{key.base_url}",
    api_key="{key.api_key}",
)
answer = client.chat.completions.create(
    model="{MODEL}",
    messages=[{{"role": "user", "content": "Hi"}}],
)
print(answer.choices[0].message.content)
"""
