"""What the demo shows. Plain data; amounts in dollars, times in days before now."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.models import Environment, Role
from usage.models import Endpoint

PASSWORD = "demo-tokenhouse"  # noqa: S105 - printed at start, on purpose
ACME, STAGING, GLOBEX = "Acme", "Acme Staging", "Globex"
ADA, RITA = "ada@acme.example", "rita@acme.example"
NOOR, SAM = "noor@acme.example", "sam@acme.example"
OSCAR, OPERATOR = "oscar@globex.example", "op@tokenhouse.example"
PEOPLE = {
    ADA: "Ada Moss",
    RITA: "Rita Vale",
    NOOR: "Noor Haddad",
    SAM: "Sam Okafor",
    OSCAR: "Oscar Hale",
    OPERATOR: "Op Lindqvist",
}

# The price of this model changes half-way through the demo's time.
TUNED_MODEL = "ft:gpt-4o-mini-2024-07-18:acme::demo"
# Input, cached input, output; before and after.
TUNED_RATES_NANOS = ((300, 150, 1200), (240, 120, 960))

# Marks the price rows that are the demo's own.
PRICE_MARK = "demo"


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    name: str
    environment: str
    members: tuple[tuple[str, str], ...]
    # None: no billing information; the trial credit pays.
    legal_name: str | None = None
    approved_limit_usd: int | None = None
    hard_limit_usd: str | None = None
    soft_limits_usd: tuple[str, ...] = ()


ORGANIZATIONS = (
    DemoOrganization(
        ACME,
        Environment.PRODUCTION,
        (
            (ADA, Role.OWNER),
            (RITA, Role.READER),
            (NOOR, Role.READER),
            (SAM, Role.READER),
        ),
        legal_name="Acme Inc.",
        approved_limit_usd=600,
        hard_limit_usd="500",
        soft_limits_usd=("200", "400"),
    ),
    DemoOrganization(
        STAGING,
        Environment.STAGING,
        ((ADA, Role.OWNER), (RITA, Role.READER), (NOOR, Role.READER)),
        hard_limit_usd="5",
        soft_limits_usd=("0.10",),
    ),
    DemoOrganization(GLOBEX, Environment.PRODUCTION, ((OSCAR, Role.OWNER),)),
)


@dataclass(frozen=True, slots=True)
class DemoKey:
    """A service key of an organization, or (with `person`) a personal one."""

    name: str
    organization: str
    person: str | None = None
    # As part of the demo's time: 0.4 is two fifths in.
    revoked_at: float | None = None


KEYS = (
    DemoKey("Checkout assistant", ACME),
    DemoKey("Contract review", ACME),
    DemoKey("Document summaries", ACME),
    DemoKey("Search index", ACME),
    DemoKey("Support replies", ACME),
    DemoKey("Old importer", ACME, revoked_at=0.4),
    DemoKey("Ada's laptop", ACME, person=ADA),
    DemoKey("Rita's notebook", ACME, person=RITA),
    DemoKey("Noor's editor", ACME, person=NOOR),
    DemoKey("Sam's scripts", ACME, person=SAM),
    DemoKey("Integration tests", STAGING),
    DemoKey("Noor's editor, staging", STAGING, person=NOOR),
    DemoKey("Website chat", GLOBEX),
    DemoKey("Oscar's laptop", GLOBEX, person=OSCAR),
)


@dataclass(frozen=True, slots=True)
class Habit:
    """What a key is used for: how often, and how large a request typically is."""

    key: str
    model: str
    # Of all requests, in proportion to the others.
    share: int
    input_tokens: int
    output_tokens: int
    endpoint: str = Endpoint.CHAT_COMPLETIONS
    cached: float = 0.0
    # Whether the provider charges what it newly writes to its cache.
    writes_cache: bool = False
    reasoning: float = 0.0
    streamed: float = 0.0
    # How busy a weekend day is beside a working day.
    weekend: float = 0.2
    # Whether it is behind the one day on which far more was asked than ever.
    has_spike: bool = False
    # From and until when, as parts of the demo's time.
    begins: float = 0.0
    ends: float = 1.0


HABITS = (
    Habit("Checkout assistant", "gpt-4o-mini", 230, 1800, 350, cached=0.5, streamed=1,
          weekend=0.8),
    Habit("Contract review", "gpt-5-pro", 24, 60_000, 8_000, reasoning=0.5,
          weekend=0.05),
    Habit("Document summaries", "gpt-5", 140, 120_000, 12_000, reasoning=0.4,
          has_spike=True),
    Habit("Search index", "text-embedding-3-small", 120, 5_000, 0,
          endpoint=Endpoint.EMBEDDINGS, weekend=1.0),
    Habit("Support replies", TUNED_MODEL, 90, 3_000, 500, cached=0.3, streamed=0.6,
          weekend=0.6),
    Habit("Old importer", "gpt-4o", 30, 9_000, 1_200, ends=0.4),
    Habit("Ada's laptop", "gpt-5-pro", 22, 50_000, 9_000, reasoning=0.6, streamed=0.5),
    Habit("Ada's laptop", "gpt-5", 30, 8_000, 2_000, cached=0.2, streamed=0.9),
    Habit("Rita's notebook", "gpt-4o", 40, 9_000, 1_500, cached=0.2, weekend=0.05),
    Habit("Noor's editor", "gpt-6.1-sol", 130, 60_000, 8_000, cached=0.6,
          writes_cache=True, reasoning=0.3, streamed=1, weekend=0.1, begins=0.45),
    Habit("Sam's scripts", "gpt-5-mini", 45, 12_000, 2_500, reasoning=0.3),
    Habit("Integration tests", "sandbox-1", 90, 2_200, 700, streamed=0.5, weekend=0.3),
    Habit("Integration tests", "sandbox-embedding-1", 30, 1_500, 0,
          endpoint=Endpoint.EMBEDDINGS, weekend=0.3),
    Habit("Noor's editor, staging", "sandbox-1", 20, 4_000, 900, streamed=1),
    Habit("Website chat", "gpt-4o-mini", 60, 2_500, 500, streamed=1, weekend=1.0,
          begins=0.4),
    Habit("Oscar's laptop", "gpt-4o", 10, 6_000, 900, weekend=0.3, begins=0.4),
)  # fmt: skip
