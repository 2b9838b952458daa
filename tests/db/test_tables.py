"""The tables as SQLAlchemy sees them are the tables that the migrations make."""

from __future__ import annotations

from pathlib import Path

from tests.pgfixtures import TestDatabase
from warroom.db import migrate, tables


def test_columns_are_those_of_the_catalogue(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        rows = conn.execute(
            "select c.relname, a.attname, a.attnotnull from pg_attribute a"
            " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'warroom' and c.relkind in ('r', 'p') and a.attnum > 0"
            " and not a.attisdropped and c.relname <> 'alembic_version' order by 1, a.attnum"
        ).fetchall()
    found: dict[str, list[tuple[str, bool]]] = {}
    for table, column, required in rows:
        found.setdefault(table, []).append((column, required))
    ours = {
        table.name: [(column.name, not column.nullable) for column in table.columns]
        for table in tables.metadata.tables.values()
    }
    assert ours == found


def test_the_document_of_the_data_model_names_every_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data-model.md").read_text("utf-8")
    assert [name for name in sorted(tables_of_ours()) if f"`{name}`" not in text] == []


def tables_of_ours() -> set[str]:
    return {table.name for table in tables.metadata.tables.values()}


def test_head_is_the_newest_revision() -> None:
    assert migrate.newest_revision() == migrate.HEAD
