"""`warroom up --standby`: a real standby, as a person gets it, and what kill -9 does to it."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.monitoring import free_port, warroom
from tests.e2e.program import plain
from tests.helpers import require_program, wait_until_sync
from tests.pgfixtures import DEBIAN_15
from warroom.embedded import runtime


@pytest.fixture(params=(15, 18), ids=("pg15", "pg18"))
def env(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """A data directory of one's own, with either PostgreSQL; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="wr-sb-") as folder:
        Path(folder).chmod(0o755)
        found = {"WARROOM_DATA_DIR": f"{folder}/data", "WARROOM_API_PORT": str(free_port())}
        if request.param == 15:
            require_program(f"{DEBIAN_15}/postgres")
            found["WARROOM_PG_BIN"] = DEBIAN_15
        yield found
        plain(found, "down")


def streams(env: dict[str, str], other_than: int = 0) -> dict[str, Any] | None:
    found: dict[str, Any] = warroom(env, "status")
    good = found.get("standby", {}).get("standby_state") == "streaming"
    return found if good and found["parts"]["standby"]["pid"] not in (0, other_than) else None


def on_standby(env: dict[str, str], query: str) -> list[tuple[Any, ...]]:
    found = runtime.running(Path(env["WARROOM_DATA_DIR"]))
    assert found is not None
    with psycopg.connect(found.standby_url, user="warroom_super", autocommit=True) as conn:
        return conn.execute(query.encode()).fetchall()


def wait_streaming(env: dict[str, str], other_than: int = 0) -> dict[str, Any]:
    found = wait_until_sync(
        lambda: streams(env, other_than), timeout_s=60, every_s=0.3, what="a streaming standby"
    )
    assert found is not None
    return found


def test_a_standby_asked_for_later_follows_and_outlives_its_kill(env: dict[str, str]) -> None:
    assert plain(env, "up", "--detach").returncode == 0
    assert "standby" not in warroom(env, "status")["parts"]
    assert plain(env, "down").returncode == 0
    assert plain(env, "up", "--detach", "--standby").returncode == 0
    pid = wait_streaming(env)["parts"]["standby"]["pid"]
    assert on_standby(env, "select pg_is_in_recovery()") == [(True,)]
    ((sender,),) = on_primary(env, "select usename from pg_stat_replication")
    assert sender == "warroom_replica"
    ((rights,),) = on_primary(
        env, "select rolsuper or rolcreaterole or rolbypassrls or rolcreatedb from pg_roles"
             " where rolname = 'warroom_replica'",
    )  # fmt: skip
    assert rights is False

    os.kill(pid, signal.SIGKILL)
    ref = warroom(env, "incident", "declare", "while it was dead", "--severity", "2")["ref"]
    wait_streaming(env, other_than=pid)
    wait_until_sync(
        lambda: ("while it was dead",) in titles(env), timeout_s=30, what=f"{ref} on the standby"
    )
    assert plain(env, "down").returncode == 0
    assert plain(env, "up", "--detach").returncode == 0  # once asked for, it stays
    wait_streaming(env)


def test_a_standby_that_lost_its_slot_is_made_anew(env: dict[str, str]) -> None:
    assert plain(env, "up", "--detach", "--standby").returncode == 0
    pid = wait_streaming(env)["parts"]["standby"]["pid"]
    wait_until_sync(lambda: slot_dropped(env), timeout_s=30, what="the slot to be dropped")
    warroom(env, "incident", "declare", "after the slot", "--severity", "2")
    wait_streaming(env, other_than=pid)
    wait_until_sync(
        lambda: ("after the slot",) in titles(env), timeout_s=30, what="it on the standby"
    )
    assert "made anew" in plain(env, "logs", "supervisor").stdout


def test_a_promoted_standby_is_said_at_every_door_and_made_anew_by_its_remedy(
    env: dict[str, str],
) -> None:
    begun = plain(env, "up", "--detach", "--standby")
    assert begun.returncode == 0
    at_once = plain(env, "status").stdout
    assert "standby process 0" not in at_once
    assert "standby   gone" not in at_once
    since = wait_streaming(env)["started_at"]
    assert since.join(("runs since ", " on")) in at_once  # a later look does not move it
    assert "✓ standby" in plain(env, "doctor").stdout

    on_standby(env, "select pg_promote(true, 60)")
    wait_until_sync(
        lambda: warroom(env, "status")["standby"]["standby_state"] == "promoted",
        timeout_s=30, what="the promotion to be told",
    )  # fmt: skip
    wait_until_sync(
        lambda: on_primary(env, "select slot_name from pg_replication_slots") == [],
        timeout_s=30, what="its slot to be dropped",
    )  # fmt: skip
    assert said_at(env, "status")
    doctor = plain(env, "doctor")
    assert doctor.returncode == 1
    assert "Not well: " in doctor.stdout

    assert plain(env, "down").returncode == 0
    again = plain(env, "up", "--standby", "--detach")
    assert again.returncode == 0
    assert "was promoted" in again.stdout
    assert "To have a standby again" in again.stdout
    assert said_at(env, "status")
    assert said_at(env, "doctor")
    assert warroom(env, "status")["started_at"] != since

    assert plain(env, "down").returncode == 0
    kept = Path(env["WARROOM_DATA_DIR"], "standby")
    kept.rename(kept.with_name("standby-promoted"))
    assert plain(env, "up", "--standby", "--detach").returncode == 0
    wait_streaming(env)
    assert "was promoted" not in plain(env, "doctor").stdout


def said_at(env: dict[str, str], command: str) -> bool:
    """Tell whether a command says what happened, and what to do."""
    said = plain(env, command).stdout
    return "was promoted" in said and "warroom up --standby" in said and "GONE" not in said


def slot_dropped(env: dict[str, str]) -> bool:
    """Cut the standby off its slot and drop it, before it comes back for it."""
    with contextlib.suppress(psycopg.errors.ObjectInUse):
        on_primary(
            env,
            "select pg_terminate_backend(active_pid, 5000), pg_drop_replication_slot(slot_name)"
            " from pg_replication_slots",
        )
        return True
    return False


def titles(env: dict[str, str]) -> list[tuple[Any, ...]]:
    try:
        return on_standby(env, "select title from warroom.incident")
    except psycopg.OperationalError:  # on its way back
        return []


def on_primary(env: dict[str, str], query: str) -> list[tuple[Any, ...]]:
    found = runtime.running(Path(env["WARROOM_DATA_DIR"]))
    assert found is not None
    with psycopg.connect(found.database_url, autocommit=True) as conn:
        return conn.execute(query.encode()).fetchall()
