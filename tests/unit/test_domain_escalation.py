"""Escalation: the ladder, its repetitions, and that nothing fires once somebody has answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.escalation import (
    Policy,
    Step,
    Target,
    TargetKind,
    arm_first,
    fire,
    name_owner,
    new_policy,
)
from warroom.domain.incident import IncidentState, Party, Status
from warroom.domain.timeline import EntryKind
from warroom.domain.timer import TimerDraft, TimerKind
from warroom.errors import InvalidInput

NOW = datetime(2026, 11, 21, 10, 41, tzinfo=UTC)
TEAM = Target(TargetKind.TEAM, "databases")
MIRA = Target(TargetKind.PERSON, "mira")
POLICY = new_policy("default", "Default", [Step(1, 300, TEAM), Step(2, 600, MIRA)], 1)
FRESH = IncidentState(
    UUID(int=12), 12, "Checkout failing", 1, Status.TRIGGERED, 1, NOW - timedelta(minutes=5)
)


def test_the_first_step_counts_from_the_opening() -> None:
    assert arm_first(POLICY, NOW) == TimerDraft(
        TimerKind.ESCALATE, 1, 0, NOW + timedelta(minutes=5), "team databases"
    )
    assert arm_first(Policy("none", "None", ()), NOW) is None


def test_a_step_tells_its_target_and_arms_the_next() -> None:
    firing = fire(POLICY, 1, 0, FRESH, NOW, NOW)
    assert firing.sent
    assert firing.sentence == (
        "INC-12: escalated to team databases (step 1 of 2, policy default); "
        "next person mira at 10:51 UTC"
    )
    (page,) = firing.pages
    assert page.target == TEAM
    assert page.text == "INC-12 SEV1 Checkout failing: nobody has acknowledged it for 5 min"
    assert page.dedup_key == f"{FRESH.id}:escalate:0:1"
    assert firing.next_timer == TimerDraft(
        TimerKind.ESCALATE, 2, 0, NOW + timedelta(minutes=10), "person mira"
    )
    assert [entry.kind for entry in firing.entries] == [EntryKind.AUTOMATION]


def test_the_ladder_begins_again_and_ends() -> None:
    again = fire(POLICY, 2, 0, FRESH, NOW, NOW).next_timer
    assert again == TimerDraft(
        TimerKind.ESCALATE, 1, 1, NOW + timedelta(minutes=5), "team databases"
    )
    last = fire(POLICY, 2, 1, FRESH, NOW, NOW)
    assert last.next_timer is None
    assert last.sentence.endswith("(step 2 of 2, round 2, policy default); nobody is left to tell")


def test_a_late_engine_says_so_and_gives_the_full_time() -> None:
    firing = fire(POLICY, 1, 0, FRESH, NOW, NOW - timedelta(minutes=3))
    assert ", 3 min late; next" in firing.sentence
    assert firing.next_timer is not None
    assert firing.next_timer.due_at == NOW + timedelta(minutes=10)
    assert " late" not in fire(POLICY, 1, 0, FRESH, NOW, NOW - timedelta(seconds=5)).sentence


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.TRIGGERED])
def test_nothing_fires_once_somebody_has_answered(status: Status) -> None:
    ana = Party(UUID(int=1), "ana")
    state = replace(
        FRESH,
        status=status,
        acknowledged_by=ana,
        acknowledged_at=NOW,
        resolved_by=ana,
        resolved_at=NOW,
    )
    firing = fire(POLICY, 1, 0, state, NOW, NOW)
    assert not firing.sent
    assert (firing.pages, firing.next_timer, firing.entries) == ((), None, ())
    assert firing.sentence == f"INC-12: escalation cancelled, it is {status} by ana at 10:41 UTC"


def test_a_shortened_policy_never_falls_silent() -> None:
    firing = fire(replace(POLICY, steps=POLICY.steps[:1], repeat=0), 2, 0, FRESH, NOW, NOW)
    assert [page.target for page in firing.pages] == [TEAM]
    assert firing.pages[0].dedup_key.endswith(":0:2")
    empty = fire(Policy("none", "None", ()), 1, 0, FRESH, NOW, NOW)
    assert (empty.sent, empty.sentence) == (
        False,
        "INC-12: policy none has no steps, so nobody was told",
    )


@pytest.mark.parametrize(
    ("key", "steps", "repeat", "field"),
    [
        ("", [Step(1, 0, TEAM)], 0, "key"),
        ("k", [], 0, "steps"),
        ("k", [Step(1, 0, TEAM)] * 51, 0, "steps"),
        ("k", [Step(1, 0, TEAM), Step(2, -1, TEAM)], 0, "steps[1].delay_s"),
        ("k", [Step(1, 604_801, TEAM)], 0, "steps[0].delay_s"),
        ("k", [Step(1, 0, Target(TargetKind.CHANNEL, " "))], 0, "steps[0].target"),
        ("k", [Step(1, 0, TEAM)], -1, "repeat"),
        ("k", [Step(1, 0, TEAM)], True, "repeat"),
    ],
)
def test_a_wrong_policy_names_its_field(
    key: str, steps: list[Step], repeat: object, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        new_policy(key, "Name", steps, repeat)
    assert caught.value.field == field


def test_steps_are_numbered_in_their_order() -> None:
    policy = new_policy("k", "K", [Step(7, 0, TEAM), Step(7, 0, MIRA)])
    assert [step.number for step in policy.steps] == [1, 2]


@given(
    st.lists(st.integers(0, 3_600), min_size=1, max_size=6),
    st.integers(0, 3),
    st.lists(st.integers(0, 900), min_size=30, max_size=30),
)
def test_a_ladder_fires_every_step_once_in_order(
    delays: list[int], repeat: int, lateness: list[int]
) -> None:
    policy = new_policy("k", "K", [Step(0, delay, TEAM) for delay in delays], repeat)
    timer = arm_first(policy, FRESH.opened_at)
    seen: list[tuple[int, int]] = []
    keys: set[str] = set()
    while timer is not None:
        now = timer.due_at + timedelta(seconds=lateness[len(seen)])
        firing = fire(policy, timer.step, timer.cycle, FRESH, now, timer.due_at)
        seen.append((timer.cycle, timer.step))
        keys |= {page.dedup_key for page in firing.pages}
        assert firing.next_timer is None or firing.next_timer.due_at >= now
        timer = firing.next_timer
    assert seen == [(c, s) for c in range(repeat + 1) for s in range(1, len(delays) + 1)]
    assert len(keys) == len(seen)


def test_the_owner_is_named() -> None:
    policy = new_policy(
        "p",
        "P",
        [
            Step(0, 60, Target(TargetKind.TEAM, "owner")),
            Step(0, 60, Target(TargetKind.TEAM, "noc")),
        ],
    )
    named = name_owner(policy, "databases")
    assert [str(step.target) for step in named.steps] == ["team databases", "team noc"]
    assert name_owner(policy, None) == policy
