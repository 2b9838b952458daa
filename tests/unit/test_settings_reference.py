"""`warroom config`: the reference in docs/ is true, and nothing secret is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warroom.cli.config import reference
from warroom.cli.main import main
from warroom.setting_sources import env_name
from warroom.settings import fields

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_in_docs_is_the_one_that_the_program_prints() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert written == reference(), "type: make docs"


def test_the_reference_names_every_setting() -> None:
    text = reference()
    for name, _, meta in fields():
        assert f"`{env_name(name)}`" in text
        assert f"| `{meta.key.partition('.')[2]}` |" in text


def test_show_names_origins_and_hides_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WARROOM_TOKEN", "wr_a_geheim")
    monkeypatch.setenv("WARROOM_DATABASE_URL", "postgresql://ana:hunter2@db:5432/w?password=p4ss")
    monkeypatch.setenv("WARROOM_THEME", "x\x1b[31m")
    assert main(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert "postgresql://ana:***@db:5432/w?password=***" in text
    assert "WARROOM_DATABASE_URL" in text
    for secret in ("geheim", "hunter2", "p4ss", "\x1b"):
        assert secret not in text
    assert main(["config", "show", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["settings"]}
    assert rows["token"] == {
        "name": "token", "key": "auth.token", "value": "***", "origin": "WARROOM_TOKEN"
    }  # fmt: skip
