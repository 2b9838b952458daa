"""Faults under the console with all five panes open: the API gone, the database frozen."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import pytest
from textual.pilot import Pilot

from screens.commands import Command, Kind, Wish
from screens.room_layout import ORDER
from tests.console.live import LiveRoom
from tests.console.pilot import live_list, marks, running, shown, war_room
from tests.console.test_live_commands import WIDE, flat, question, typed
from tests.helpers import wait_until
from warroom.client import Client
from warroom.console.api_door import METHODS
from warroom.console.app import WarRoomApp
from warroom.domain.panes import Pane
from warroom.domain.safe_text import safe_text
from warroom.domain.triage import TriageKind
from warroom.errors import DatabaseUnavailable
from widgets.cells import Role
from widgets.incident_lines import Mark

ENTRY: Final = str(uuid4())
ARGUMENTS: Final[Mapping[Kind | TriageKind, Mapping[str, object]]] = {
    Kind.ACKNOWLEDGE: {},
    Kind.RESOLVE: {"note": "over"},
    Kind.DECLARE: {"title": "Mail stuck", "severity": 3},
    Kind.STATUS: {"status": "investigating"},
    Kind.SEVERITY: {"severity": 1},
    Kind.ASSIGN: {"owner": "ana"},
    Kind.ROLE_TAKE: {"role": "commander"},
    Kind.ROLE_RELEASE: {"role": "commander"},
    Kind.ROLE_OFFER: {"role": "commander", "to": "ana", "brief": "all of it"},
    Kind.ROLE_ANSWER: {"role": "commander", "accept": True},
    Kind.DRILL: {"drill": True},
    Kind.FALSE_ALARM: {"note": "a probe"},
    Kind.RESTRICT: {"visibility": "restricted", "people": []},
    Kind.MERGE: {"into": "INC-2"},
    Kind.SPLIT: {"title": "the rest", "services": ["pg-main"]},
    Kind.SERVICE: {"service": "pg-main", "state": "down"},
    Kind.SERVICE_DETACH: {"service": "pg-main"},
    Kind.UPDATE_DUE: {"in_s": 900.0},
    Kind.SNOOZE: {"for_s": 900.0, "reason": "known"},
    Kind.ESCALATION: {"do": "now"},
    Kind.FIELD: {"field": "ticket", "value": "OPS-7"},
    Kind.UNDO: {},
    Kind.LOG: {"kind": "fact", "text": "seen"},
    Kind.JUDGE: {"entry_id": ENTRY, "fate": "confirmed"},
    Kind.PIN: {"entry_id": ENTRY},
    Kind.UNPIN: {"entry_id": ENTRY},
    Kind.CORRECT: {"entry_id": ENTRY, "text": "other words"},
    Kind.LINK: {"kind": "bridge", "url": "https://meet.example.org/x", "label": ""},
    Kind.UNLINK: {"url": "https://meet.example.org/x"},
    Kind.RESTART: {"service": "pg-main", "done": True},
    Kind.PAGE: {"service": "pg-main"},
    Kind.CHANGE: {"change": ENTRY, "verdict": "cause"},
    Kind.MITIGATE: {"service": "pg-main", "what": "rollback"},
    Kind.MITIGATED: {"service": "pg-main"},
    TriageKind.ACCEPT: {"item": ENTRY, "version": 1},
    TriageKind.MERGE: {"item": ENTRY, "version": 1, "into": "INC-2"},
    TriageKind.DISMISS: {"item": ENTRY, "version": 1, "reason": "a probe"},
}
# Keys of commands that ask nothing or one thing; what the refusal calls each of them.
KEYS: Final = (
    (("a",), "acknowledge"),
    (("t", "Status of INC-1", "i"), "to investigating"),
    (("s", "Severity of INC-1", "1"), "SEV1"),
    (("d", "What was decided", "wait", "enter"), "log"),
    (("u", "Next update of INC-1", "3"), "update due in 15 min"),
    (("x", "Escalation of INC-1", "p"), "escalation pause"),
    (("D", "mark as a drill", "enter"), "mark as a drill"),
    (("U",), "undo"),
)
# Everything that a command could leave behind.
RECORD: Final = (
    "select (select count(*) from warroom.audit), (select count(*) from warroom.idempotency),"
    " (select count(*) from warroom.timeline), (select max(version) from warroom.incident)"
)


def app_of(pilot: Pilot[int]) -> WarRoomApp:
    assert isinstance(pilot.app, WarRoomApp)
    return pilot.app


def read_times(pilot: Pilot[int]) -> dict[Pane, float]:
    """Return when the read of each pane's picture began, on the monotonic clock."""
    app = app_of(pilot)
    return {**app._pane_clock._read, Pane.BOARD: app._read_mono}


async def all_read(pilot: Pilot[int]) -> dict[Pane, float]:
    """Wait until all five panes have been read anew."""
    before = read_times(pilot)

    def anew() -> bool:
        now = read_times(pilot)
        return set(now) == set(ORDER) and all(now[p] > before.get(p, 0.0) for p in ORDER)

    await wait_until(anew, what="five panes read anew")
    return read_times(pilot)


def border(pilot: Pilot[int], pane: Pane) -> tuple[str, set[Role]]:
    """Return what a pane's lower border says of its age, and in which roles."""
    view = war_room(pilot).pane(pane)
    cells = view._bottom(view.size.width).cells
    said = [c for c in cells if "stale" in c.shown or "live" in c.shown]
    return " ".join(c.shown for c in said), {c.role for c in said}


def refused(pilot: Pilot[int], words: str) -> bool:
    """Whether a toast says that the command was not sent, why, and that nothing was changed."""
    start = f"{words} was not sent, nothing was changed: "
    return any(
        start in said and "Press the key again" in said and len(said.split(start)[1]) > 40
        for said in (str(toast.message) for toast in pilot.app._notifications)
    )


async def test_without_the_api_the_panes_live_on_and_every_command_is_refused(
    live: LiveRoom,
) -> None:
    assert set(ARGUMENTS) == set(METHODS), "every kind of command"
    live.declare("Checkout fails", 2)
    async with running(live.door, WIDE) as pilot:
        await all_read(pilot)
        live.kill_api()
        before = live.fetch(RECORD)
        for keys, words in KEYS:
            key, *more = keys
            await typed(pilot, key)
            if more:
                await question(pilot, more[0])
                await typed(pilot, *more[1:])
            await wait_until(lambda w=words: refused(pilot, w), what=f"{words!r} refused")  # type: ignore[misc]
            app_of(pilot).clear_notifications()
        row = live_list(pilot).selected
        assert row is not None
        for kind, arguments in ARGUMENTS.items():
            words = f"the kind {kind}"
            order = Wish(kind, safe_text(words), safe_text("done"), arguments)
            if kind is Kind.DECLARE or isinstance(kind, TriageKind):
                app_of(pilot).submit(Command(order, "key", safe_text("")))
            else:
                war_room(pilot).send(row, order)
            await wait_until(lambda w=words: refused(pilot, w), what=f"{words} refused")  # type: ignore[misc]
            app_of(pilot).clear_notifications()
        await all_read(pilot)
        for pane in ORDER:
            assert "live" in border(pilot, pane)[0], pane
        assert "● live" in shown(pilot)
        assert live.fetch(RECORD) == before, "nothing has reached the database"
        live.start_api()
        await typed(pilot, "a")
        await wait_until(lambda: Mark.DONE in marks(pilot), what="the ✓")
    assert live.fetch("select status, version from warroom.incident") == [("acknowledged", 2)]


@contextmanager
def frozen_database(live: LiveRoom) -> Iterator[list[int]]:
    """Stop all processes of PostgreSQL; whoever goes on goes on at the latest at the end."""
    pids = live.postgres_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_a_frozen_database_is_said_by_every_pane_and_keys_answer(live: LiveRoom) -> None:
    made = live.declare("Disk fills", 2)
    async with running(live.door, WIDE) as pilot:
        await all_read(pilot)
        with frozen_database(live):
            await wait_until(lambda: "▲ stale" in shown(pilot), what="the stale badge")
            for pane in ORDER:
                await wait_until(
                    lambda p=pane: border(pilot, p)[1] == {Role.SOON},  # type: ignore[misc]
                    what=f"{pane} in amber",
                )
            await keys_answer(pilot)
            for pane in ORDER:
                await wait_until(
                    lambda p=pane: border(pilot, p)[1] == {Role.NOW_LOUD},  # type: ignore[misc]
                    what=f"{pane} loud",
                )
                said = border(pilot, pane)[0]
                assert "not answer" in said or "answers nothing" in said, (pane, said)
            await wait_until(lambda: "✖ STALE" in shown(pilot), what="the loud badge")
            await typed(pilot, "s")
            await question(pilot, "Severity of INC-1")
            await typed(pilot, "1")
            await wait_until(lambda: ended(pilot) or unknown(pilot), what="refused, or unknown")
        await wait_until(lambda: ended(pilot), timeout_s=40, what="the ✓ or the sentence")
        done = "✓ INC-1 is SEV1" in shown(pilot)
        await wait_until(lambda: "● live" in shown(pilot), what="the live badge again")
        for pane in ORDER:
            await wait_until(lambda p=pane: "live" in border(pilot, p)[0], what=f"{pane} live")  # type: ignore[misc]
    changed = live.fetch("select severity, version from warroom.incident")
    assert changed == [(1, made["version"] + 1) if done else (2, made["version"])]
    told = live.fetch(
        "select count(*) from warroom.audit where command = 'incident.severity'"
        " and table_name = 'incident'"
    )
    assert told == [(int(done),)]
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_who_is_refused_by_a_frozen_database_is_told_to_repeat_it(live: LiveRoom) -> None:
    made = live.declare("Disk fills", 2)
    async with Client(live.url, live.token, timeout_s=30) as client:
        with frozen_database(live), pytest.raises(DatabaseUnavailable) as refusal:
            await client.acknowledge("INC-1", made["version"])
        said = str(refusal.value)
        assert said.endswith("Nothing was changed; repeat the command when the database answers.")
        assert "by itself" not in said, "nobody repeats it"
        assert live.fetch("select status, version from warroom.incident") == [("triggered", 1)]
        await client.acknowledge("INC-1", made["version"])


async def keys_answer(pilot: Pilot[Any]) -> None:
    """Move the focus, enlarge a pane, read the help: none of it needs the database."""
    await typed(pilot, "3")
    assert war_room(pilot).focused_pane is Pane.TIMERS
    await typed(pilot, "z")
    assert not war_room(pilot).pane(Pane.BOARD).display
    await typed(pilot, "z", "1")
    assert war_room(pilot).pane(Pane.BOARD).display
    await typed(pilot, "?")
    await wait_until(lambda: "Acknowledge the chosen" in shown(pilot), what="the help")
    await typed(pilot, "escape")
    await asyncio.wait_for(pilot.pause(), 20)


def ended(pilot: Pilot[int]) -> bool:
    return "✓ INC-1 is SEV1" in shown(pilot) or "was not done" in flat(pilot)


def unknown(pilot: Pilot[int]) -> bool:
    return "not known yet" in flat(pilot)
