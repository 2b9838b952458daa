"""`warroom db init | migrate | check` on one's own PostgreSQL, as its administrator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.pgfixtures import TestServer


@pytest.fixture
def empty(server: TestServer) -> Iterator[str]:
    """The URL of an empty database, as the server's administrator."""
    name = server.empty_database()
    yield f"postgresql://warroom_super@/{name}?host={server.cluster.socket_dir}"
    server.drop(name)


def warroom(url: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WARROOM_")}
    return subprocess.run(
        [sys.executable, "-m", "warroom", "db", *words],
        env={**kept, "WARROOM_ADMIN_DATABASE_URL": url, "WARROOM_DATA_DIR": str(folder)},
        text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip


def told(url: str, folder: Path, *words: str) -> dict[str, Any]:
    done = warroom(url, folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_init_makes_everything_and_says_it_once(empty: str, tmp_path: Path) -> None:
    found = told(empty, tmp_path, "init", "--admin", "ana", "--set-passwords")
    assert found["administrator"] == "ana"
    assert found["token"]
    assert {found["database_url"].split("@")[0].split("//")[1].split(":")[0]} == {"warroom_api"}
    # The two URLs work as they are shown.
    for name in ("database_url", "engine_database_url"):
        with psycopg.connect(found[name]) as conn:
            assert conn.execute("select count(*) from warroom.incident").fetchone() == (0,)
    # The token is that of an administrator with an own database role, and is stored as a hash.
    with psycopg.connect(empty) as conn:
        rows = conn.execute(
            "select p.name, p.db_role is not null, t.scopes, t.token_hash"
            " from warroom.api_token t join warroom.principal p on p.id = t.principal_id"
        ).fetchall()
    assert [(name, role, set(scopes)) for name, role, scopes, _ in rows] == [
        ("ana", True, {"read", "respond", "admin"})
    ]
    assert found["token"].encode() not in bytes(rows[0][3])
    assert told(empty, tmp_path, "check")["ok"] is True


def test_init_again_keeps_passwords_and_data(empty: str, tmp_path: Path) -> None:
    first = told(empty, tmp_path, "init", "--admin", "ana", "--set-passwords")
    again = told(empty, tmp_path, "init", "--admin", "ana")
    assert again["database_url"] is None, "the password is unchanged, so there is none to show"
    with psycopg.connect(first["database_url"]) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    assert told(empty, tmp_path, "migrate")["before"] == first["schema"]


def test_check_before_init_says_what_to_type(empty: str, tmp_path: Path) -> None:
    done = warroom(empty, tmp_path, "check")
    assert done.returncode == 1
    assert "warroom db" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_administrator_who_is_none_is_refused_in_a_sentence(
    server: TestServer, tmp_path: Path
) -> None:
    name = server.empty_database()
    server.fresh_database()  # the roles are there
    url = f"postgresql://warroom_engine@/{name}?host={server.cluster.socket_dir}"
    done = warroom(url, tmp_path, "init")
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    server.drop(name)
