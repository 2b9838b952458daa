"""What the terminal can show, decided once, before Textual is imported.

Textual reads ``TEXTUAL_FPS`` and ``TEXTUAL_COLOR_SYSTEM`` when it is imported, hence this module
imports nothing of it and must have run before.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from warroom.errors import ConfigurationError

THEME_NAMES: Final = ("dark", "light", "high-contrast", "colour-blind", "ansi", "none")
_FPS_NEAR: Final = 60
_FPS_FAR: Final = 20


class Colours(StrEnum):
    """How many colours are sent."""

    NONE = "none"
    SIXTEEN = "16"
    MANY = "256"
    TRUE = "truecolor"


_RICH_NAMES: Final = {
    Colours.NONE: "standard",
    Colours.SIXTEEN: "standard",
    Colours.MANY: "256",
    Colours.TRUE: "truecolor",
}


@dataclass(frozen=True, slots=True)
class TerminalProfile:
    """What is sent to this terminal."""

    colours: Colours
    theme: str
    fps: int

    def apply(self, environ: MutableMapping[str, str]) -> None:
        """Set what Textual reads at import; what the person has set already wins."""
        environ.setdefault("TEXTUAL_FPS", str(self.fps))
        environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
        environ["TEXTUAL_COLOR_SYSTEM"] = _RICH_NAMES[self.colours]
        if self.colours is Colours.NONE:
            environ["NO_COLOR"] = "1"
        else:
            # Present but empty means colours are wanted; Textual only asks whether it is present.
            environ.pop("NO_COLOR", None)


def profile(environ: Mapping[str, str], theme: str = "auto") -> TerminalProfile:
    """Choose colours, theme and frame rate.

    Args:
        environ: the environment; NO_COLOR, COLORTERM, TERM and SSH_CONNECTION are looked at.
        theme: the setting ``console.theme``.

    Raises:
        ConfigurationError: there is no theme of that name.
    """
    if theme not in {"auto", *THEME_NAMES}:
        raise ConfigurationError(
            f"There is no theme {theme!r}.",
            field="console.theme",
            remedy=f"Choose auto, {', '.join(THEME_NAMES)}.",
        )
    colours = Colours.NONE if theme == "none" else _colours(environ)
    if colours is Colours.NONE:
        theme = "none"
    elif colours is Colours.SIXTEEN:
        # Sixteen colours belong to the terminal's owner: other themes would be bent to them.
        theme = "ansi"
    elif theme == "auto":
        theme = "light" if _is_light(environ) else "dark"
    far = "SSH_CONNECTION" in environ or "SSH_TTY" in environ
    return TerminalProfile(colours, theme, _FPS_FAR if far else _FPS_NEAR)


def _colours(environ: Mapping[str, str]) -> Colours:
    term = environ.get("TERM", "").lower()
    # https://no-color.org: present and not an empty string.
    if environ.get("NO_COLOR") or term in {"dumb", "unknown"}:
        return Colours.NONE
    if environ.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}:
        return Colours.TRUE
    if term.endswith(("-direct", "-truecolor")) or "kitty" in term or "ghostty" in term:
        return Colours.TRUE
    if "256color" in term:
        return Colours.MANY
    return Colours.SIXTEEN


def _is_light(environ: Mapping[str, str]) -> bool:
    """Ask COLORFGBG, which some terminals set to ``foreground;background``."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in {"7", "15"}
