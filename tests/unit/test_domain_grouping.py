"""Which incident an alert belongs to, and the sentence that says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_domain_alert import at, fires, over
from warroom.domain.alert import AlertChange, ChangeKind, apply
from warroom.domain.grouping import (
    DEFAULT_WINDOW,
    UNASSIGNED_SERVICE,
    Candidate,
    PlacementKind,
    opening,
    place,
    service_of,
)
from warroom.domain.incident import Status

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TWELVE = Candidate(UUID(int=12), 12, Status.ACKNOWLEDGED, 3, NOW - timedelta(minutes=10))
NEW: AlertChange = apply(None, fires(), NOW)
REPEAT: AlertChange = apply(NEW.after, fires(), NOW)
OVER: AlertChange = apply(NEW.after, over(0, 0), NOW)


def test_the_first_alert_opens_an_incident() -> None:
    placement = place(fires(), NEW, [], NOW)
    assert (placement.kind, placement.incident) == (PlacementKind.OPEN, None)
    assert placement.say(2041) == "opened INC-2041: first alert of checkout"
    assert placement.say() == "opened an incident: first alert of checkout"


def test_the_next_one_joins_and_may_raise_but_never_lowers() -> None:
    worse = place(fires(severity=1), NEW, [TWELVE], NOW)
    assert (worse.kind, worse.incident, worse.raise_to) == (PlacementKind.JOIN, TWELVE, 1)
    assert worse.say() == "joined INC-12: checkout, within 60 min"
    assert place(fires(severity=5), NEW, [TWELVE], NOW).raise_to is None


@pytest.mark.parametrize(
    "candidate",
    [
        replace(TWELVE, last_activity_at=NOW - DEFAULT_WINDOW - timedelta(seconds=1)),
        replace(TWELVE, status=Status.RESOLVED),
        replace(TWELVE, status=Status.CLOSED),
    ],
)
def test_neither_a_forgotten_nor_an_ended_incident_takes_one_in(candidate: Candidate) -> None:
    assert place(fires(), NEW, [candidate], NOW).kind is PlacementKind.OPEN


def test_the_most_recently_active_is_joined() -> None:
    newer = replace(TWELVE, id=UUID(int=13), number=13, last_activity_at=NOW)
    assert place(fires(), NEW, [newer, TWELVE], NOW).incident == newer
    assert place(fires(), NEW, [TWELVE, newer], NOW).incident == newer


def test_a_repeat_stays_where_it_is_however_old() -> None:
    old = replace(TWELVE, last_activity_at=NOW - timedelta(days=9))
    placement = place(fires(severity=2), REPEAT, [old], NOW, attached=old)
    assert (placement.kind, placement.raise_to) == (PlacementKind.STAY, 2)
    assert placement.say() == "stays on INC-12: checkout"


def test_who_resolved_it_is_believed_for_one_window() -> None:
    ended = replace(
        TWELVE, status=Status.RESOLVED, resolved_at=NOW - timedelta(minutes=5), severity=4
    )
    placement = place(fires(), REPEAT, [ended], NOW, attached=ended)
    assert (placement.kind, placement.raise_to) == (PlacementKind.STAY, None)
    assert placement.say() == "stays on INC-12, which was resolved 5 min ago"
    much_later = NOW + timedelta(minutes=60)
    again = place(fires(), REPEAT, [ended], much_later, attached=ended)
    assert again.kind is PlacementKind.OPEN
    assert again.say(13) == "opened INC-13: checkout still fires 65 min after INC-12 was resolved"
    fourteen = replace(TWELVE, number=14, last_activity_at=much_later)
    joined = place(fires(), REPEAT, [fourteen], much_later, attached=ended)
    assert joined.say() == "joined INC-14: checkout, within 60 min"


def test_what_fires_again_after_its_incident_ended_is_new() -> None:
    ended = replace(TWELVE, status=Status.RESOLVED, resolved_at=NOW)
    refired = replace(NEW, kind=ChangeKind.REFIRED)
    assert place(fires(), refired, [ended], NOW, attached=ended).kind is PlacementKind.OPEN


def test_an_end_opens_nothing() -> None:
    assert place(over(0, 0), OVER, [TWELVE], NOW).kind is PlacementKind.RECORD
    stays = place(over(0, 0), OVER, [TWELVE], NOW, attached=TWELVE)
    assert stays.say() == "stays on INC-12: it is over"


def test_alerts_that_name_no_service_have_one_all_the_same() -> None:
    assert service_of(replace(fires(), service_key=None)) == UNASSIGNED_SERVICE


def test_the_worst_alert_gives_the_title() -> None:
    alerts = [
        replace(fires(severity=3), summary="slow"),
        replace(fires(5, severity=1), summary="down\x1b again", description="why"),
        replace(fires(9, severity=1), summary="later"),
    ]
    begin = opening("checkout", alerts)
    assert (begin.title, begin.severity, begin.summary) == ("checkout: down\x1b again", 1, "why")
    named = opening("checkout", [replace(fires(), summary="Checkout  answers\n5xx")])
    assert named.title == "Checkout answers 5xx"
    assert len(opening("s" * 300, alerts).title) == 200


@given(
    st.lists(
        st.builds(
            Candidate,
            st.integers(1, 9).map(lambda n: UUID(int=n)),
            st.integers(1, 9),
            st.sampled_from(Status),
            st.integers(1, 5),
            st.integers(-9_000, 0).map(at),
            st.none() | st.integers(-9_000, 0).map(at),
        ),
        max_size=5,
    ),
    st.sampled_from([NEW, REPEAT, OVER]),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_firing_alert_is_ever_left_alone(
    candidates: list[Candidate], change: AlertChange, severity: int, attach: bool
) -> None:
    attached = candidates[0] if attach and candidates else None
    placement = place(fires(severity=severity), change, candidates, NOW, attached=attached)
    assert placement.say(7)
    if placement.kind is PlacementKind.RECORD:
        assert change is OVER
    if placement.kind in (PlacementKind.JOIN, PlacementKind.STAY):
        assert placement.incident is not None
    if placement.raise_to is not None:
        assert placement.incident is not None
        assert placement.raise_to < placement.incident.severity
