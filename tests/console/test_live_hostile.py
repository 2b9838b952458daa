"""Hostile text through the real API into every free-text field, and every key over it.

The table ``KEYS`` has every command of ``screens.actions``: one that comes without a line here
fails, and a line here is a key that is really pressed, on a real API and database.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from screens.actions import COMMANDS, IMPACT
from screens.war_room import WarRoom
from tests.console.hostile import TEXTS
from tests.console.live import LiveRoom
from tests.console.pilot import live_list, running, shown, war_room
from tests.helpers import wait_until

STEERING: Final = "\x1b]52;c;ZXZpbA==\x07 [@click=app.quit]go[/] \u202eevil \x9b31m <&>"
# What a person sees of it.
SEEN: Final = "␛]52;c;ZXZpbA==␇ [@click=app.quit]go[/] ‹U+202E›evil ‹U+009B›31m <&>"
BEGIN: Final = "␛]52;c;ZXZ"
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Each command: its key, and what stands on the screen then.
KEYS: Final = {
    "incident.status": ("t", "Status of INC-1"),
    "incident.severity": ("s", "Severity of INC-1"),
    "incident.owner": ("o", "Owner of INC-1"),
    "incident.roles": ("c", "Roles of INC-1"),
    "incident.log": ("e", "Log an entry · INC-1"),
    "incident.decide": ("d", "Decision · INC-1"),
    "incident.escalation": ("x", "Escalation of INC-1"),
    "incident.resolve": ("r", "Resolve INC-1"),
    "incident.service": ("v", "Service of INC-1"),
    "incident.mitigate": ("R", "Mitigate on INC-1"),
    "incident.hypothesis": ("h", "Hypothesis · INC-1"),
    "incident.evidence": ("E", "Evidence · INC-1"),
    "incident.correct": ("C", "Correct an entry · INC-1"),
    "incident.update-due": ("u", "Next update of INC-1"),
    "incident.snooze": ("w", "Snooze INC-1"),
    "incident.link": ("L", "Link · INC-1"),
    "incident.field": ("f", "Custom field · INC-1"),
    "incident.merge": ("M", "Merge INC-1 into"),
    "incident.split": ("X", "Split off INC-1"),
    "incident.drill": ("D", "mark as a drill"),
    "incident.false-alarm": ("F", "False alarm: INC-1"),
    "incident.visibility": ("V", "Who may see INC-1"),
    "incident.declare": ("n", "Declare an incident"),
    # These ask nothing: what follows is the outcome.
    "incident.pin": ("p", "entry pinned"),
    "incident.undo": ("U", "INC-1 undone"),
    "incident.acknowledge": ("a", "INC-1 acknowledged"),
}


def flat(pilot: Pilot[int]) -> str:
    """Return the screen as one line without frames."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", shown(pilot)).split())


def judge(pilot: Pilot[int]) -> None:
    """Nothing on the screen steers a terminal, and nothing on it can be clicked or followed."""
    hidden = [hex(ord(c)) for c in shown(pilot) if c != "\n" and unicodedata.category(c) in HIDDEN]
    assert hidden == []
    assert not pilot.app._exit
    for strip in pilot.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            assert style is None or style.link is None, segment
            assert style is None or not {k for k in style.meta if k.startswith("@")}, segment


def fill(live: LiveRoom) -> None:
    """Put the text into the directory, wherever it takes a free text."""
    live.call("POST", "/v1/people", {"name": STEERING})
    live.call("POST", "/v1/teams", {"key": "db", "name": STEERING})
    for key in ("pg", "web"):
        service = {"key": key, "name": STEERING, "team": "db", "tier": 1}
        live.call("POST", "/v1/services", {**service, "region": STEERING})
    body = {"service": "web", "depends_on": "pg", "redundancy_group": STEERING}
    live.call("POST", "/v1/dependencies", body)
    live.call("POST", "/v1/fields", {"key": "ticket", "label": STEERING, "type": "text"})


def write(live: LiveRoom, ref: str) -> None:
    """Write the text with every command that takes one, on an incident."""

    def do(verb: str, **body: Any) -> Any:
        version = live.call("GET", f"/v1/incidents/{ref}")["version"]
        return live.call("POST", f"/v1/incidents/{ref}/{verb}", {"version": version, **body})

    def add(verb: str, **body: Any) -> None:
        live.call("POST", f"/v1/incidents/{ref}/{verb}", body)

    def last() -> str:
        page = live.call("GET", f"/v1/incidents/{ref}/timeline")["items"]
        return str(max(page, key=lambda entry: entry["id"])["id"])

    for kind in ("decision", "communication", "evidence"):
        add("entries", kind=kind, text=STEERING)
    add("entries", kind="fact", text="not so")
    add(f"entries/{last()}/correct", text=STEERING)
    add("entries", kind="hypothesis", text=STEERING)
    supposed = last()
    add("entries", kind="evidence", text=STEERING, about=supposed, stance="for")
    add(f"hypotheses/{supposed}", fate="refuted", reason=STEERING)
    add(f"hypotheses/{supposed}", fate="open", reason=STEERING)
    add("links", kind="bridge", url="https://example.org/?" + STEERING.split()[1], label=STEERING)
    do("services", service="pg", state="down")
    do("fields", field="ticket", value=STEERING)
    do("severity", severity=2, reason=STEERING)
    do("assign", owner=STEERING)
    do("snooze", for_s=900, reason=STEERING)
    do("roles/take", role="commander")
    do("roles/offer", role="commander", to=STEERING, brief=STEERING)
    add("entries", kind="fact", text=STEERING)


def room(live: LiveRoom) -> None:
    """Make the hostile room: INC-1 with everything, INC-2 a split, INC-3 a false alarm."""
    fill(live)
    first = live.declare(STEERING, 1, STEERING)
    write(live, first["ref"])
    version = live.call("GET", "/v1/incidents/INC-1")["version"]
    body = {"version": version, "title": STEERING, "severity": 3, "services": ["pg"]}
    live.call("POST", "/v1/incidents/INC-1/split", body)
    version = live.call("GET", "/v1/incidents/INC-1")["version"]
    body = {"version": version, "service": "pg", "state": "down"}
    live.call("POST", "/v1/incidents/INC-1/services", body)
    third = live.declare(STEERING, 4)
    body = {"version": third["version"], "status": "investigating", "note": STEERING}
    third = live.call("POST", "/v1/incidents/INC-3/status", body)
    body = {"version": third["version"], "note": STEERING}
    live.call("POST", "/v1/incidents/INC-3/false-alarm", body)
    # Its own last command can be undone, and something is there to be pinned.
    live.call("POST", "/v1/incidents/INC-1/entries", {"kind": "fact", "text": STEERING})


# The keys of the impact pane and of what covers the room: what stands on the screen then.
PANE_KEYS: Final = {
    "impact.page": ("o", "Page the owner of"),
    "impact.link-change": ("l", ""),
    "impact.waves": ("w", "Restart · INC-1"),
    "impact.look": ("i", ""),
    "impact.fold": ("space", ""),
}


def test_every_command_has_its_line() -> None:
    assert set(KEYS) == {action.id for action in COMMANDS}
    assert set(PANE_KEYS) == {action.id for action in IMPACT}
    for action in COMMANDS:
        assert KEYS[action.id][0] in action.keys.split(","), action.id


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=str)
async def test_every_key_over_hostile_text(live: LiveRoom, size: tuple[int, int]) -> None:
    room(live)
    async with running(live.door, size) as pilot:
        await wait_until(lambda: BEGIN in shown(pilot), what="the title as text")
        row = next(r for r in live_list(pilot).rows if r.number == 1)
        live_list(pilot).select(row.id)
        await panes(pilot)
        for action in COMMANDS:
            key, words = KEYS[action.id]
            await pilot.press(key)
            await seen(pilot, words)
            if pilot.app.screen is war_room(pilot):
                await settled(pilot)
            judge(pilot)
            while pilot.app.screen is not war_room(pilot):
                await pilot.press(*"[@=(", "escape")
                await pilot.pause()
        await details(pilot)
        await reasoned(live, pilot)
        ET.fromstring(pilot.app.export_screenshot())
        assert pilot.app.is_running
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def seen(pilot: Pilot[int], words: str) -> None:
    """Wait until some words stand on the screen."""
    await wait_until(lambda: words in flat(pilot), what=f"{words!r} on the screen")


async def settled(pilot: Pilot[int]) -> None:
    """Wait until no command is under way and the board has what the last one did."""
    screen = war_room(pilot)
    await wait_until(lambda: not screen._states, what="the ✓ gone")


async def panes(pilot: Pilot[int]) -> None:
    """Look at every pane, large; end with an entry of the timeline chosen."""
    for number in "2354":
        await pilot.press(number, "z")
        await pilot.pause()
        judge(pilot)
        await pilot.press("z")
    await wait_until(lambda: war_room(pilot).entries(), what="the timeline")
    await wait_until(lambda: BEGIN in shown(pilot), what="the timeline's text")
    await pilot.press("home")
    assert war_room(pilot).chosen_entry() is not None


def reason(live: LiveRoom) -> None:
    """Let everything that is reasoned about INC-1 be hostile, as it is when its names are."""
    hit = {"key": "pg", "name": STEERING, "state": "down", "tier": 1, "team": STEERING, "depth": 0,
           "why": STEERING, "region": STEERING, "kind": "third_party"}  # fmt: skip
    suspects = [
        {"kind": kind, "key": "pg", "name": STEERING, "score": 0.5, "reasons": [STEERING] * 2,
         "team": STEERING, "path": ["pg", STEERING], "link": STEERING}
        for kind in ("service", "change", "domain", "third-party")
    ]  # fmt: skip
    step = {"key": "pg", "name": STEERING, "tier": 1, "team": STEERING, "state": "down",
            "verify": STEERING}  # fmt: skip
    columns = {
        "nodes": [hit],
        "totals": {"services": 1, "headline": STEERING, "regions": [STEERING]},
        "suspects": suspects,
        "waves": [{"number": 1, "steps": [step], "breaks": [STEERING]}],
        "shared": [{"kind": "zone", "value": STEERING, "hit": 1, "of": 2, "outside": 1}],
        "suggestion": {"severity": 1, "reason": STEERING},
    }
    sets = ", ".join(f"{name} = %s::jsonb" for name in columns)
    query = f"update warroom.incident_impact set {sets}, version = version + 1"
    query += " where incident_id = (select id from warroom.incident where number = 1) returning 1"
    live.fetch(query, *(json.dumps(value) for value in columns.values()))


async def reasoned(live: LiveRoom, pilot: Pilot[int]) -> None:
    """Go through what is reasoned and its keys, the waves, and the map of the estate."""
    reason(live)
    room_ = war_room(pilot)
    await pilot.press("1")
    live_list(pilot).select_number(1)
    await pilot.press("2", "z")
    await wait_until(lambda: "because of a third party" in shown(pilot), what="what was reasoned")
    for key, words in PANE_KEYS.values():
        await pilot.press("home", "down", key)
        await seen(pilot, words)
        judge(pilot)
        while pilot.app.screen is not room_:
            await pilot.press("escape")
            await pilot.pause()
    tree = room_.impact
    for _ in range(12):
        await pilot.press("down", "space")
        await pilot.pause()
        judge(pilot)
    assert tree.chosen_key is not None
    await pilot.press("w", "space")
    await seen(pilot, "[✓]")
    judge(pilot)
    await pilot.press("escape", "m")
    await seen(pilot, "Map of the estate")
    await wait_until(lambda: BEGIN in shown(pilot), what="the map")
    judge(pilot)
    await pilot.press("right", "enter")
    await wait_until(lambda: "INC-" in shown(pilot), what="its incident")
    judge(pilot)
    while pilot.app.screen is not room_:
        await pilot.press("escape")
        await pilot.pause()
    await pilot.press("z")


async def details(pilot: Pilot[int]) -> None:
    """Read the whole incident, from its top to its end."""
    await pilot.press("1", "enter")
    await wait_until(lambda: BEGIN in shown(pilot), what="the incident")
    for _ in range(12):
        judge(pilot)
        await pilot.press("pagedown")
    await pilot.press("escape")
    assert isinstance(pilot.app.screen, WarRoom)


def test_the_command_line_prints_no_steering_byte(live: LiveRoom) -> None:
    room(live)
    environ = {
        **os.environ, "WARROOM_TOKEN": live.token, "WARROOM_API_URL": live.url, "COLUMNS": "200",
    }  # fmt: skip
    for words in (
        "incident list --all", "incident show INC-1", "incident show INC-3", "service list",
        "team list", "user list", "field list",
    ):  # fmt: skip
        for more in ([], ["--json"]):
            command = [sys.executable, "-m", "warroom", *words.split(), *more]
            done = subprocess.run(
                command,
                env=environ,
                capture_output=True,
                cwd=live.log.parent,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (words, done.stderr)
            text = done.stdout.decode("utf-8")
            hidden = [c for c in text if c != "\n" and unicodedata.category(c) in HIDDEN]
            assert hidden == [], words
            if more:
                assert "\x1b" in str(json.loads(text)).encode().decode("unicode_escape"), words
            else:
                assert SEEN in text, words


async def test_the_api_takes_every_text_or_refuses_it(live: LiveRoom) -> None:
    taken = []
    for text in TEXTS:
        if "\x00" in text or "\ud800" in text or len(text) > 2000:
            continue
        taken.append(live.declare(text, 3, text)["ref"])
    async with running(live.door, (160, 45)) as pilot:
        for _ in taken:
            await pilot.pause()
            judge(pilot)
            await pilot.press("down")
