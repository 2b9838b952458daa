"""Matchers at work: RE2 as in Go, so that no expression can run for ever.

Python's own ``re`` backtracks: one matcher such as ``(a+)+$`` would hold up every alert.  RE2
takes time linear in the label and bounded memory, and reads what Alertmanager reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import re2

from warroom.domain.silence import COMPLETED, Matcher
from warroom.errors import InvalidInput

Test = Callable[[Mapping[str, str]], bool]


def _options(max_mem: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_mem
    return options


# Of one expression, compiled; Go's own limit on repetitions bounds it as well.
_OPTIONS = _options(1 << 20)
# Of all silences' expressions on one label; what does not fit is asked in several sets.
_SET_OPTIONS = _options(8 << 20)
PACK_SIZE = 10_000
"""Instructions of one set: some 300 usual expressions, or three of the largest."""


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)


def _full(pattern: str) -> Callable[[str], object]:
    found: Callable[[str], object] = _compiled(pattern).fullmatch
    return found


# The same few services and zones come again and again; long values are too dear to keep.
_KEPT_LENGTH = 128


@lru_cache(maxsize=50_000)
def _known(pattern: str, text: str) -> bool:
    return _full(pattern)(text) is not None


def _fits(pattern: str, text: str) -> bool:
    if len(text) <= _KEPT_LENGTH:
        return _known(pattern, text)
    return _full(pattern)(text) is not None


def holds_for(matcher: Matcher) -> Callable[[str], bool]:
    """Return whether a label's value fulfils a matcher, as a function.

    Raises:
        InvalidInput: its regular expression cannot be read.
    """
    wanted, equal = matcher.value, matcher.equal
    if not matcher.regex:
        return (lambda text: text == wanted) if equal else (lambda text: text != wanted)
    try:
        _full(wanted)
    except re2.error as error:
        said = str(error.args[0] if error.args else error)
        if isinstance(error.args[0] if error.args else None, bytes):
            said = error.args[0].decode("utf-8", "replace")
        raise InvalidInput(
            f"The regular expression of {matcher.name} cannot be read: {said[:200]}.",
            field="matchers",
            remedy="It is RE2's syntax, as in Prometheus.",
        ) from None
    return (lambda text: _fits(wanted, text)) if equal else (lambda text: not _fits(wanted, text))


Sieve = Callable[[str], list[int]]


@lru_cache(maxsize=32)
def sieve_of(patterns: tuple[str, ...]) -> Sieve:
    """Return which of many expressions fit a text whole, asked in one go: the places of those.

    Kept from batch to batch: a set takes milliseconds to compile, and grows faster with use.

    Args:
        patterns: expressions that can be read (``holds_for`` has read them).
    """
    sieves = tuple(_sieve(pack, first) for first, pack in _packs(patterns))
    if len(sieves) == 1:
        return sieves[0]
    return lambda text: [place for sieve in sieves for place in sieve(text)]


def _packs(patterns: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Cut them into what is compiled in some milliseconds each, with the place of each first."""
    first, size = 0, 0
    for place, pattern in enumerate(patterns):
        more: int = _compiled(pattern).programsize
        if size and size + more > PACK_SIZE:
            yield first, patterns[first:place]
            first, size = place, 0
        size += more
    yield first, patterns[first:]


def _sieve(patterns: tuple[str, ...], first: int) -> Sieve:
    chosen = re2.Set.FullMatchSet(_SET_OPTIONS)
    try:
        for pattern in patterns:
            chosen.Add(pattern)
        chosen.Compile()
    except re2.error:  # asked one by one, it takes longer and is as true
        each = [_full(pattern) for pattern in patterns]
        return lambda text: [
            first + place for place, full in enumerate(each) if full(text) is not None
        ]
    return lambda text: [first + place for place in chosen.Match(text) or ()]


def gate_of(matchers: Iterable[Matcher]) -> tuple[str, str] | None:
    """Return label and expression of a matcher that must fit, so that many can be asked at once.

    The longest one: it is the likeliest to tell alerts apart.
    """
    found = [m for m in matchers if m.regex and m.equal]
    chosen = max(found, key=lambda m: (len(m.value), m.name), default=None)
    return (chosen.name, chosen.value) if chosen is not None else None


def test_of(matchers: Iterable[Matcher]) -> Test:
    """Return whether labels fulfil all matchers, as a function; a missing label is empty.

    Raises:
        InvalidInput: a regular expression cannot be read.
    """
    cheap_first = sorted(matchers, key=lambda m: m.regex)
    parts = tuple((m.name, holds_for(m)) for m in cheap_first)
    return lambda labels: all(holds(labels.get(name, "")) for name, holds in parts)


def matches_everything(matchers: Iterable[Matcher]) -> bool:
    """Say whether labels of which none is there would be matched."""
    return all(holds_for(m)("") for m in matchers)


# Values as they stand on labels: names, hosts, addresses, zones, paths, numbers, one letter.
_USUAL = (
    "a", "7", "critical", "payments", "HighErrorRate", "eu-west-1", "pg-main.internal",
    "10.0.0.1:9100", "/var/lib/data", "web 7", "C4", "Über",
)  # fmt: skip


def matches_anything(matchers: Iterable[Matcher]) -> bool:
    """Say whether every matcher rules out little: a negative one, or one that fits most values."""
    return all(not m.equal or sum(map(holds_for(m), _USUAL)) > len(_USUAL) / 2 for m in matchers)


def equal_pairs(matchers: Iterable[Matcher]) -> dict[str, str]:
    """Return the labels that must be there with just this value: what a database can look up."""
    return {m.name: m.value for m in matchers if m.equal and not m.regex and m.value}


def stored_pairs(matchers: Iterable[Matcher]) -> dict[str, str]:
    """Return those that stand in the labels as they are stored: not what is completed there."""
    return {n: value for n, value in equal_pairs(matchers).items() if n not in COMPLETED}
