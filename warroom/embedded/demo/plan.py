"""One day's events in the order in which they happen: a pure function of script, seed and day."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from warroom.embedded.demo.data import Act, Alerts, Change, Day

SHIFT_MIN = 0.6
"""By how many minutes of the day the seed shifts an event at the most; less than lies between two
acts on one incident, so that their order stays."""
MANY = 3
"""A burst of so many alerts or more varies by a few with the seed."""
MORE = 3


@dataclass(frozen=True, slots=True)
class Event:
    """What happens ``at`` a minute of the day.

    ``index`` is the line of the script: flaps of one burst share it.  ``over`` says of alerts that
    they end; of an act or a change it is always False.
    """

    at: float
    index: int
    what: Alerts | Act | Change
    over: bool = False


def plan(day: Day, *, seed: int, number: int) -> tuple[Event, ...]:
    """Return the events of a day, the earliest first.

    Args:
        day: the script.
        seed: shifts times and numbers of alerts a little, the same way each time.
        number: which day it is, from 0; each is a little different.
    """
    chance = random.Random(f"{seed}/{number}")
    events: list[Event] = []
    for index, burst in enumerate(day.alerts):
        shift = chance.random() * SHIFT_MIN
        more = chance.randrange(MORE) if burst.count >= MANY else 0
        sent = replace(burst, count=burst.count + more)
        for again in range(burst.flaps):
            offset = shift + again * burst.every
            events.append(Event(burst.at + offset, index, sent))
            events.append(Event(burst.over + offset, index, sent, over=True))
    for index, act in enumerate(day.acts):
        events.append(Event(act.at + chance.random() * SHIFT_MIN, index, act))
    # After the others, so that what is drawn for these stays the same.
    for index, change in enumerate(day.changes):
        events.append(Event(change.at + chance.random() * SHIFT_MIN, index, change))
    return tuple(sorted(events, key=lambda event: event.at))
