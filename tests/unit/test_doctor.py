"""`warroom doctor`: every finding has a sentence and a remedy; only failures end with 1."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from warroom.cli import checks, checks_remote
from warroom.cli.checks import Context, State
from warroom.cli.main import main
from warroom.settings import load


def _context(environ: dict[str, str]) -> Context:
    return Context(load(environ=environ), environ)


def test_json_lists_checks_and_the_exit_code_agrees(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WARROOM_DATA_DIR", str(tmp_path))
    code = main(["doctor", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert code == (0 if answer["ok"] else 1)
    names = [check["name"] for check in answer["checks"]]
    assert {"python", "extra server", "extra embedded", "terminal", "locale", "api"} <= set(names)
    assert all(check["sentence"].endswith((".", "?")) for check in answer["checks"])
    assert all(check["remedy"] for check in answer["checks"] if check["state"] != "ok")


def test_an_unreachable_database_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "✖ database" in text
    assert "WARROOM_DATABASE_URL" in text
    assert "hunter2" not in text


def test_an_api_that_was_chosen_must_answer() -> None:
    check = checks_remote.api(_context({"WARROOM_API_URL": "http://127.0.0.1:1"}))
    assert check is not None
    assert check.state is State.FAIL


def test_an_api_that_nobody_chose_is_only_said(tmp_path: Path) -> None:
    context = _context({"WARROOM_DATA_DIR": str(tmp_path), "WARROOM_API_PORT": "1"})
    check = checks_remote.api(context)
    assert check is not None
    assert check.state in {State.WARN, State.OK}


def test_an_open_token_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("wr_r_x")
    path.chmod(0o644)
    context = _context({"WARROOM_TOKEN_FILE": str(path)})
    check = checks.secrets_private(context)
    assert check is not None
    assert (check.state, check.remedy) == (State.WARN, f"chmod 600 {path}")
    path.chmod(0o600)
    check = checks.secrets_private(context)
    assert check is not None
    assert check.state is State.OK


def test_wrong_binaries_are_a_failure(tmp_path: Path) -> None:
    check = checks.postgres_binaries(_context({"WARROOM_PG_BIN": str(tmp_path)}))
    assert check is not None
    assert check.state is State.FAIL
    assert check.remedy


def test_a_missing_extra_is_a_warning_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    check = checks.extra_server(_context({}))
    assert check.state is State.WARN
    assert check.remedy == "pip install 'warroom[server]'"
