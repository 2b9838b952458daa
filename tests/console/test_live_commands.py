"""Every command's key on a real API and database: the question, the answer, the record."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from tests.console.live import LiveRoom
from tests.console.pilot import live_list, running, shown, war_room
from tests.helpers import wait_until

WIDE = (160, 45)


async def typed(pilot: Pilot[int], *keys: str) -> None:
    """Press keys; a text that is no key's name is typed letter by letter."""
    names = {"enter", "escape", "down", "up", "space", "tab", "end", "home", "ctrl+s"}
    for key in keys:
        if len(key) == 1 or key in names:
            await pilot.press(key)
        else:
            await pilot.press(*("space" if c == " " else c for c in key))


def flat(pilot: Pilot[int]) -> str:
    """Return the screen as text without borders and line breaks."""
    return " ".join(shown(pilot).replace("│", " ").split())


async def question(pilot: Pilot[int], words: str) -> None:
    """Wait until a question is open."""
    await wait_until(lambda: words in flat(pilot), what=f"the question {words!r}")


async def said(pilot: Pilot[int], words: str) -> None:
    """Wait until the status bar tells the outcome."""
    await wait_until(lambda: words in shown(pilot), what=f"the outcome {words!r}")


def commands(live: LiveRoom) -> list[str]:
    """Return the audited commands in their order, each once in a row."""
    rows = live.fetch(
        "select command from warroom.audit where command like 'incident.%%' order by n"
    )
    found: list[str] = []
    for (command,) in rows:
        if not found or found[-1] != command:
            found.append(command)
    return found


def one(live: LiveRoom, columns: str) -> tuple[Any, ...]:
    return live.fetch(f"select {columns} from warroom.incident order by number limit 1")[0]


def person(live: LiveRoom, name: str) -> str:
    """Make a person and return their token."""
    return str(live.call("POST", "/v1/people", {"name": name})["token"])


async def test_state_severity_owner_and_undo(live: LiveRoom) -> None:
    made = live.declare("Checkout fails", 2)
    person(live, "luc")
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "t")
        await question(pilot, "Status of INC-1")
        await typed(pilot, "i")
        await said(pilot, "INC-1 is investigating")
        await typed(pilot, "s")
        await question(pilot, "Severity of INC-1")
        await typed(pilot, "1")
        await said(pilot, "INC-1 is SEV1")
        assert one(live, "status, severity") == ("investigating", 1)
        await typed(pilot, "o")
        await question(pilot, "Owner of INC-1")
        await wait_until(lambda: "luc" in shown(pilot), what="the people")
        await typed(pilot, "lu", "enter")
        await said(pilot, "INC-1 belongs to luc")
        await typed(pilot, "U")
        await said(pilot, "INC-1 undone")
    owner = "(select name from warroom.principal where id = owner_id)"
    # Whoever moved it on first had it before luc did.
    assert one(live, f"{owner}, version") == ("ana", made["version"] + 4)
    assert commands(live)[-4:] == [
        "incident.status", "incident.severity", "incident.assign", "incident.undo",
    ]  # fmt: skip
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_nobody_is_not_chosen_because_it_came_first(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    person(live, "luc")
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "o")
        await wait_until(lambda: "luc" in shown(pilot), what="the people")
        await typed(pilot, "enter")
        await said(pilot, "INC-1 belongs to ana")


async def test_roles_are_taken_handed_over_and_accepted(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    token = person(live, "luc")
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "c")
        await question(pilot, "Roles of INC-1")
        await typed(pilot, "c")
        await question(pilot, "Commander of INC-1")
        await typed(pilot, "t")
        await said(pilot, "INC-1 you are commander")
        await typed(pilot, "c")
        await wait_until(lambda: "held by you" in shown(pilot), what="who holds it")
        await typed(pilot, "c")
        await question(pilot, "with a brief")
        await typed(pilot, "h")
        await question(pilot, "To whom?")
        await wait_until(lambda: "luc" in shown(pilot), what="the people")
        await typed(pilot, "luc", "enter")
        await question(pilot, "What must they know?")
        await typed(pilot, "pool at 120 of 500", "enter")
        await said(pilot, "commander offered to luc")
    from dataclasses import replace

    async with running(replace(live.door, token=token), WIDE) as pilot:
        await wait_until(lambda: "offers you commander" in shown(pilot), what="the call")
        await typed(pilot, "c")
        await wait_until(lambda: "offered to you" in shown(pilot), what="the offer")
        await typed(pilot, "c")
        await question(pilot, "pool at 120 of 500")
        await typed(pilot, "a")
        await said(pilot, "INC-1 you are commander")
    held = live.fetch(
        "select p.name from warroom.role_held r join warroom.principal p on p.id = r.principal_id "
        "where r.released_at is null"
    )
    assert held == [("luc",)]


async def test_the_log_with_hypothesis_evidence_pin_and_correction(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "h")
        await question(pilot, "What could be the cause?")
        await typed(pilot, "pool leak", "enter")
        await said(pilot, "hypothesis written")
        await wait_until(
            lambda: any(e.hypothesis for e in war_room(pilot).entries()), what="the hypothesis"
        )
        await typed(pilot, "E")
        await question(pilot, "About which hypothesis?")
        await typed(pilot, "pool", "enter")
        await question(pilot, "against it")
        await typed(pilot, "f")
        await question(pilot, "What was seen")
        await typed(pilot, "430 idle", "enter")
        await said(pilot, "evidence written")
        await typed(pilot, "d")
        await question(pilot, "What was decided")
        await typed(pilot, "fail over", "enter")
        await said(pilot, "decision written")
        await wait_until(lambda: "fail over" in shown(pilot), what="the decision")
        await typed(pilot, "4", "home")
        entry = war_room(pilot).chosen_entry()
        assert entry is not None
        assert entry.text == "fail over"
        await typed(pilot, "p")
        await said(pilot, "entry pinned")
        await wait_until(lambda: any(e.pinned for e in war_room(pilot).entries()), what="the pin")
        await typed(pilot, "C")
        await question(pilot, "What should stand there")
        await typed(pilot, "end", " at noon", "enter")
        await said(pilot, "entry corrected")
        await wait_until(lambda: "fail over at noon" in shown(pilot), what="the correction")
        timeline = war_room(pilot).timeline
        await typed(pilot, "home")
        for _ in range(12):
            chosen = war_room(pilot).chosen_entry()
            if chosen is not None and chosen.hypothesis is not None:
                break
            await typed(pilot, "down")
        assert timeline.chosen_entry is not None
        await typed(pilot, "h")
        await question(pilot, "1 for, 0 against")
        await typed(pilot, "c")
        await question(pilot, "Hypothesis confirmed")
        await typed(pilot, "heap dump", "enter")
        await said(pilot, "hypothesis confirmed")
    assert live.fetch("select fate from warroom.hypothesis") == [("confirmed",)]
    assert live.fetch("select stance from warroom.evidence") == [("for",)]
    assert live.fetch("select count(*) from warroom.pin") == [(1,)]
    assert live.fetch("select body from warroom.timeline where corrects is not null") == [
        ("fail over at noon",)
    ]


async def test_clocks(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "u")
        await question(pilot, "Next update of INC-1")
        await typed(pilot, "3")
        await said(pilot, "update due in 15 min")
        await typed(pilot, "u", "t")
        await question(pilot, "How long")
        await typed(pilot, "soon", "enter")
        await question(pilot, "45m, 2h, 1h30m. Nothing has been sent")
        await typed(pilot, "escape")
        await typed(pilot, "x")
        await question(pilot, "Escalation of INC-1")
        await typed(pilot, "p")
        await said(pilot, "escalation paused")
        await typed(pilot, "x", "r")
        await said(pilot, "escalation goes on")
        await typed(pilot, "x", "x")
        await said(pilot, "INC-1 escalated")
        await typed(pilot, "w")
        await question(pilot, "Snooze INC-1")
        await typed(pilot, "1")
        await question(pilot, "Why may it wait?")
        await typed(pilot, "vendor works", "enter")
        await said(pilot, "sleeps for 15 min")
        await typed(pilot, "w", "0")
        await said(pilot, "INC-1 is awake")
    found = commands(live)
    for command in ("update-due", "escalation", "snooze"):
        assert f"incident.{command}" in found
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_services_links_fields_merge_and_split(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    live.declare("Mail is stuck", 3)
    for key in ("pg-main", "orders"):
        live.call("POST", "/v1/services", {"key": key})
    live.call("POST", "/v1/fields", {"key": "ticket", "label": "Ticket", "type": "text"})
    live.call("POST", "/v1/fields", {"key": "plan", "label": "Plan", "type": "choice",
                                     "choices": ["gold", "silver"]})  # fmt: skip
    async with running(live.door, WIDE) as pilot:
        for key, state, words in (("pg", "x", "is down"), ("ord", "d", "is degraded")):
            await typed(pilot, "v")
            await question(pilot, "Which service?")
            await typed(pilot, key, "enter")
            await question(pilot, "not attached yet")
            await typed(pilot, state)
            await said(pilot, words)
        await typed(pilot, "L")
        await question(pilot, "Link · INC-1")
        await typed(pilot, "b")
        await question(pilot, "Its address")
        await typed(pilot, "https://meet.example.org/x", "enter", "ctrl+s")
        await said(pilot, "bridge linked")
        await typed(pilot, "f")
        await question(pilot, "Which field")
        await typed(pilot, "ticket", "enter")
        await question(pilot, "empty takes it away")
        await typed(pilot, "OPS-7", "enter")
        await said(pilot, "ticket = OPS-7")
        await typed(pilot, "f")
        await question(pilot, "plan Plan · choice")
        assert "ticket Ticket · text · now OPS-7" in flat(pilot)
        await typed(pilot, "plan", "enter")
        await question(pilot, "Plan: which?")
        assert "gold" in flat(pilot)
        await typed(pilot, "sil", "enter")
        await said(pilot, "plan = silver")
        await typed(pilot, "f")
        await question(pilot, "now silver")
        await typed(pilot, "plan", "enter")
        await question(pilot, "take it away")
        await typed(pilot, "take", "enter")
        await said(pilot, "plan = nothing")
        await typed(pilot, "X")
        await question(pilot, "Split off INC-1")
        await typed(pilot, "Orders slow", "enter", "orders", "ctrl+s")
        await said(pilot, "split off from INC-1")
        await wait_until(lambda: "Orders slow" in shown(pilot), what="the new incident")
        row = next(r for r in live_list(pilot).rows if r.title == "Orders slow")
        live_list(pilot).select(row.id)
        await pilot.pause()
        await typed(pilot, "M")
        await question(pilot, "Into which?")
        await typed(pilot, "INC-2", "enter")
        await question(pilot, "Undo takes it back")
        await typed(pilot, "enter")
        await said(pilot, "merged into INC-2")
    assert one(live, "custom") == ({"ticket": "OPS-7"},)
    assert live.fetch("select kind, url from warroom.incident_link") == [
        ("bridge", "https://meet.example.org/x")
    ]
    ended = live.fetch("select resolution from warroom.incident where number = 3")
    assert ended == [("merged",)]
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_two_people_at_one_service_see_each_other(live: LiveRoom) -> None:
    live.call("POST", "/v1/services", {"key": "pg"})
    live.declare("Checkout fails", 1)
    other = live.declare("Reports are late", 3)
    taken = {"service": "pg", "what": "failover"}
    live.call("POST", f"/v1/incidents/{other['ref']}/mitigate", taken, person(live, "luc"))
    async with running(live.door, WIDE) as pilot:
        await wait_until(lambda: "Checkout fails" in shown(pilot), what="the board")
        await typed(pilot, "home", "R")
        await question(pilot, "Mitigate on INC-1")
        await wait_until(lambda: "pg" in flat(pilot), what="the services")
        await typed(pilot, "pg", "enter")
        await question(pilot, "Mitigate pg on INC-1")
        await typed(pilot, "b")
        await said(pilot, "luc is at pg on INC-2 (failover")
        await typed(pilot, "R")
        await question(pilot, "Mitigate on INC-1")
        await typed(pilot, "pg", "enter")
        await question(pilot, "Mitigate pg on INC-1")
        await typed(pilot, "+")
        await question(pilot, "Join at pg on INC-1")
        await typed(pilot, "b")
        await said(pilot, "you are at pg (rollback)")
    held = live.fetch("select what, joined from warroom.mitigation_lock order by since")
    assert held == [("failover", False), ("rollback", True)]


async def test_visibility_drill_and_false_alarm_ask_before_they_do(live: LiveRoom) -> None:
    live.declare("Checkout fails", 2)
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "D")
        await question(pilot, "every message says DRILL")
        await typed(pilot, "escape")
        assert one(live, "drill") == (False,)
        await typed(pilot, "D", "enter")
        await said(pilot, "INC-1 is a drill")
        await typed(pilot, "V")
        await question(pilot, "Who may see INC-1")
        await typed(pilot, "r")
        await question(pilot, "Who else, beside you?")
        await typed(pilot, "enter")
        await said(pilot, "INC-1 is restricted")
        await typed(pilot, "F")
        await question(pilot, "Why was there nothing?")
        await typed(pilot, "probe was broken", "enter")
        await said(pilot, "was a false alarm")
        # It has left the board; by its number it is still there, and can be opened again.
        await typed(pilot, "#")
        await question(pilot, "Show an incident")
        await typed(pilot, "1", "enter")
        await wait_until(lambda: "probe was broken" in flat(pilot), what="the incident")
        await typed(pilot, "t")
        await question(pilot, "Status of INC-1")
        await typed(pilot, "i")
        await said(pilot, "INC-1 is investigating")
    assert one(live, "status, drill, visibility") == ("investigating", True, "restricted")


async def test_a_batch_is_confirmed_in_proportion_and_told_one_by_one(live: LiveRoom) -> None:
    for number in range(3):
        live.declare(f"Queue {number} grows", 3)
    async with running(live.door, WIDE) as pilot:
        await typed(pilot, "space", "space", "space")
        await wait_until(lambda: "3 marked" in shown(pilot), what="the marks")
        await typed(pilot, "a")
        await question(pilot, "3 incidents: acknowledge")
        # One of them has been changed by somebody else meanwhile.
        live.call("POST", "/v1/incidents/INC-2/acknowledge", {"version": 1})
        await typed(pilot, "enter")
        await said(pilot, "! 2 of 3 acknowledged · not done: INC-2")
        await wait_until(lambda: "3 marked" not in shown(pilot), what="the marks gone")
        await typed(pilot, "*")
        await wait_until(lambda: "3 marked" in shown(pilot), what="all marked")
        await typed(pilot, "r")
        await question(pilot, "What ended it?")
        await typed(pilot, "restarted", "enter")
        await question(pilot, "Type 3 and press Enter")
        await typed(pilot, "enter")
        await question(pilot, "That is not 3")
        await typed(pilot, "3", "enter")
        await said(pilot, "✓ 3 of 3 resolved")
        await wait_until(lambda: "No open incidents" in shown(pilot), what="the empty board")
    assert live.fetch("select distinct status from warroom.incident") == [("resolved",)]
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_what_is_typed_ahead_belongs_to_the_question(live: LiveRoom) -> None:
    live.declare("Search lags", 3)
    async with running(live.door, WIDE) as pilot:
        # No pause between the keys: each letter alone would be a command to the board.
        for key in (*"restarts", "enter"):
            pilot.app.post_message(_key(key))
        await wait_until(
            lambda: live.fetch("select 1 from warroom.timeline where body = 'estarts'"),
            what="the line",
        )
    assert set(commands(live)) == {"incident.declare", "incident.resolve"}


def _key(name: str) -> Any:
    from textual.events import Key

    return Key(name, name if len(name) == 1 else "\r")
