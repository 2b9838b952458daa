"""The terminal profile: which colours, which theme, how many frames."""

from __future__ import annotations

import pytest

from warroom.console.terminal import Colours, profile
from warroom.errors import ConfigurationError


@pytest.mark.parametrize(
    ("environ", "setting", "colours", "theme"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "auto", Colours.TRUE, "dark"),
        ({"TERM": "xterm-256color"}, "auto", Colours.MANY, "dark"),
        ({"TERM": "xterm-256color"}, "light", Colours.MANY, "light"),
        ({"TERM": "xterm"}, "auto", Colours.SIXTEEN, "ansi"),
        ({"TERM": "linux"}, "high-contrast", Colours.SIXTEEN, "ansi"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "auto", Colours.NONE, "none"),
        ({"TERM": "xterm-kitty"}, "auto", Colours.TRUE, "dark"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "dark", Colours.NONE, "none"),
        ({"NO_COLOR": "", "COLORTERM": "truecolor"}, "dark", Colours.TRUE, "dark"),
        ({"COLORTERM": "truecolor"}, "none", Colours.NONE, "none"),
        ({"COLORTERM": "24bit", "COLORFGBG": "0;15"}, "auto", Colours.TRUE, "light"),
        ({}, "auto", Colours.SIXTEEN, "ansi"),
    ],
)
def test_what_a_terminal_gets(
    environ: dict[str, str], setting: str, colours: Colours, theme: str
) -> None:
    found = profile(environ, setting)
    assert (found.colours, found.theme) == (colours, theme)


def test_textual_is_told_before_it_is_imported() -> None:
    environ = {"TERM": "xterm", "NO_COLOR": "", "SSH_CONNECTION": "1 2 3 4"}
    profile(environ).apply(environ)
    assert environ["TEXTUAL_COLOR_SYSTEM"] == "standard"
    assert environ["TEXTUAL_FPS"] == "20"
    assert "NO_COLOR" not in environ


def test_a_frame_rate_of_the_person_wins() -> None:
    environ = {"TEXTUAL_FPS": "5", "NO_COLOR": "1"}
    profile(environ).apply(environ)
    assert environ["TEXTUAL_FPS"] == "5"
    assert environ["NO_COLOR"] == "1"


def test_an_unknown_theme_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'pink'.*colour-blind"):
        profile({}, "pink")
