"""Where a provider key may be sent."""

from __future__ import annotations

import pytest

from keys.origins import UnusableUrl, origin_of, vet_base_url

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com:443"),
        ("https://API.OpenAI.com", "https://api.openai.com:443"),
        ("http://localhost:8080/v1", "http://localhost:8080"),
        ("https://[2001:db8::1]:9/v1", "https://[2001:db8::1]:9"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://api.openai.com",
        "https://",
        "https:///v1",
        "https://user:secret@api.openai.com/v1",
        "https://@api.openai.com/v1",
        "https://api.openai.com/v1?",
        "https://api.openai.com/v1?key=1",
        "https://api.openai.com/v1#part",
        "https://api.openai.com\\@evil.example/",
        "https://api openai.com/",
        "https://api.openai.com/v1\n",
        "https://api.openai.com:0/",
        "https://api.openai.com:99999/",
        "https://api.openai.com:port/",
        "https://аpi.openai.com/",
        "https://-evil.example/",
        "https://api..openai.com/",
        f"https://{'a' * 64}.example/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://127.0.0.0x1/",
        "https://127.0.0.1./",
        "javascript:alert(1)",
    ],
)
def test_what_could_be_read_two_ways_is_refused(url: str) -> None:
    with pytest.raises(UnusableUrl):
        origin_of(url)
    with pytest.raises(UnusableUrl):
        vet_base_url(url, allowed_networks=LOOPBACK)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "http://127.0.0.1:9000/v1",
        "https://127.0.0.1/v1",
        "https://localhost/v1",
        "https://api.localhost/v1",
        "https://10.0.0.7/v1",
        "https://169.254.169.254/latest",
        "https://[::1]/v1",
        "https://[::ffff:127.0.0.1]/v1",
        "https://0.0.0.0/v1",
        "https://100.64.0.1/v1",
    ],
)
def test_without_leave_only_tls_to_the_public_internet(url: str) -> None:
    with pytest.raises(UnusableUrl):
        vet_base_url(url, allowed_networks=[])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/v1",
        "http://localhost:9000/v1",
        "http://[::1]:9000/v1",
        "https://[::ffff:127.0.0.1]/v1",
    ],
)
def test_the_operators_networks_are_allowed(url: str) -> None:
    assert vet_base_url(url, allowed_networks=LOOPBACK) == url


def test_a_slash_at_the_end_is_dropped() -> None:
    assert vet_base_url("https://x.example/v1/", allowed_networks=[]) == (
        "https://x.example/v1"
    )
