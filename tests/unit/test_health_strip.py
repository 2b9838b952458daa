"""The replication health pane at the widths that people have: nothing that matters is cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.console.pane_samples import health
from warroom.domain.panes import HealthPicture, Node, Verdict
from widgets.health_strip import health_lines

REMEDY = "CREATE EXTENSION pg_stat_statements"


def text_of(picture: HealthPicture, width: int, height: int = 40) -> list[str]:
    lines = health_lines(picture, width, height)
    assert {sum(cell.width for cell in line.cells) for line in lines} == {width}
    return ["".join(cell.shown for cell in line.cells) for line in lines]


@pytest.mark.parametrize("width", [76, 96, 116, 156, 246])
def test_no_figure_is_cut_at_any_width(width: int) -> None:
    text = text_of(health(), width)
    assert "…" not in "\n".join(text)
    assert sum("WAL rate" in row for row in text) == 1
    assert sum("growth 28.8 MB in 12 min" in row for row in text) == 1
    assert sum("vacuum age 12 min" in row for row in text) == 1


def test_what_is_not_offered_is_told_whole_where_there_is_room() -> None:
    rows = text_of(health(), 76)
    at = next(n for n, row in enumerate(rows) if "pg_stat_statements" in row)
    assert REMEDY in " ".join(row.strip() for row in rows[at:])
    short = text_of(health(), 76, height=6)
    assert len(short) < len(rows)
    assert short[-1].rstrip().endswith("…")


def test_a_promoted_standby_is_called_so_and_its_sentence_is_told_whole() -> None:
    said = (
        "standby pg-c was promoted (timeline 8): two servers take writes, and it follows no more; "
        "told since 10:41 UTC. Keep one and make the other anew: `warroom doctor` says how"
    )
    node = Node("pg-c", "gone", "promoted", Verdict.BAD, said)
    rows = text_of(replace(health(), nodes=(node,)), 76)
    assert "✖ pg-c promoted" in rows[0]
    assert "gone" not in rows[0]
    assert said in " ".join(row.removeprefix("✖").strip() for row in rows)


def test_a_standby_that_is_still_copied_is_not_called_missing() -> None:
    alone = replace(health(), standby_configured=False)
    assert any("No standby streams yet; a slot" in row for row in text_of(alone, 76))
    kept = tuple(r for r in alone.readings if r.name != "slots")
    rows = text_of(replace(alone, readings=kept), 76)
    assert any("No standby configured: `warroom up --standby`." in row for row in rows)
