"""Two consoles with two tokens press at once: one wins each time, the other sees both states.

The API stands still while the keys are pressed, so that both commands are on their way before
either can be answered: who wins is up to the server, that exactly one does is not.
"""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.console.live import LiveRoom
from tests.console.pilot import running, shown, war_room
from tests.console.test_live_commands import WIDE, flat, person, question, typed
from tests.helpers import wait_until

STATE = """
select concat(i.status, ', SEV', i.severity, ', ', coalesce('owner ' || o.name, 'no owner'),
  ', commander ' || c.name, ', version ', i.version)
from warroom.incident i left join warroom.principal o on o.id = i.owner_id
left join warroom.role_held r on r.incident_id = i.id and r.released_at is null
  and r.role = 'commander'
left join warroom.principal c on c.id = r.principal_id where i.number = 1
"""


@asynccontextmanager
async def two_consoles(live: LiveRoom) -> AsyncIterator[tuple[Pilot[int], Pilot[int]]]:
    """Run ana's console and luc's."""
    luc = replace(live.door, token=person(live, "luc"))
    async with running(live.door, WIDE) as first, running(luc, WIDE) as second:
        yield first, second


@contextmanager
def frozen_api(live: LiveRoom) -> Iterator[None]:
    """Let the API stand still, and go on."""
    assert live.process is not None
    live.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        live.process.send_signal(signal.SIGCONT)


def toasts(pilot: Pilot[int]) -> list[str]:
    return [str(toast.message) for toast in pilot.app._notifications]


def outcome(pilot: Pilot[int]) -> str:
    """Return ``done``, the refusal's sentence, or nothing yet."""
    refused = [said for said in toasts(pilot) if "was not done, nothing was changed" in said]
    return refused[0] if refused else "done" if "✓ INC-1 " in shown(pilot) else ""


def version(live: LiveRoom) -> int:
    return int(live.fetch("select version from warroom.incident where number = 1")[0][0])


PRESSES = {
    "status against severity": (("t", "Status of", "i"), ("s", "Severity of", "1")),
    "owner against owner": (("o", "Owner of", "luc enter"), ("o", "Owner of", "ana enter")),
    "role against role": (("c", "Roles of", "c", "Commander of", "t"),) * 2,
    "undo against change": (("U",), ("s", "Severity of", "1")),
}


@pytest.mark.parametrize("what", PRESSES)
async def test_one_wins_and_the_other_sees_both_states(live: LiveRoom, what: str) -> None:
    live.declare("Checkout fails", 2)
    if what.startswith("undo"):
        live.call("POST", "/v1/incidents/INC-1/severity", {"version": 1, "severity": 3})
    before, was = version(live), live.fetch(STATE)[0][0]
    async with two_consoles(live) as pilots:
        # Each has its last question open; what is pressed then sends.
        last: list[tuple[str, ...]] = []
        for pilot, presses in zip(pilots, PRESSES[what], strict=True):
            *steps, final = presses
            for key, words in zip(steps[::2], steps[1::2], strict=True):
                await typed(pilot, key)
                await question(pilot, words)
            name, _, enter = final.partition(" ")
            if enter:
                await wait_until(lambda p=pilot: "luc" in shown(p), what="the people")  # type: ignore[misc]
                await typed(pilot, name)
            last.append((enter or name,))
        with frozen_api(live):
            for pilot, keys in zip(pilots, last, strict=True):
                await typed(pilot, *keys)
            for pilot in pilots:
                await wait_until(lambda p=pilot: war_room(p)._states, what="the command on its way")  # type: ignore[misc]
        for pilot in pilots:
            await wait_until(lambda p=pilot: outcome(p), what="the outcome")  # type: ignore[misc]
        ends = [outcome(pilot) for pilot in pilots]
    assert ends.count("done") == 1, ends
    assert version(live) == before + 1
    (said,) = [end for end in ends if end != "done"]
    assert f"You saw: {was}. Now: {live.fetch(STATE)[0][0]}." in said
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_a_batch_by_two_has_one_winner_an_incident(live: LiveRoom) -> None:
    for number in range(10):
        live.declare(f"Queue {number} grows", 2)
    async with two_consoles(live) as pilots:
        for pilot, severity in zip(pilots, "13", strict=True):
            await typed(pilot, "*")
            await wait_until(lambda p=pilot: "10 marked" in shown(p), what="the marks")  # type: ignore[misc]
            await typed(pilot, "s")
            await question(pilot, "Severity of 10 incidents")
            await typed(pilot, severity)
            await question(pilot, f"10 incidents: SEV{severity}")
        with frozen_api(live):
            for pilot in pilots:
                await typed(pilot, "enter")
                await wait_until(
                    lambda p=pilot: len(war_room(p)._states) == 10,  # type: ignore[misc]
                    what="the commands on their way",
                )
        tallies = []
        for pilot, severity in zip(pilots, "13", strict=True):
            over = re.compile(rf"[✓!] ([0-9]+) of 10 is SEV{severity}")
            found = await wait_until(
                lambda p=pilot, o=over: o.search(flat(p)),  # type: ignore[misc]
                what="the end of the batch",
            )
            tallies.append(int(found.group(1)))
    won = dict(live.fetch("select severity, count(*) from warroom.incident group by severity"))
    assert [won.get(1, 0), won.get(3, 0)] == tallies
    assert sum(tallies) == 10
    assert live.fetch("select distinct version from warroom.incident") == [(2,)]
    told = live.fetch(
        "select row_id, count(*) from warroom.audit where command = 'incident.severity'"
        " and table_name = 'incident' group by row_id"
    )
    assert [count for _, count in told] == [1] * 10
    assert live.call("GET", "/v1/audit/verify")["verified"]
