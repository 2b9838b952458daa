"""The room's rules without a terminal: layout, alarms, saved views, ages, trees and charts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from screens.room_layout import ORDER, plan
from screens.views import EVERYTHING, SHIPPED, View, next_view, seen_with
from tests.console.hostile import TEXTS
from tests.console.samples import NOW, ago, ahead, board, incident, room
from warroom.console.alarm import AlarmOptions, Alarms, plain
from warroom.console.pane_clock import PaneClock
from warroom.console.views import load_views, views_path
from warroom.domain.panes import Pane
from warroom.domain.picture import NextTimer
from warroom.domain.safe_text import safe_text
from warroom.errors import ConfigurationError
from widgets.big_clock import big
from widgets.freshness import Freshness
from widgets.health_strip import chart, size_words
from widgets.impact_words import branches


@pytest.mark.parametrize("width", [1, 20, 80, 109, 110, 120, 156, 160, 250, 400])
@pytest.mark.parametrize("height", [1, 5, 24, 26, 40, 45, 70, 120])
@pytest.mark.parametrize("focus", ORDER)
@pytest.mark.parametrize("zoomed", [False, True])
def test_the_plan_covers_the_room_once(
    width: int, height: int, focus: Pane, *, zoomed: bool
) -> None:
    side = focus if focus in {Pane.IMPACT, Pane.HEALTH} else Pane.TIMERS
    found = plan(width, height, focus, side, zoomed=zoomed)
    assert focus in found.boxes, "the pane with the keys is visible"
    cells = [
        (x, y)
        for box in found.boxes.values()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    ]
    assert len(cells) == len(set(cells)), "two panes overlap"
    room_height = max(height - found.header - 1 - found.tabs, 1)
    assert len(cells) == width * room_height, "a part of the room is empty"
    assert found.tabs == (len(found.boxes) < len(ORDER))


def test_how_many_panes_there_are() -> None:
    sizes = {(80, 24): 1, (120, 40): 3, (160, 45): 5, (250, 70): 5}
    for (width, height), count in sizes.items():
        assert len(plan(width, height, Pane.BOARD, Pane.TIMERS).boxes) == count
    assert plan(250, 70, Pane.BOARD, Pane.TIMERS).header == 3


def test_a_clock_is_called_out_once_when_it_runs_out() -> None:
    alarms = Alarms(AlarmOptions())
    soon = incident(1, "Disk", next_timer=NextTimer("escalate", ahead(seconds=5), "ana"))
    drill = replace(soon, number=2, drill=True)
    picture = board((soon, drill, *room()))
    assert alarms.due(picture, NOW) == (), "what had run out before we came is on the screen"
    assert [row.number for row in alarms.due(picture, ahead(seconds=6))] == [1]
    assert alarms.due(picture, ahead(seconds=7)) == ()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (AlarmOptions(), "\a\x1b]9;{0}\x1b\\\x1b]777;notify;war room;{0}\x1b\\"),
        (AlarmOptions(bell=False, osc777=False), "\x1b]9;{0}\x1b\\"),
        (AlarmOptions(osc9=False, osc777=False), "\a"),
        (AlarmOptions(bell=False, osc9=False, osc777=False), ""),
        (AlarmOptions(tmux=True), "\a"),
        (
            AlarmOptions(osc777=False, tmux=True, passthrough=True),
            "\a\x1bPtmux;\x1b\x1b]9;{0}\x1b\x1b\\\x1b\\",
        ),
    ],
)
def test_what_is_sent(options: AlarmOptions, wanted: str) -> None:
    row = incident(7, "Disk full; now", next_timer=NextTimer("escalate", ago(seconds=1), "ana"))
    text = "INC-7 escalate overdue: Disk full, now"
    assert Alarms(options).sequences((row,)) == wanted.format(text)
    assert Alarms(options).sequences(()) == ""


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_leaves_its_notification(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert ";" not in shown
    assert len(shown) <= 120


def test_the_views_that_come_along() -> None:
    rows = room()
    by_name = {view.name: view for view in SHIPPED}
    mine = seen_with(by_name["mine"], rows, "ana")
    assert [row.number for row in mine] == [2041]
    assert seen_with(by_name["mine"], rows, "") == (), "nobody is known yet: nothing is mine"
    assert {row.severity for row in seen_with(by_name["sev1-2"], rows, "")} == {1, 2}
    assert {row.owner for row in seen_with(by_name["unowned"], rows, "")} == {None}
    assert not any(row.drill for row in seen_with(by_name["no drill"], rows, ""))
    assert seen_with(EVERYTHING, rows, "") == rows
    by_clock = seen_with(View("c", sort="clock"), rows, "")
    assert by_clock[0].number == 2039
    assert by_clock[-1].next_timer is None
    assert seen_with(View("a", sort="age"), rows, "")[0].number == 2031
    ring = [EVERYTHING.name]
    for _ in range(len(SHIPPED) + 1):
        ring.append(next_view(SHIPPED, ring[-1]).name)
    assert ring == ["all", *by_name, "all"]


def test_the_users_views(tmp_path: Path) -> None:
    assert load_views(tmp_path / "views.toml") == SHIPPED
    path = views_path(tmp_path / "keys.toml")
    path.write_text(
        '["eu"]\nwords = "eu-west"\nsort = "clock"\ncolumns = ["clock"]\n[mine]\nworst = 1'
    )
    views = {view.name: view for view in load_views(path)}
    assert views["eu"] == View("eu", "eu-west", sort="clock", columns=("clock",))
    assert views["mine"] == View("mine", worst=1), "the same name replaces"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 3", "outside a table"),
        ("[x]\nworse = 3", "'worse', which does not exist"),
        ("[x]\nworst = 9", "worst is a number"),
        ("[x]\nworst = true", "worst is a number"),
        ("[x]\nowner = 'ana'", "owner is"),
        ("[x]\ndrills = 1", "drills is"),
        ("[x]\nsort = 'x'", "sort is one of"),
        ("[x]\ncolumns = ['x']", "columns are"),
        ("[x]\nwords = 1", "words is a text"),
        ("[x", "not TOML"),
    ],
)
def test_a_wrong_view_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "views.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        load_views(path)


def test_each_pane_has_an_age_and_a_reason_of_its_own() -> None:
    clock = PaneClock()
    live = Freshness(0.1, safe_text("primary"))
    assert clock.freshness(Pane.TIMERS, 100.0, live, 0.0).age_s is None
    clock.arrived(Pane.TIMERS, 100.0)
    clock.arrived(Pane.HEALTH, 100.0)
    clock.troubled(Pane.HEALTH, safe_text("it does not answer"))
    timers = clock.freshness(Pane.TIMERS, 101.0, live, 0.0)
    health = clock.freshness(Pane.HEALTH, 111.0, live, 0.0)
    assert (timers.is_stale, timers.reason) == (False, None)
    assert (health.is_loud, health.reason) == (True, "it does not answer")
    assert clock.freshness(Pane.TIMERS, 101.0, live, 4.0).is_stale, "a standby's lag counts"
    clock.arrived(Pane.HEALTH, 111.0)
    assert not clock.freshness(Pane.HEALTH, 111.5, live, 0.0).is_stale


def test_panes_that_are_made_of_alerts_are_as_far_behind_as_the_board() -> None:
    clock = PaneClock()
    board = Freshness(0.1, safe_text("primary"), behind_s=34.0)
    for pane in (Pane.TIMELINE, Pane.HEALTH):
        clock.arrived(pane, 100.0)
    assert clock.freshness(Pane.TIMELINE, 100.5, board, 0.0).behind_s == 34.0
    assert clock.freshness(Pane.HEALTH, 100.5, board, 0.0).behind_s is None


def test_trees_charts_and_words() -> None:
    assert branches([0, 1, 2, 2, 1, 0]) == ["", "├─", "│ ├─", "│ └─", "└─", ""]
    assert branches([]) == []
    assert len(branches([0, *range(1, 40)])[-1]) <= 24
    assert chart((0.0, 1.0, 2.0)) == "▁▄█"
    assert chart(()) == ""
    sizes = [size_words(n) for n in (0, 999, 12_000, 3.1e6, 5e13)]
    assert sizes == ["0 B", "999 B", "12 kB", "3.1 MB", "50.0 TB"]
    assert {len(line) for line in big("12:05")} == {17}
