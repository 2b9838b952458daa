"""How a stored alert changes with each message: the promises at the head of ``domain/alert.py``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.alert import (
    REORDER_GRACE,
    AlertChange,
    AlertState,
    ChangeKind,
    IncomingAlert,
    StoredAlert,
    apply,
    expire,
    firing_or_over,
)

T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def fires(start: float = 0, *, expires: float | None = None, severity: int = 3) -> IncomingAlert:
    return IncomingAlert(
        fingerprint="f",
        name="Up",
        summary="It burns",
        description="",
        service_key="checkout",
        service_label="service",
        severity=severity,
        severity_word="",
        severity_reason="",
        state=AlertState.FIRING,
        labels={},
        annotations={},
        starts_at=at(start),
        ends_at=None,
        expires_at=None if expires is None else at(expires),
        generator_url="",
        raw={},
    )


def over(start: float, end: float) -> IncomingAlert:
    return replace(fires(start), state=AlertState.RESOLVED, ends_at=at(end))


def play(*messages: tuple[float, IncomingAlert]) -> AlertChange:
    """Apply messages, each at its second, and return the last change."""
    change: AlertChange | None = None
    for second, message in messages:
        change = apply(change.after if change else None, message, at(second))
    assert change is not None
    return change


def test_the_first_message_is_news() -> None:
    change = play((5, fires()))
    assert (change.kind, change.begins, change.noteworthy) == (ChangeKind.NEW, True, True)
    assert change.sentence == "alert Up: It burns (SEV3)"
    assert change.after == StoredAlert(AlertState.FIRING, at(0), None, None, 3, 1, at(5), at(5))


def test_an_end_that_comes_first_opens_nothing() -> None:
    change = play((5, over(0, 4)))
    assert (change.kind, change.begins, change.noteworthy) == (ChangeKind.NEW, False, False)
    assert (change.after.state, change.after.count) == (AlertState.RESOLVED, 0)


def test_a_heartbeat_prolongs_and_never_shortens() -> None:
    change = play((1, fires(expires=250)), (60, fires(expires=310)), (61, fires(expires=240)))
    assert (change.kind, change.noteworthy) == (ChangeKind.REPEAT, False)
    assert (change.after.expires_at, change.after.count) == (at(310), 3)
    assert (change.after.changed_at, change.after.last_seen_at) == (at(1), at(61))


def test_getting_worse_is_worth_a_line() -> None:
    change = play((1, fires()), (2, fires(severity=1)))
    assert change.noteworthy
    assert change.sentence == "alert Up got worse: SEV3 → SEV1"
    better = play((1, fires(severity=1)), (2, fires()))
    assert (better.noteworthy, better.after.severity) == (False, 3)


def test_it_ends_and_fires_again() -> None:
    change = play((1, fires(expires=250)), (720, over(0, 720)))
    assert (change.kind, change.noteworthy) == (ChangeKind.RESOLVED, True)
    assert change.sentence == "alert Up resolved after 12 min"
    assert (change.after.ends_at, change.after.expires_at) == (at(720), None)
    again = apply(change.after, fires(730), at(731))
    assert (again.kind, again.begins) == (ChangeKind.REFIRED, True)
    assert again.sentence == "alert Up: It burns (SEV3); fires again, it was over at 10:12 UTC"
    assert (again.after.starts_at, again.after.ends_at) == (at(730), None)


def test_a_straggler_of_an_older_episode_changes_nothing() -> None:
    late_end = play((100, fires(100)), (101, over(0, 50)))
    assert late_end.kind is ChangeKind.IGNORED
    assert late_end.after.state is AlertState.FIRING
    late_start = play((20, over(0, 20)), (21, fires(0)))
    assert late_start.kind is ChangeKind.IGNORED
    assert (late_start.after.state, late_start.after.count) == (AlertState.RESOLVED, 1)
    older_end = play((90, over(80, 90)), (91, over(0, 50)))
    assert older_end.kind is ChangeKind.IGNORED
    assert older_end.after.ends_at == at(90)


def test_a_source_that_insists_is_believed() -> None:
    """Two Prometheus servers of one pair: one says it is over, the other keeps firing."""
    second = REORDER_GRACE.total_seconds() + 21
    change = play((20, over(0, 20)), (30, fires(1)), (second, fires(1)))
    assert (change.kind, change.after.state) == (ChangeKind.REFIRED, AlertState.FIRING)


def test_a_message_that_waited_for_long_is_of_the_time_when_it_came() -> None:
    """A process was killed before it worked it out; its end came by another one meanwhile."""
    ended = play((10, fires(0)), (20, over(0, 20))).after
    late = REORDER_GRACE.total_seconds() * 10
    change = apply(ended, fires(0), at(late), at(15))
    assert (change.kind, change.after.state) == (ChangeKind.IGNORED, AlertState.RESOLVED)
    insists = apply(ended, fires(0), at(late), at(late - 1))
    assert insists.kind is ChangeKind.REFIRED


def test_silence_ends_what_promised_to_repeat() -> None:
    current = play((1, fires(expires=250))).after
    assert expire(current, "Up", at(249)) is None
    change = expire(current, "Up", at(251))
    assert change is not None
    assert change.kind is ChangeKind.EXPIRED
    assert change.sentence == "alert Up expired: its source has not repeated it for 4 min"
    assert (change.after.state, change.after.ends_at) == (AlertState.RESOLVED, at(250))
    assert expire(change.after, "Up", at(999)) is None
    assert expire(play((1, fires())).after, "Up", at(1e9)) is None
    # A repeat that was only late counts at once; one that promises nothing newer does not.
    assert apply(change.after, fires(expires=500), at(255)).kind is ChangeKind.REFIRED
    assert apply(change.after, fires(expires=250), at(255)).kind is ChangeKind.IGNORED


@pytest.mark.parametrize(
    ("end", "state"),
    [(None, "firing"), (1, "firing"), (0, "resolved"), (-1, "resolved")],
)
def test_the_end_alone_decides_as_in_alertmanager(end: float | None, state: str) -> None:
    assert firing_or_over(None if end is None else at(end), T0) == state


MESSAGES = st.builds(fires, st.integers(0, 500), expires=st.none() | st.integers(500, 900)) | (
    st.builds(
        lambda start, length: over(start, start + length), st.integers(0, 500), st.integers(0, 99)
    )
)


@given(st.lists(MESSAGES, max_size=6), MESSAGES, st.integers(0, 2_000))
def test_the_same_message_twice_is_once(
    history: list[IncomingAlert], message: IncomingAlert, second: int
) -> None:
    current = None
    for earlier in history:
        current = apply(current, earlier, at(second)).after
    once = apply(current, message, at(second)).after
    twice = apply(once, message, at(second))
    assert replace(twice.after, count=once.count) == once
    assert not twice.begins
    assert not twice.noteworthy


@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=8),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_any_order_within_the_grace_ends_alike(
    gaps: list[int], still_fires: bool, random: object
) -> None:
    """Episodes that do not overlap: the last one decides, however their messages are shuffled."""
    messages: list[IncomingAlert] = []
    second = 0
    for first, last in zip(gaps[::2], gaps[1::2], strict=False):
        start, end = second + first, second + first + last
        messages += [fires(start), over(start, end)]
        second = end
    if still_fires:
        messages.append(fires(second + 1))
    expected = play(*((1_000.0, message) for message in messages)).after
    shuffled = list(messages)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    got = play(*((1_000.0, message) for message in shuffled)).after
    assert got == expected
    assert got.state is (AlertState.FIRING if still_fires else AlertState.RESOLVED)


@given(st.lists(st.tuples(MESSAGES, st.integers(0, 120)), min_size=1, max_size=12))
def test_invariants_hold_over_any_messages(steps: list[tuple[IncomingAlert, int]]) -> None:
    current, now, firing = None, at(0), 0
    for message, wait in steps:
        now += timedelta(seconds=wait)
        change = apply(current, message, now)
        firing += message.state is AlertState.FIRING
        new = change.after
        assert new.count == firing
        assert (new.state is AlertState.RESOLVED) == (new.ends_at is not None)
        assert new.ends_at is None or new.starts_at <= new.ends_at
        assert current is None or new.starts_at >= current.starts_at
        if current is not None and new.state is not current.state:
            assert new.changed_at == now
        assert change.sentence
        if expired := expire(new, "Up", now):
            new = expired.after
        current = new


def test_an_end_that_tells_no_beginning_ends_what_fires() -> None:
    anyhow = replace(over(10, 10), ends_any=True)
    change = play((20, fires(20)), (90, anyhow))
    assert change.kind is ChangeKind.RESOLVED
    assert change.after.ends_at == at(90)
    # One that names a time within the episode is believed.
    within = play((20, fires(20)), (90, replace(over(80, 80), ends_any=True)))
    assert within.after.ends_at == at(80)
    # With a beginning of its own it is an older episode's, and what is over stays over.
    assert play((20, fires(20)), (90, over(0, 10))).kind is ChangeKind.IGNORED
    assert play((20, fires(20)), (50, over(20, 50)), (90, anyhow)).kind is ChangeKind.IGNORED
