"""The demo's estate and day are data: whole, consistent, and enough for what a demo promises."""

from __future__ import annotations

import pytest

from warroom.embedded.demo.acts import NothingToDo, Stage
from warroom.embedded.demo.build import split_services
from warroom.embedded.demo.data import (
    ACTS,
    Act,
    Alerts,
    Day,
    Estate,
    load_day,
    load_estate,
    minutes,
)
from warroom.embedded.demo.plan import SHIFT_MIN, plan
from warroom.errors import ConfigurationError


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate()


@pytest.fixture(scope="module")
def day(estate: Estate) -> Day:
    return load_day(estate)


def test_the_estate_has_some_forty_services_in_three_regions(estate: Estate) -> None:
    assert 38 <= len(estate.services) <= 45
    assert {s["region"] for s in estate.services} == {"eu-west", "eu-north", "us-east"}
    assert sum(s.get("kind") == "third_party" for s in estate.services) >= 3
    assert len({s["key"] for s in estate.services}) == len(estate.services)


def test_every_team_owns_something_and_has_somebody(estate: Estate) -> None:
    teams = {t["key"] for t in estate.teams}
    assert {s["team"] for s in estate.services} == teams
    assert {team for person in estate.people for team in person["teams"]} == teams


def test_the_day_tells_all_its_stories(day: Day) -> None:
    done = {act.do for act in day.acts}
    assert done == set(ACTS)
    assert any(burst.flaps > 1 for burst in day.alerts)
    assert any(act.words.get("drill") for act in day.acts)
    assert {burst.door for burst in day.alerts} == {"webhook", "v2"}


@pytest.mark.parametrize("seed", range(10))
def test_the_first_25_minutes_hold_what_a_demo_promises(day: Day, seed: int) -> None:
    early = [e for e in plan(day, seed=seed, number=0) if e.at < 22]
    begun = [e.what for e in early if isinstance(e.what, Alerts) and not e.over]
    done = [e.what.do for e in early if isinstance(e.what, Act)]
    assert early[0].at < 2
    assert sum({b.service: b.count for b in begun}.values()) >= 25
    assert sum(b.count for b in begun) >= 30
    assert len({b.service for b in begun}) >= 8
    assert done.count("acknowledge") >= 4
    assert {"resolve", "false_alarm", "declare", "judge", "merge", "pin", "take_role"} <= set(done)


@pytest.mark.parametrize("number", [0, 1, 7])
def test_the_same_seed_tells_the_same_story_and_another_one_another(day: Day, number: int) -> None:
    story = plan(day, seed=4, number=number)
    assert plan(day, seed=4, number=number) == story
    assert plan(day, seed=5, number=number) != story
    assert plan(day, seed=4, number=number + 1) != story
    assert len(story) == len(plan(day, seed=5, number=number))
    assert list(story) == sorted(story, key=lambda event: event.at)
    assert story[0].at > 0
    assert story[-1].at < day.length


def test_every_burst_ends_after_it_began_and_before_it_comes_again(day: Day) -> None:
    for burst in day.alerts:
        assert burst.flaps == 1 or burst.over - burst.at < burst.every
        assert burst.over + burst.every * (burst.flaps - 1) + SHIFT_MIN < day.length


@pytest.mark.parametrize("seed", range(10))
def test_no_seed_changes_the_order_of_acts_on_one_incident(day: Day, seed: int) -> None:
    acts = [e.what for e in plan(day, seed=seed, number=0) if isinstance(e.what, Act)]
    for service in {act.on for act in day.acts}:
        written = [act.at for act in acts if act.on == service]
        assert written == sorted(written)


def test_what_is_resolved_was_acknowledged_and_fires_no_more(day: Day) -> None:
    for service in {act.on for act in day.acts if act.on}:
        known = False
        for act in (a for a in day.acts if a.on == service):
            if act.do == "acknowledge":
                known = True
            elif act.do in {"resolve", "false_alarm", "merge", "set_status", "judge"}:
                assert known, f"{act.do} {service} at {act.at}"
            if act.do in {"resolve", "false_alarm"}:
                for burst in (b for b in day.alerts if b.service == service and b.at < act.at):
                    over = burst.over + burst.every * (burst.flaps - 1)
                    assert over + SHIFT_MIN < act.at, f"{service} still fires at {act.at}"
        assert known, service


def test_every_incident_of_the_day_ends(day: Day) -> None:
    for burst in day.alerts:
        ends = [
            act.at
            for act in day.acts
            if act.on == burst.service and act.do in {"resolve", "false_alarm", "merge"}
        ]
        assert any(at > burst.at for at in ends), burst.service


def test_roles_are_offered_by_their_holder_and_answered_by_who_was_asked(day: Day) -> None:
    holder: dict[tuple[str, str], str] = {}
    offered: dict[tuple[str, str], str] = {}
    for act in day.acts:
        role = (act.on, str(act.words.get("role")))
        if act.do == "take_role":
            assert role not in holder
            holder[role] = act.who
        elif act.do == "offer_role":
            assert holder[role] == act.who
            offered[role] = act.words["to"]
        elif act.do == "answer_role":
            assert offered.pop(role) == act.who
            holder[role] = act.who
    assert not offered


def test_entries_are_named_before_they_are_spoken_of(day: Day) -> None:
    names: set[tuple[str, str]] = set()
    for act in day.acts:
        for word in ("entry", "about"):
            if word in act.words:
                assert (act.on, act.words[word]) in names
        assert not act.after or (act.on, act.after) in names
        if "name" in act.words:
            names.add((act.on, act.words["name"]))
    assert len({name for _, name in names}) == len(names)


def test_what_the_day_needs_first_is_made_first(estate: Estate, day: Day) -> None:
    first, rest = split_services(estate, day, 5.0)
    keys = {s["key"] for s in first}
    assert {"pg-main", "orders", "checkout", "search"} <= keys
    assert len(first) < 15
    assert len(first) + len(rest) == len(estate.services)
    assert not keys & {s["key"] for s in rest}


def test_a_story_leaves_room_for_the_person_at_the_keyboard(day: Day) -> None:
    first = {b.service: b.at for b in reversed(day.alerts)}
    acted = {a.on: a.at for a in reversed(day.acts) if a.on}
    assert sum(acted[service] - at >= 30 for service, at in first.items() if service in acted) >= 3


@pytest.mark.parametrize("wrong", ["", "5", "1:60", "-1:00", "1:5", "x:00", 7])
def test_a_time_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="h:mm"):
        minutes(wrong)


def test_an_entry_that_nobody_wrote_is_no_subject() -> None:
    with pytest.raises(NothingToDo, match="leak"):
        Stage(60.0).entry("leak")


def test_the_day_shrinks_but_people_can_follow() -> None:
    assert Stage(60.0).real_s(30) == 30.0
    assert Stage(600.0).real_s(30) == 10.0
