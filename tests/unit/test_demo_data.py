"""The demo's estate and day are data: whole, consistent, and enough for what a demo promises."""

from __future__ import annotations

import pytest

from warroom.embedded.demo.acts import NothingToDo, Stage
from warroom.embedded.demo.data import ACTS, Day, Estate, load_day, load_estate, minutes
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


def test_forty_seconds_at_the_usual_speed_hold_what_a_demo_promises(day: Day) -> None:
    early = [burst for burst in day.alerts if burst.at < 36]
    assert sum(burst.count for burst in early) >= 30
    assert len({burst.service for burst in early}) >= 4
    assert any(act.do == "acknowledge" and act.at < 30 for act in day.acts)
    assert any(act.do == "resolve" and act.at < 36 for act in day.acts)


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
