"""War room's own alerts are taken in by the engine: incidents that it opens freeze as well."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.domain.health import Standing
from warroom.domain.panes import Verdict
from warroom.domain.principal import CommandContext
from warroom.services import health_alerts
from warroom.services.alerts import ENGINE
from warroom.services.health import Crossing


async def test_the_engine_begins_a_freeze_with_the_incident_that_it_opens(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        conn.execute(
            "insert into warroom.freeze_policy (key, name, min_severity, scope)"
            " values ('any', 'any', 5, 'all')"
        )
    url = f"postgresql://warroom_engine@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="engine")
    standing = Standing(Verdict.BAD, datetime.now(UTC), 10.0)
    crossing = Crossing("db-2", "gone", standing, None, datetime.now(UTC), "db-2 is gone")
    try:
        ctx = CommandContext(ENGINE, "r", "test")
        assert await health_alerts.raise_or_end(db, ctx, crossing) is True
    finally:
        await db.close()
    with pg.connect() as conn:
        found = conn.execute(
            "select f.scope, i.number from warroom.freeze f"
            " join warroom.incident i on i.id = f.incident_id where f.ended_at is null"
        ).fetchall()
        said = conn.execute(
            "select count(*) from warroom.timeline where body like 'changes are frozen%'"
        ).fetchone()
        verdict = conn.execute("select count(problem) from read_v1.audit_verify()").fetchone()
    assert (found, said, verdict) == ([("all", 1)], (1,), (0,))
