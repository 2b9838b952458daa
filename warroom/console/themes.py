"""The themes. Red hurts now, amber will, blue is chosen or pending; nothing else is coloured."""

from __future__ import annotations

from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Inks:
    """The few colours that a theme consists of."""

    paper: str
    text: str
    quiet: str
    frame: str
    bar: str
    selected: str
    now: str
    now_text: str
    soon: str
    chosen: str


# What Textual's own style sheets ask of a theme of the terminal's colours.
_ANSI_VARIABLES = {
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "block-cursor-background": "ansi_white",
    "block-cursor-foreground": "ansi_black",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "input-selection-background": "ansi_blue",
    "input-selection-foreground": "ansi_white",
    "screen-selection-background": "ansi_blue",
    "screen-selection-foreground": "ansi_white",
}


def _theme(name: str, inks: Inks, *, dark: bool = True, ansi: bool = False) -> Theme:
    return Theme(
        name=name,
        primary=inks.chosen,
        secondary=inks.chosen,
        accent=inks.chosen,
        warning=inks.soon,
        error=inks.now,
        success=inks.text if not ansi else "ansi_default",
        foreground=inks.text,
        background=inks.paper,
        surface=inks.bar,
        panel=inks.bar,
        dark=dark,
        ansi=ansi,
        variables={
            "wr-quiet": inks.quiet,
            "wr-frame": inks.frame,
            "wr-bar": inks.bar,
            "wr-selected": inks.selected,
            "wr-now": inks.now,
            "wr-now-text": inks.now_text,
            "wr-soon": inks.soon,
            "wr-chosen": inks.chosen,
            "block-cursor-background": inks.selected,
            "block-cursor-foreground": inks.text,
            "border": inks.frame,
            "border-blurred": inks.frame,
            **(_ANSI_VARIABLES if ansi else {}),
        },
    )


_DARK = Inks(
    paper="#14161a", text="#d6d9de", quiet="#8b929c", frame="#3d444e", bar="#1f242b",
    selected="#22344a", now="#ff5c57", now_text="#14161a", soon="#e5b454", chosen="#6cb6ff",
)  # fmt: skip
_LIGHT = Inks(
    paper="#fafaf8", text="#1f2328", quiet="#59636e", frame="#b8bfc7", bar="#e9ecef",
    selected="#cfe3fa", now="#b3161b", now_text="#ffffff", soon="#8a5a00", chosen="#0a58b8",
)  # fmt: skip
_CONTRAST = Inks(
    paper="#000000", text="#ffffff", quiet="#d0d0d0", frame="#a0a0a0", bar="#202020",
    selected="#003a80", now="#ff6b6b", now_text="#000000", soon="#ffd84d", chosen="#7cc4ff",
)  # fmt: skip
# Vermillion, yellow and sky blue of Okabe and Ito: told apart with every kind of colour vision.
_BLIND = Inks(
    paper="#14161a", text="#dcdfe3", quiet="#959ca6", frame="#3d444e", bar="#1f242b",
    selected="#1d3a52", now="#ee7733", now_text="#14161a", soon="#f0e442", chosen="#56b4e9",
)  # fmt: skip
_ANSI = Inks(
    paper="ansi_default", text="ansi_default", quiet="ansi_default", frame="ansi_default",
    bar="ansi_default", selected="ansi_default", now="ansi_red", now_text="ansi_white",
    soon="ansi_yellow", chosen="ansi_blue",
)  # fmt: skip

THEMES = (
    _theme("dark", _DARK),
    _theme("light", _LIGHT, dark=False),
    _theme("high-contrast", _CONTRAST),
    _theme("colour-blind", _BLIND),
    _theme("ansi", _ANSI, ansi=True),
    _theme("none", _ANSI, ansi=True),
)
