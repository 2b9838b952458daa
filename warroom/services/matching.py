"""Matchers at work: RE2 as in Go, so that no expression can run for ever.

Python's own ``re`` backtracks: one matcher such as ``(a+)+$`` would hold up every alert.  RE2
takes time linear in the label and bounded memory, and reads what Alertmanager reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from warroom.domain.silence import Matcher
from warroom.errors import InvalidInput

Test = Callable[[Mapping[str, str]], bool]


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    # Of one expression, compiled; Go's own limit on repetitions bounds it as well.
    options.max_mem = 1 << 20
    return options


_OPTIONS = _options()


@lru_cache(maxsize=4096)
def _full(pattern: str) -> Callable[[str], object]:
    found: Callable[[str], object] = re2.compile(pattern, _OPTIONS).fullmatch
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


def equal_pairs(matchers: Iterable[Matcher]) -> dict[str, str]:
    """Return the labels that must be there with just this value: what a database can look up."""
    return {m.name: m.value for m in matchers if m.equal and not m.regex and m.value}
