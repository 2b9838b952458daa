"""The console is killed in the middle of a batch: what it told is so, the rest is as it was."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psycopg

from tests.console.live import ROOT, LiveRoom
from tests.e2e.monitoring import Terminal
from tests.helpers import wait_until_sync

HALF = 20
AT_ONCE = 8
"""How many commands of a batch the console has on their way at the most."""
EACH = """
select i.severity, i.status, i.version,
  (select count(*) from warroom.audit a where a.command = 'incident.acknowledge'
    and a.table_name = 'incident' and a.row_id::text = i.id::text),
  (select count(*) from warroom.timeline t where t.incident_id = i.id)
from warroom.incident i
"""


def test_what_was_told_as_done_is_done_and_nothing_is_half(live: LiveRoom, tmp_path: Path) -> None:
    for number in range(2 * HALF):
        live.declare(f"Queue {number} grows", 2 if number < HALF else 5)
    before = live.fetch("select count(*) from warroom.idempotency")[0][0]
    ((entries,),) = live.fetch("select distinct n from (" + EACH + ") x (a, b, c, d, n)")
    token, pid = tmp_path / "token", tmp_path / "pid"
    token.write_text(live.token, "utf-8")
    token.chmod(0o600)
    console = f"{sys.executable} -m warroom console --api-url {live.url} --token-file {token}"
    terminal = Terminal(
        f'sh -c "echo \\$\\$ > {pid}; exec {console}"', {"PYTHONPATH": str(ROOT)}, 160, 45
    )
    try:
        terminal.wait_for("Queue 0 grows")
        terminal.type("*")
        terminal.wait_for(f"{2 * HALF} marked")
        terminal.type("a")
        terminal.wait_for(f"{2 * HALF} incidents: acknowledge")
        # The second half of the batch meets somebody who is changing those incidents.
        with psycopg.connect(live.database.conninfo()) as somebody:
            somebody.execute("select from warroom.incident where severity = 5 for update")
            terminal.type("Enter")
            terminal.wait_for(f" {HALF} of {2 * HALF} acknowledged")
            os.kill(int(pid.read_text("utf-8")), signal.SIGKILL)
            terminal.wait_for("ENDED 137")
    finally:
        terminal.close()
    busy = (
        "select from pg_stat_activity where usename = 'warroom_api' and state <> 'idle'"
        " and datname = current_database()"
    )
    wait_until_sync(lambda: not live.fetch(busy), what="what was on its way to end")
    found = live.fetch(EACH)
    done = [row for row in found if row[1] == "acknowledged"]
    assert sum(row[0] == 2 for row in done) == HALF, "told as done"
    assert len(done) <= HALF + AT_ONCE, "only what was on its way may have been done beside that"
    assert {row[1:] for row in done} == {("acknowledged", 2, 1, entries + 1)}
    rest = {row[1:] for row in found if row not in done}
    assert rest == {("triggered", 1, 0, entries)}
    assert live.fetch("select count(*) from warroom.idempotency")[0][0] == before + len(done)
    assert live.call("GET", "/v1/audit/verify")["verified"]
