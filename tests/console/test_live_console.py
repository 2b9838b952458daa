"""The console on a real database and a real API: every key ends on the record."""

from __future__ import annotations

import os
import signal

from screens.commands import Kind
from screens.work import wish
from tests.console.live import LiveRoom
from tests.console.pilot import live_list, marks, running, shown, war_room
from tests.helpers import wait_until
from widgets.incident_lines import Mark


async def test_acknowledge_by_one_key(live: LiveRoom) -> None:
    made = live.declare("Checkout fails", 1)
    async with running(live.door) as pilot:
        assert "Checkout fails" in shown(pilot)
        await pilot.press("a")
        # The answer may be quicker than the question; both say that the key was heard.
        assert marks(pilot) & {Mark.PENDING, Mark.DONE}
        await wait_until(lambda: Mark.DONE in marks(pilot), what="the ✓")
        assert f"✓ {made['ref']} acknowledged" in shown(pilot)
        await wait_until(lambda: "◆" in shown(pilot) or "ana" in shown(pilot), what="the owner")
    rows = live.fetch("select status, version from warroom.incident")
    assert rows == [("acknowledged", made["version"] + 1)]
    assert live.fetch("select count(*) from warroom.audit where command = 'incident.acknowledge'")


async def test_resolve_asks_for_a_line_first(live: LiveRoom) -> None:
    live.declare("Search lags", 3)
    async with running(live.door) as pilot:
        await pilot.press("r", "enter")
        assert "Write one line first" in shown(pilot)
        await pilot.press(*"restarted", "enter")
        await wait_until(lambda: "No open incidents" in shown(pilot), what="the empty board")
        await wait_until(lambda: "resolved" in shown(pilot), what="the outcome")
    assert live.fetch("select status from warroom.incident") == [("resolved",)]
    assert live.fetch("select 1 from warroom.timeline where body like '%%restarted%%'")


async def test_declare_and_log(live: LiveRoom) -> None:
    async with running(live.door) as pilot:
        assert "No open incidents" in shown(pilot)
        await pilot.press("n", *"Mail stuck", "enter", "backspace", "2", "ctrl+s")
        await wait_until(lambda: "Mail stuck" in shown(pilot), what="the declared incident")
        await pilot.press("e", *"!fail over", "enter")
        await wait_until(
            lambda: live.fetch(
                "select 1 from warroom.timeline where kind = 'decision' and body = 'fail over'"
            ),
            what="the decision",
        )
        await pilot.press("enter")
        await wait_until(lambda: "fail over" in shown(pilot), what="the timeline on the screen")
        await pilot.press("escape")
        assert live_list(pilot).selected is not None


async def test_a_conflict_shows_both_states(live: LiveRoom) -> None:
    made = live.declare("Queue grows", 2)
    async with running(live.door) as pilot:
        row = live_list(pilot).selected
        assert row is not None
        live.call("POST", f"/v1/incidents/{made['ref']}/acknowledge", {"version": made["version"]})
        # The key was pressed while the person still saw the old row.
        war_room(pilot).send(row, wish(Kind.ACKNOWLEDGE, "acknowledge", "acknowledged"))
        await wait_until(lambda: "was not done" in shown(pilot), what="the conflict")
        toast = str(next(iter(pilot.app._notifications)).message)
        assert "You saw: triggered, SEV2, no owner, version 1." in toast
        assert "Now: acknowledged, SEV2, owner ana, version 2." in toast


async def test_an_unknown_outcome_is_asked_again_until_known(live: LiveRoom) -> None:
    live.declare("Login fails", 1)
    async with running(live.door) as pilot:
        live.kill_api(signal.SIGSTOP)
        await pilot.press("a")
        assert Mark.PENDING in marks(pilot)
        # The frozen API has the request in its socket; killing it leaves the fate open.
        await wait_until(lambda: war_room(pilot)._states, what="the command under way")
        live.kill_api(signal.SIGKILL)
        await wait_until(lambda: Mark.UNKNOWN in marks(pilot), what="the ?")
        assert "not known yet" in " ".join(shown(pilot).split())
        live.start_api()
        await wait_until(lambda: Mark.DONE in marks(pilot), timeout_s=40, what="the ✓")
    assert live.fetch("select status from warroom.incident") == [("acknowledged",)]
    done = live.fetch("select count(*) from warroom.idempotency")
    assert done


async def test_a_frozen_database_is_said_and_recovers(live: LiveRoom) -> None:
    live.declare("Disk fills", 2)
    async with running(live.door) as pilot:
        await wait_until(lambda: "live" in shown(pilot), what="the live badge")
        pids = live.postgres_pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            await wait_until(lambda: "▲ stale" in shown(pilot), what="the stale badge")
            # Keys still answer.
            await pilot.press("question_mark")
            await wait_until(lambda: "Acknowledge the chosen" in shown(pilot), what="the help")
            await pilot.press("escape")
            await wait_until(lambda: "does not answer" in shown(pilot), what="the reason")
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        await wait_until(lambda: "● live" in shown(pilot), what="the live badge again")


async def test_the_api_is_gone_before_the_key(live: LiveRoom) -> None:
    live.declare("Cache cold", 3)
    async with running(live.door) as pilot:
        live.kill_api()
        await pilot.press("a")
        await wait_until(lambda: "was not sent" in shown(pilot), what="the refusal")
        assert Mark.UNKNOWN not in marks(pilot)
    assert live.fetch("select status from warroom.incident") == [("triggered",)]


async def test_a_restarted_database_is_found_again(live: LiveRoom) -> None:
    live.declare("Before the restart", 2)
    cluster = live.database.server.cluster
    async with running(live.door) as pilot:
        cluster.stop("immediate")
        try:
            await wait_until(lambda: "▲ stale" in shown(pilot), what="the stale badge")
            assert "Before the restart" in shown(pilot), "the last picture stays, marked as old"
        finally:
            cluster.start()
        await wait_until(lambda: "● live" in shown(pilot), what="the live badge again")
        # A connection of before the restart may have to be lost first.
        await wait_until(live._ready, what="the API on its database again")
        live.declare("After the restart", 1)
        await wait_until(lambda: "After the restart" in shown(pilot), what="the new incident")


async def test_a_second_key_waits_for_the_first(live: LiveRoom) -> None:
    live.declare("Pressed twice", 2)
    async with running(live.door) as pilot:
        live.kill_api(signal.SIGSTOP)
        await pilot.press("a", "a")
        await wait_until(lambda: "still under way" in shown(pilot), what="the toast")
        assert live.process is not None
        live.process.send_signal(signal.SIGCONT)
        await wait_until(lambda: Mark.DONE in marks(pilot), what="the ✓")
    query = "select count(*) from warroom.timeline where body like '%%acknowledged by%%'"
    assert live.fetch(query) == [(1,)]
