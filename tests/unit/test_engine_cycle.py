"""How long a cycle of the engine rests."""

from __future__ import annotations

import pytest

from warroom.engine.cycle import Cycle


async def nothing() -> str:
    return "nothing"


@pytest.mark.parametrize(
    ("rest", "took_s", "pause_s"),
    [
        (0.0, 0.1, 2.0),
        (0.0, 30.0, 2.0),
        (2.0, 0.5, 2.0),
        (2.0, 1.0, 2.0),
        (2.0, 2.0, 4.0),
        (2.0, 8.0, 5.0),
    ],
)
def test_what_took_long_rests_longer_where_it_is_told_to(
    rest: float, took_s: float, pause_s: float
) -> None:
    assert Cycle("x", 2.0, True, nothing, rest=rest).pause_s(took_s) == pause_s
