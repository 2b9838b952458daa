"""SafeText: whatever comes in, only visible text comes out."""

from __future__ import annotations

import copy
import pickle
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from warroom.domain.safe_text import DEFAULT_LIMIT, SafeText, safe_text

_NASTY = (
    "\x00\x07\x08\t\n\r\x1b\x7f\x80\x90\x9b\x9c\x9d\xad\u034f\u061c\u115f\u1160\u17b4\u180e"
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069"
    "\u206f\u2800\u3000\u3164\ud800\udfff\ufe0e\ufe0f\ufeff\uffa0\ufff9\ufffc\uffff\ue000"
    "\U000e0001\U000e0041\U000e0100\U000f0000\U0010ffff\u0301\u20e3\u0489"
    "👩🚒❤🏽🏿🇦🇹1#*‹›…aé漢あ가가\u0e33"
)
any_text = st.text(st.one_of(st.sampled_from(_NASTY), st.characters()), max_size=80)
limits = st.one_of(st.integers(1, 40), st.just(DEFAULT_LIMIT))


@given(any_text, limits, st.booleans())
@settings(max_examples=1500, deadline=None)
@example("👩\u200d🚒\ufe0f", 500, True)
@example("🇦🇹🇦", 3, True)
def test_only_visible_characters_come_out(raw: str, limit: int, single_line: bool) -> None:
    shown = safe_text(raw, limit, single_line)
    assert type(shown) is SafeText
    assert len(shown) <= limit
    for char in shown:
        if char == "\n" and not single_line:
            continue
        kind = unicodedata.category(char)
        assert kind[0] != "C", hex(ord(char))
        assert kind not in {"Zl", "Zp"}, hex(ord(char))
        assert kind != "Zs" or char == " "
    shown.encode("utf-8")


@given(any_text, limits, st.booleans())
@settings(max_examples=1500, deadline=None)
def test_idempotent(raw: str, limit: int, single_line: bool) -> None:
    once = safe_text(raw, limit, single_line)
    assert safe_text(str(once), limit, single_line) == once
    assert safe_text(once, limit, single_line) is once


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=DEFAULT_LIMIT))
def test_plain_text_is_untouched(raw: str) -> None:
    assert safe_text(raw) == raw


@given(any_text)
@settings(deadline=None)
def test_zero_width_characters_only_follow_a_base(raw: str) -> None:
    """A mark without a base would join the frame's own characters."""
    shown = safe_text(raw)
    if shown:
        assert cell_len(shown[0]) > 0


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", "␛]52;c;ZXZpbA==␇"),
        ("a\x9b31mb", "a‹U+009B›31mb"),
        ("user\u202egnp.exe", "user‹U+202E›gnp.exe"),
        ("in\u200bvisible", "in‹U+200B›visible"),
        ("one\ntwo\ttab\x7f", "one␊two␉tab␡"),
        ("para\u2029line\u2028", "para‹U+2029›line‹U+2028›"),
        ("\ud83d", "‹U+D83D›"),
        ("tag\U000e0041", "tag‹U+E0041›"),
        ("\ue0b0", "‹U+E0B0›"),
        ("👩\u200d🚒", "👩🚒"),
        ("👍🏽 ❤\ufe0f 1\ufe0f\u20e3", "👍 ❤ 1\u20e3"),
        ("🇦🇹 is up", "‹AT› is up"),
        ("\u0301acute", "‹U+0301›acute"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "‹U+0301›" * 2),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("[bold]x[/] [@click=app.quit]y[/]", "[bold]x[/] [@click=app.quit]y[/]"),
        ("漢字 émoji 🔥", "漢字 émoji 🔥"),
        (2041, "2041"),
    ],
)
def test_what_a_person_sees(raw: object, shown: str) -> None:
    assert safe_text(raw) == shown


def test_many_lines() -> None:
    assert safe_text("a\r\nb\n\tc\rd", single_line=False) == "a\nb\n    c␍d"
    assert safe_text(safe_text("a\nb", single_line=False)) == "a␊b"


def test_length_is_bounded() -> None:
    assert safe_text("x" * 10_000, 10) == "xxxxxxxxx…"
    assert safe_text("\x9b" * 10_000, 20) == "‹U+009B›‹U+009B›…"
    assert safe_text("\n" * 10_000, 5, single_line=False) == "\n\n\n\n…"
    with pytest.raises(ValueError, match="at least 1"):
        safe_text("x", 0)


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError, match="safe_text"):
        SafeText("raw")
    text = safe_text("kept\x1b")
    for again in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert type(again) is SafeText
        assert again == text
