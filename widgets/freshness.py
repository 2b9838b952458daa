"""How old a picture is, from where it is, and how loudly to say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warroom.domain.safe_text import SafeText, safe_text
from widgets.cells import Role

AMBER_SECONDS: Final = 2.0
LOUD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of a picture.

    ``age_s`` is None before the first picture; ``reason`` says why it is not live (one short
    sentence); ``troubled`` is set from the moment a read goes wrong, before the age shows it;
    ``away`` says in two words why the server that is wanted is not the one that is read;
    ``behind_s`` is how long alerts that were taken wait to be in it, None while that is in order.
    """

    age_s: float | None
    source: SafeText
    reason: SafeText | None = None
    troubled: bool = False
    away: SafeText | None = None
    behind_s: float | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the picture must not be taken for live."""
        return self.troubled or self.age_s is None or self.age_s > AMBER_SECONDS

    @property
    def is_loud(self) -> bool:
        """Whether it is so old that everybody must see it."""
        return self.age_s is not None and self.age_s > LOUD_SECONDS


def seconds_words(seconds: float) -> str:
    """Return an age of a picture: ``0.2 s``, ``14 s``, ``3 min``."""
    if seconds < AMBER_SECONDS:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def freshness_words(freshness: Freshness) -> tuple[str, Role]:
    """Return what a border says, e.g. ``("live 0.2 s", quiet)``, and how it is drawn."""
    reason = f": {freshness.reason}" if freshness.reason else ""
    if freshness.age_s is None:
        return f"no picture yet{reason}", Role.SOON if freshness.troubled else Role.QUIET
    age = seconds_words(freshness.age_s)
    if not freshness.is_stale:
        if freshness.away:
            where = f" from {freshness.source} ({freshness.away})"
        else:
            where = "" if freshness.source == "primary" else f" from {freshness.source}"
        if freshness.behind_s is not None:
            return f"alerts {seconds_words(freshness.behind_s)} late{where}", Role.SOON
        return f"live {age}{where}", Role.QUIET
    return f"stale {age}{reason}", Role.NOW_LOUD if freshness.is_loud else Role.SOON


def badge_words(freshness: Freshness) -> tuple[str, Role]:
    """Return the header's badge: a glyph, a word and the age."""
    if freshness.age_s is None:
        return "○ no picture", Role.SOON if freshness.troubled else Role.BAR_QUIET
    age = seconds_words(freshness.age_s)
    if freshness.is_loud:
        return f"✖ STALE {age}", Role.NOW_LOUD
    if freshness.is_stale:
        return f"▲ stale {age}", Role.SOON
    if freshness.behind_s is not None:  # what is read is new, what it is made of is not
        return f"▲ {seconds_words(freshness.behind_s)} late", Role.SOON
    return f"● live {age}", Role.BAR_QUIET


NO_PICTURE: Final = Freshness(None, safe_text("primary"))
