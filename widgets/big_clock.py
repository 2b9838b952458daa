"""Three-line digits for the next clock: read from across the room."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = {
    "0": ("┏━┓", "┃ ┃", "┗━┛"),
    "1": (" ┓ ", " ┃ ", " ┻ "),
    "2": ("╺━┓", "┏━┛", "┗━╸"),
    "3": ("╺━┓", " ━┫", "╺━┛"),
    "4": ("╻ ╻", "┗━┫", "  ╹"),
    "5": ("┏━╸", "┗━┓", "╺━┛"),
    "6": ("┏━╸", "┣━┓", "┗━┛"),
    "7": ("╺━┓", "  ┃", "  ╹"),
    "8": ("┏━┓", "┣━┫", "┗━┛"),
    "9": ("┏━┓", "┗━┫", "╺━┛"),
    ":": (" ", ":", " "),
}
_NONE: Final = ("   ", "╺━╸", "   ")


def big(text: str) -> tuple[str, str, str]:
    """Return a clock such as ``01:42`` in three lines of the same width."""
    parts = [_DIGITS.get(char, _NONE) for char in text]
    first, second, third = (" ".join(part[line] for part in parts) for line in range(3))
    return first, second, third
