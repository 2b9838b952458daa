"""Severity: from the words that tools use to one scale, 1 (worst) to 5.

A source may bring its own table; where that is silent the built-in one decides; where both are
silent the severity is 3.  The verdict says which entry decided, so that nobody has to guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from warroom.domain.validate import check_severity, check_text, shorten
from warroom.errors import InvalidInput

DEFAULT_SEVERITY = 3
WORD_MAX = 100

_BY_SEVERITY: Mapping[int, str] = {
    1: "critical crit emergency emerg disaster fatal blocker highest urgent p1 sev1 s1 1",
    2: "page error err major high alert down p2 sev2 s2 2",
    3: "warning warn average medium moderate degraded p3 sev3 s3 3",
    4: "minor low notice ticket p4 sev4 s4 4",
    5: "info information informational debug none ok trivial lowest p5 sev5 s5 5",
}

BUILT_IN: Mapping[str, int] = MappingProxyType(
    {word: severity for severity, words in _BY_SEVERITY.items() for word in words.split()}
)
"""The built-in table, by normalised word."""

_IGNORED = str.maketrans("", "", " \t-_.:")


@dataclass(frozen=True, slots=True)
class SeverityVerdict:
    """A severity and why.

    ``word`` is what the tool said (shortened), ``table`` is ``source``, ``built-in`` or
    ``default``, ``reason`` one sentence.
    """

    severity: int
    word: str
    table: str
    reason: str


def normalise(word: str) -> str:
    """Return the form of a word in the tables: ``SEV-1`` and ``sev 1`` are ``sev1``."""
    return word.casefold().translate(_IGNORED)


def check_table(table: Mapping[str, object], field: str = "severities") -> Mapping[str, int]:
    """Return a source's own table with its words normalised.

    Raises:
        InvalidInput: an empty word, a severity outside 1 to 5, or two spellings of one word that
            disagree.
    """
    checked: dict[str, int] = {}
    for word, value in table.items():
        key = normalise(check_text(word, field, longest=WORD_MAX))
        where = f"{field}.{key}"
        if not key:
            raise InvalidInput(f"{field} has an empty word.", field=field)
        severity = check_severity(value, where)
        if checked.setdefault(key, severity) != severity:
            raise InvalidInput(f"{where} is given twice with different values.", field=where)
    return MappingProxyType(checked)


def stored_table(stored: object) -> Mapping[str, int]:
    """Return what can be used of a source's table as it is stored.

    ``check_table`` stands in front of it; of what somebody has written by SQL, the rest is left
    out: an alert is worth more than the word for its severity.
    """
    if not isinstance(stored, Mapping):
        return MappingProxyType({})
    return MappingProxyType(
        {
            normalise(word): value
            for word, value in stored.items()
            if isinstance(word, str)
            and isinstance(value, int)
            and not isinstance(value, bool)
            and 1 <= value <= 5
        }
    )


def judge(
    word: str | None, table: Mapping[str, int] | None = None, label: str = "severity"
) -> SeverityVerdict:
    """Map a tool's word to a severity.

    Args:
        word: what the tool wrote, or None if it wrote nothing.
        table: the source's own table as ``check_table`` returns it; it wins.
        label: where the word came from, for the sentence.
    """
    said = shorten(word.strip(), WORD_MAX) if word else ""
    if table and said and (key := normalise(said)) in table:
        severity = table[key]
        return SeverityVerdict(
            severity, said, "source", f"{label} {said} is SEV{severity} for this source"
        )
    return _by_default(said, label)


# A source says the same few words over and over.  A word is short here and the number is bounded,
# so that nobody fills the memory with words that he makes up.
@lru_cache(maxsize=256)
def _by_default(said: str, label: str) -> SeverityVerdict:
    """Judge a word, or the lack of one, by the built-in table."""
    if not said:
        reason = f"no {label}: SEV{DEFAULT_SEVERITY} by default"
        return SeverityVerdict(DEFAULT_SEVERITY, "", "default", reason)
    key = normalise(said)
    if key in BUILT_IN:
        severity = BUILT_IN[key]
        return SeverityVerdict(severity, said, "built-in", f"{label} {said} is SEV{severity}")
    reason = f"{label} {said} is in no table: SEV{DEFAULT_SEVERITY} by default"
    return SeverityVerdict(DEFAULT_SEVERITY, said, "default", reason)
