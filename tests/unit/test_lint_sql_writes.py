"""The rule that only services write to the database."""

from __future__ import annotations

import pytest

from tools.lint_sql_writes import check_source

BAD = [
    'SQL = "INSERT INTO warroom.incident (id) VALUES (1)"',
    'SQL = "update warroom.incident set status = 1"',
    'SQL = """\n  UPDATE warroom.incident AS i SET status = 1"""',
    'SQL = "DELETE FROM warroom.timer"',
    'SQL = "TRUNCATE warroom.timer"',
    'SQL = "WITH due AS (SELECT 1) UPDATE warroom.timer SET state = 1"',
    "from sqlalchemy import update",
    "from sqlalchemy.dialects.postgresql import insert",
    "import sqlalchemy as sa\nsa.delete(table)",
]
GOOD = [
    'SQL = "SELECT 1"',
    'TEXT = "Update due in five minutes"',
    'TEXT = "Delete from the list with d"  # lint: sql-write a sentence for people',
    'HELP = "insert a row"',
    'TEXT = "truncate long titles"',
    "from sqlalchemy import select",
    "self.update(picture)",
]


@pytest.mark.parametrize("source", BAD)
def test_a_write_outside_services_is_refused(source: str) -> None:
    assert len(list(check_source(source, "warroom/engine/runner.py"))) == 1


@pytest.mark.parametrize("source", GOOD)
def test_reading_and_sentences_pass(source: str) -> None:
    assert list(check_source(source, "warroom/console/app.py")) == []


@pytest.mark.parametrize("path", ["warroom/services/incidents.py", "warroom/db/uow.py"])
def test_services_write(path: str) -> None:
    assert list(check_source(BAD[0], path)) == []
