"""Every number that the ranking of suspects turns on, in one place.

They are log-odds unless another unit is given: +3 means about twenty times as likely.  Set by hand
and by search on the tuning seeds of ``bench/outages.py`` and ``bench/petshop_elsewhere.py``, never
on those of their reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each piece of evidence counts.

    Attributes:
        heard: probability that a service that is hit alerts.
        stray: probability that a service alerts though nothing of this incident hit it.
        hard: share of a fault that a hard dependency passes on.
        soft: the same of a soft one.
        late: the same of an asynchronous one.
        spare: the same of one member of a redundancy group that stands with the others.
        between: share of a fault that is believed to pass through a service that does not alert.
        reach_min: share below which a path is followed no further.
        hops_max: dependencies that a path has at the most.
        seed: how much more one of the incident's own services asks to be explained than another
            that alerts (a factor).
        silent_strength: strength (0 to 1) that a watched service without an alert has at the most
            where the alerts of others were measured.
        silent_self: that the suspect itself does not alert.
        unwatched_self: the same of one that has no alert source.
        silent_dependants: that none of the services that need it hard alert (times their share).
        own: that no unhealthy dependency below it explains its own alert (times that share).
        own_silent: the share of ``own`` that counts for one that does not alert itself.
        first: that its alert came before those it explains.
        last: that its alert came ``slack_s`` or more after those it explains.
        slack_s: seconds of lateness that count in full; alerting rules wait as long as this.
        change: a change on it at the moment of the first alert; halves each ``change_half_s``.
        change_half_s: seconds.
        change_after_s: seconds that a change may come after the first alert: clocks differ, and
            alerts may be early.
        change_named: from which on the change, not the service, is what is suspected.
        change_cause: that a person said the change is the cause.
        change_suspected: that a person suspects the change.
        backlash: share of a fault that goes the other way, from a service that was just changed to
            what it needs: a new version leaks connections, or asks too much.
        status: that a third party itself reports an outage.
        earlier: that it was the cause of an earlier incident with the same services (times their
            likeness).
        domain: what a failure domain must make up for against a single service: it is rarer.
        domain_heard: share of the services of a failed domain that alert.
    """

    heard: float = 0.5
    stray: float = 0.035
    hard: float = 0.9
    soft: float = 0.45
    late: float = 0.4
    spare: float = 0.25
    between: float = 0.4
    reach_min: float = 0.13
    hops_max: int = 5
    seed: float = 1.5
    silent_strength: float = 0.3
    silent_self: float = -1.2
    unwatched_self: float = -0.6
    silent_dependants: float = -2.0
    own: float = 1.5
    own_silent: float = 0.8
    first: float = 0.4
    last: float = -0.7
    slack_s: float = 180.0
    change: float = 4.5
    change_half_s: float = 1800.0
    change_after_s: float = 60.0
    change_named: float = 0.75
    change_cause: float = 12.0
    change_suspected: float = 2.0
    backlash: float = 0.2
    status: float = 3.0
    earlier: float = 1.5
    domain: float = -2.5
    domain_heard: float = 0.7


DEFAULT: Final = Weights()
