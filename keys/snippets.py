"""Code that makes a first request with a new key."""

from __future__ import annotations

from django.conf import settings

from keys.allowed_models import allows
from keys.models import ApiKey, ApiKeyKind
from orgs.models import Organization

SANDBOX_MODEL = "sandbox-1"
PRODUCTION_MODEL = "gpt-4o-mini"


def curl_snippet(key: ApiKey, text: str, organization: Organization) -> str:
    """Return a shell command that asks for a chat completion."""
    header = f"  -H 'OpenAI-Organization: {organization.public_id}' \\\n"
    return (
        f"curl {settings.BASE_URL}/v1/chat/completions \\\n"
        f"  -H 'Authorization: Bearer {text}' \\\n"
        f"{header if needs_organization(key) else ''}"
        f"  -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"model": "{model_for(key, organization)}", "messages": '
        f'[{{"role": "user", "content": "Say hello"}}]}}\''
    )


def python_snippet(key: ApiKey, text: str, organization: Organization) -> str:
    """Return a program for OpenAI's Python SDK."""
    argument = f'    organization="{organization.public_id}",\n'
    return (
        "from openai import OpenAI\n\n"
        "client = OpenAI(\n"
        f'    base_url="{settings.BASE_URL}/v1",\n'
        f'    api_key="{text}",\n'
        f"{argument if needs_organization(key) else ''}"
        ")\n"
        "answer = client.chat.completions.create(\n"
        f'    model="{model_for(key, organization)}",\n'
        '    messages=[{"role": "user", "content": "Say hello"}],\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )


def node_snippet(key: ApiKey, text: str, organization: Organization) -> str:
    """Return a program for OpenAI's SDK for Node."""
    argument = f'  organization: "{organization.public_id}",\n'
    return (
        'import OpenAI from "openai";\n\n'
        "const client = new OpenAI({\n"
        f'  baseURL: "{settings.BASE_URL}/v1",\n'
        f'  apiKey: "{text}",\n'
        f"{argument if needs_organization(key) else ''}"
        "});\n"
        "const answer = await client.chat.completions.create({\n"
        f'  model: "{model_for(key, organization)}",\n'
        '  messages: [{ role: "user", content: "Say hello" }],\n'
        "});\n"
        "console.log(answer.choices[0].message.content);"
    )


def needs_organization(key: ApiKey) -> bool:
    """Say whether a request must name the organization to be sure to reach it."""
    return key.kind == ApiKeyKind.PERSONAL


def model_for(key: ApiKey, organization: Organization) -> str:
    """Return a model that the key may ask for."""
    usual = SANDBOX_MODEL if organization.is_staging else PRODUCTION_MODEL
    if allows(key.models_allowed, usual):
        return usual
    return str(key.models_allowed[0]).rstrip("*")
