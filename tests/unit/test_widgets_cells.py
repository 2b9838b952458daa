"""Cells: fitting to columns, and finding the columns that changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from warroom.domain.safe_text import safe_text
from widgets.cells import Line, Role, cell, changed_columns, fit
from widgets.freshness import Freshness, badge_words, freshness_words
from widgets.words import age_words, clock_words

texts = st.text(st.one_of(st.sampled_from("ab漢🔥é\u0301 …"), st.characters()), max_size=40)


@given(texts, st.integers(0, 60), st.booleans())
def test_fitted_text_is_as_wide_as_its_columns(text: str, width: int, right: bool) -> None:
    shown = fit(safe_text(text), width, right=right)
    assert cell_len(shown) == width


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.integers(4, 20))
def test_sending_the_changed_columns_is_enough(pairs: list[tuple[str, str]], width: int) -> None:
    old = Line(tuple(cell(a, width) for a, _ in pairs))
    new = Line(tuple(cell(b, width) for _, b in pairs))
    runs = changed_columns(old, new)
    before, after = _grid(old), _grid(new)
    for x, length in runs:
        assert x >= 0
        assert x + length <= len(after)
        assert after[x] != "", "a run begins with the second half of a wide character"
        before[x : x + length] = after[x : x + length]
    assert before == after
    assert (runs == []) == (_grid(old) == _grid(new))


def _grid(line: Line) -> list[str]:
    columns: list[str] = []
    for each in line.cells:
        for char in each.shown:
            width = cell_len(char)
            if width == 0 and columns:
                columns[-1] += char
            columns += [char, ""][:width]
    return columns


def test_a_change_of_colour_is_a_change() -> None:
    old = Line((cell("abc", 3), cell("def", 3)))
    assert changed_columns(old, Line((cell("abc", 3), cell("def", 3, Role.NOW)))) == [(3, 3)]
    assert changed_columns(old, Line(old.cells, selected=True)) == [(0, 6)]


@pytest.mark.parametrize(
    ("seconds", "age", "clock"),
    [
        (0, "0s", "00:00"), (59, "59s", "00:59"), (60, "1m", "01:00"), (3599, "59m", "59:59"),
        (3600, "1h", "1:00:00"), (86_400, "1d", "24:00:00"), (256_368, "2d", "71:12:48"),
        (1e9, "999d", "9999 d"), (-5, "0s", "00:00"),
    ],
)  # fmt: skip
def test_spans(seconds: float, age: str, clock: str) -> None:
    assert (age_words(seconds), clock_words(seconds)) == (age, clock)


@pytest.mark.parametrize(
    ("age", "reason", "words", "badge", "role"),
    [
        (0.2, None, "live 0.2 s", "● live 0.2 s", Role.BAR_QUIET),
        (1.2, "slow", "stale 1.2 s: slow", "▲ stale 1.2 s", Role.SOON),
        (2.4, None, "stale 2 s", "▲ stale 2 s", Role.SOON),
        (14, "gone", "stale 14 s: gone", "✖ STALE 14 s", Role.NOW_LOUD),
        (600, None, "stale 10 min", "✖ STALE 10 min", Role.NOW_LOUD),
        (None, "no database", "no picture yet: no database", "○ no picture", Role.SOON),
    ],
)
def test_freshness(
    age: float | None, reason: str | None, words: str, badge: str, role: Role
) -> None:
    why = safe_text(reason) if reason else None
    freshness = Freshness(age, safe_text("primary"), why, reason is not None)
    assert freshness_words(freshness)[0] == words
    assert badge_words(freshness) == (badge, role)


def test_a_live_picture_says_where_it_is_from_when_that_is_not_as_wished() -> None:
    primary, standby = safe_text("primary"), safe_text("standby")
    assert freshness_words(Freshness(0.6, primary))[0] == "live 0.6 s"
    assert freshness_words(Freshness(0.6, standby))[0] == "live 0.6 s from standby"
    gone = Freshness(0.6, primary, away=safe_text("standby gone"))
    assert freshness_words(gone)[0] == "live 0.6 s from primary (standby gone)"
    behind = Freshness(0.6, primary, behind_s=34.2)
    assert freshness_words(behind) == ("alerts 34 s late", Role.SOON)
    assert badge_words(behind) == ("▲ 34 s late", Role.SOON)
    both = Freshness(0.6, standby, behind_s=150.0)
    assert freshness_words(both)[0] == "alerts 2 min late from standby"
    gone_by = Freshness(3.0, primary, behind_s=34.2)  # its age is what is known least
    assert (freshness_words(gone_by)[0], badge_words(gone_by)[0]) == ("stale 3 s", "▲ stale 3 s")
    late = Freshness(3.0, primary, safe_text("the standby is gone: reading the primary"))
    assert freshness_words(late)[0] == "stale 3 s: the standby is gone: reading the primary"
