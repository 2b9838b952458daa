"""The keymap: stable ids, the user's keys win, errors name what is wrong; the page is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.binding import Binding

from screens.actions import (
    ALL,
    DETAIL,
    ESTATE,
    IMPACT,
    LIST,
    PANE,
    RESTART,
    TIMELINE,
    TRIAGE,
    KeyAction,
)
from tools.keys_doc import TARGET, document
from warroom.console.keymap import DEFAULTS, load_keymap
from warroom.errors import ConfigurationError
from widgets.cell_view import CellView
from widgets.estate_map import EstateMap
from widgets.impact_tree import ImpactTree
from widgets.incident_record import IncidentRecord
from widgets.live_list import LiveList
from widgets.pane_list import PaneList
from widgets.restart_waves import RestartWaves
from widgets.timeline_list import TimelineList
from widgets.triage_list import TriageList


def test_the_built_in_keys_do_not_clash(tmp_path: Path) -> None:
    assert load_keymap(None) == DEFAULTS
    assert len(DEFAULTS) == len(ALL), "an id stands twice"
    everything = tmp_path / "keys.toml"
    lines = [f'"{name}" = {keys.split(",")!r}' for name, keys in DEFAULTS.items()]
    everything.write_text("[keys]\n" + "\n".join(lines).replace("'", '"'), "utf-8")
    assert load_keymap(everything) == DEFAULTS


def test_the_users_keys_win(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text('[keys]\n"incident.acknowledge" = "f2"\n"list.down" = ["n", "ctrl+n"]\n')
    file.write_text(file.read_text().replace('"n", ', ""))
    keymap = load_keymap(file)
    assert keymap["incident.acknowledge"] == "f2"
    assert keymap["list.down"] == "ctrl+n"
    assert keymap["incident.resolve"] == "r"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[keys]\n"incident.acknowledg" = "x"', "exist; 'incident.acknowledge' does"),
        ('[keys]\n"app.quit" = 3', "'app.quit' no key"),
        ('[keys]\n"app.quit" = "ctrl+"', "the key 'ctrl\\+'"),
        ('[keys]\n"app.quit" = "a"', "'a', which 'incident.acknowledge' has"),
        ('[keys]\n"list.down" = "e"', "'e', which 'incident.log' has"),
        ("keys = 3", "only a table"),
        ("[other]\nx = 1", "only a table"),
        ("[keys", "is not TOML"),
    ],
)
def test_errors_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        load_keymap(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        load_keymap(tmp_path / "nowhere.toml")


def test_the_page_is_generated() -> None:
    wanted = TARGET.read_text("utf-8")
    assert wanted == document(), "docs/keys.md is old: run `python -m tools.keys_doc`"


@pytest.mark.parametrize(
    ("widget", "actions"),
    [
        (LiveList, LIST),
        (IncidentRecord, DETAIL[:-1]),
        (PaneList, PANE),
        (TimelineList, TIMELINE),
        (ImpactTree, IMPACT),
        (RestartWaves, RESTART[:-1]),
        (EstateMap, ESTATE[:-1]),
        (TriageList, TRIAGE[:-1]),
    ],
)
def test_widgets_bind_what_the_table_says(
    widget: type[CellView], actions: tuple[KeyAction, ...]
) -> None:
    bound = [(b.id, b.key, b.action) for b in widget.BINDINGS if isinstance(b, Binding)]
    assert bound == [(a.id, a.keys, a.action) for a in actions]


def test_only_these_keys_mean_something_else_in_a_pane() -> None:
    room = {action.keys: action.id for action in ALL if action.where in {"anywhere", "list"}}
    hidden = {
        action.id: room[action.keys]
        for action in (*PANE, *IMPACT, *TIMELINE)
        if action.keys in room and action.where != "pane"
    }
    assert hidden == {
        "impact.fold": "list.mark",
        "impact.page": "incident.owner",
        "impact.waves": "incident.snooze",
    }


def test_a_key_that_a_pane_hides_may_be_written_down_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text('[keys]\n"incident.snooze" = "w"\n"impact.fold" = "f9"\n')
    assert load_keymap(file)["impact.fold"] == "f9"
    file.write_text('[keys]\n"impact.fold" = "j"\n')
    with pytest.raises(ConfigurationError, match=r"'j', which 'pane\.down' has"):
        load_keymap(file)
    file.write_text('[keys]\n"impact.fold" = "d"\n')
    with pytest.raises(ConfigurationError, match=r"'d', which 'incident\.decide' has"):
        load_keymap(file)
