"""
Why a spend is another than before, in parts that add up to the nano-dollar. Pure.

Between the two spends lie steps, each of which changes one thing for each model:
what a request of it cost before times as many requests as all models grew by, then
times as many as its own, then requests as long as they are, then cached as they are.
A part is the difference of one step to the next, so that all of them together are the
whole difference, however a step is rounded. docs/usage.md says it for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from operator import add

from billing.pricing import Rates, Tokens, cost_nanos


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What a model used and cost in a period.

    `listed_nanos` is what its tokens cost at the standard prices of the time.
    """

    requests: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost_nanos: int = 0
    listed_nanos: int = 0

    def plus(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests,
            self.tokens.plus(other.tokens),
            self.cost_nanos + other.cost_nanos,
            self.listed_nanos + other.listed_nanos,
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a difference is the sum of, in nano-dollars."""

    volume: int = 0
    mix: int = 0
    length: int = 0
    cache: int = 0
    price: int = 0
    # Tiers, long contexts, answers from the gateway's cache, estimates, corrections.
    other: int = 0

    @property
    def total(self) -> int:
        return sum(astuple(self))

    def plus(self, other: Parts) -> Parts:
        return Parts(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A model's spend before and after, and the parts of the difference."""

    model: str
    before: Spent
    after: Spent
    parts: Parts

    @property
    def difference(self) -> int:
        return self.after.cost_nanos - self.before.cost_nanos


@dataclass(frozen=True, slots=True)
class Growth:
    """How many requests there were of all models, before and after."""

    before: int
    after: int


def changes_by_model(
    before: Mapping[str, Spent],
    after: Mapping[str, Spent],
    rates: Mapping[str, Rates | None],
) -> list[ModelChange]:
    """
    Return the change of each model, the largest first.

    `rates` are what amounts of both periods are compared at: the prices of before.
    """
    growth = Growth(requests_of(before.values()), requests_of(after.values()))
    nothing = Spent()
    changes = []
    for model in before.keys() | after.keys():
        both = before.get(model, nothing), after.get(model, nothing)
        parts = parts_of(*both, rates.get(model), growth)
        changes.append(ModelChange(model, *both, parts))
    return sorted(changes, key=lambda each: (-abs(each.difference), each.model))


def requests_of(spends: Iterable[Spent]) -> int:
    return sum(each.requests for each in spends)


def parts_of(before: Spent, after: Spent, rates: Rates | None, growth: Growth) -> Parts:
    """Return the parts of a model's difference; they add up to it."""
    was, is_now = priced(rates, before.tokens), priced(rates, after.tokens)
    alike, own, long = steps(before, after, rates, growth)
    return Parts(
        volume=alike - was,
        mix=own - alike,
        length=long - own,
        cache=is_now - long,
        price=(after.listed_nanos - is_now) - (before.listed_nanos - was),
        other=(after.cost_nanos - after.listed_nanos)
        - (before.cost_nanos - before.listed_nanos),
    )


def steps(
    before: Spent, after: Spent, rates: Rates | None, growth: Growth
) -> tuple[int, int, int]:
    """
    Return what it would cost had all models grown alike, had this one its requests,
    and were they as long as they are; all at the prices of before.

    Where there was nothing before, all of it is growth; a model that was not used
    before is mix.
    """
    was, is_now = priced(rates, before.tokens), priced(rates, after.tokens)
    if growth.before <= 0:
        return is_now, is_now, is_now
    alike = was * growth.after // growth.before
    uncached_before = priced(rates, uncached(before.tokens))
    if before.requests <= 0 or uncached_before <= 0:
        return alike, is_now, is_now
    own = was * after.requests // before.requests
    long = was * priced(rates, uncached(after.tokens)) // uncached_before
    return alike, own, long


def priced(rates: Rates | None, tokens: Tokens) -> int:
    """Return what sums of tokens cost at standard rates, whatever their requests."""
    if rates is None:
        return 0
    # The length of one request says which rates hold; sums of many have none.
    return cost_nanos(replace(rates, long_context=None), tokens)


def uncached(tokens: Tokens) -> Tokens:
    """Return the same tokens, all of them read anew."""
    return replace(
        tokens,
        cached_input=0,
        cache_write=0,
        cached_audio_input=0,
        cached_image_input=0,
    )
