"""The refusals of silences: rule, sentence and what is refused; see ``test_domain_refusals``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from warroom.domain import silence

HOUR: Final = timedelta(hours=1)
SILENCES: Final[list[tuple[str, str, Callable[[], object]]]] = [
    (
        "silence-everything",
        (
            "At least one matcher must not match the empty string: this would silence every alert"
            " that lacks these labels. Nothing was changed. Name a label that must be there."
        ),
        lambda: silence.check_breadth(silence.Breadth(True, HOUR, 0, 0), "x" * 60),
    ),
    (
        "silence-broad",
        (
            "It would hold back 1,200 of 1,300 firing alerts. Nothing was changed. Match less, or"
            " give a reason of at least 30 characters."
        ),
        lambda: silence.check_breadth(silence.Breadth(False, HOUR, 1200, 1300), "noise"),
    ),
    (
        "silence-broad",
        (
            "Its matchers hold for nearly every alert, whatever fires now. Nothing was changed."
            " Match less, or give a reason of at least 30 characters."
        ),
        lambda: silence.check_breadth(silence.Breadth(False, HOUR, 0, 0, True), "noise"),
    ),
    (
        "silence-long",
        (
            "It would last 10 d. Nothing was changed. Make it 7 days or less, or give a reason of"
            " at least 30 characters."
        ),
        lambda: silence.check_breadth(silence.Breadth(False, 240 * HOUR, 0, 0), "noise"),
    ),
]
