"""Whether the record can be trusted: every hash recomputed, every row held against its entry."""

from __future__ import annotations

from typing import Any

from warroom.db.uow import Work

VERIFY_SECONDS = 120


async def verify(work: Work) -> dict[str, Any]:
    """Verify the audit trail and the rows that it speaks of.

    Returns:
        ``{verified, entries, rows_checked, erased, problems: [{problem, table, row}], notes:
        [{note, table, row}]}``; at most 100 problems and notes a table are named. ``erased``
        counts entries whose payload was erased by law; notes name them, and the rows that cannot
        be held against them any more. Neither is a problem.
    """
    # A long record takes longer than any other statement may.
    await work.scalar(
        "select set_config('statement_timeout', :ms, true)", {"ms": f"{VERIFY_SECONDS * 1000}"}
    )
    rows = await work.rows("select * from read_v1.audit_verify()")
    summary = rows[-1]
    problems = [
        {"problem": r["problem"], "table": r["table_name"], "row": r["row_id"]}
        for r in rows
        if r["problem"] is not None
    ]
    notes = [
        {"note": r["note"], "table": r["table_name"], "row": r["row_id"]}
        for r in rows
        if r["note"] is not None
    ]
    return {
        "verified": not problems,
        "entries": summary["entries"],
        "rows_checked": summary["rows_checked"],
        "erased": summary["erased"],
        "problems": problems,
        "notes": notes,
    }
