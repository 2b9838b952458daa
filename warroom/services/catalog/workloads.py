"""Short-lived workloads: they register with a time to live, renew it, and go when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation, run_command
from warroom.domain.catalogue import check_attribute
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, Refused
from warroom.services.access import require
from warroom.services.directory.common import id_of, insert

SHORTEST_S: Final = 30
LONGEST_S: Final = 30 * 86_400
SOURCE: Final = "register"
DEADLINE_S: Final = 30.0
_ATTRIBUTES: Final = ("name", "kind", "tier", "region", "zone", "host", "system")


async def register(db: Database, ctx: CommandContext, values: Mapping[str, Any]) -> Answer:
    """Make a short-lived service, or renew it.

    ``values``: key, ttl_s, and what it is where that is said: name, kind (job), tier, team,
    region, zone, host, system, depends_on (keys).

    Raises:
        Refused: a service of that key lives without end.
    """
    require(ctx, Scope.RESPOND)
    key = check_text(values.get("key"), "key", longest=200, shortest=1)
    ttl = values.get("ttl_s")
    if not isinstance(ttl, int) or not SHORTEST_S <= ttl <= LONGEST_S:
        raise InvalidInput(f"ttl_s must be from {SHORTEST_S} to {LONGEST_S} seconds.",
                           field="ttl_s")  # fmt: skip
    said = {n: check_attribute(n, values.get(n)) for n in _ATTRIBUTES}
    said = {n: v for n, v in said.items() if v is not None}
    needs = sorted(set(values.get("depends_on") or ()) - {key})

    async def handler(work: Work) -> Answer:
        if values.get("team"):
            said["team_id"] = await id_of(work, tables.team, values["team"], "team")
        service = tables.service
        there = await work.row(
            sa.select(service).where(service.c.key == key).with_for_update(key_share=True)
        )
        now = await work.scalar("select now()")
        ends = await work.scalar("select now() + make_interval(secs => :ttl)", {"ttl": ttl})
        if there is None:
            team = said.get("team_id") or await id_of(work, tables.team, "unassigned", "team")
            columns = {"name": key, "kind": "job", "tier": 3} | said | {
                "key": key, "team_id": team, "expires_at": ends, "catalog_source": SOURCE,
            }  # fmt: skip
            row_id = await insert(work, service, columns, f"The service {key!r}")
        elif there["expires_at"] is None and not there["provisional"]:
            raise Refused(
                f"{key} lives without end; it cannot be registered for a while.",
                rule="short-lived",
            )
        else:
            row_id = there["id"]
            changes = {n: v for n, v in said.items() if v != there[n]}
            left = (there["expires_at"] - now).total_seconds() if there["expires_at"] else 0.0
            # Renewed every few seconds it would fill the history: a tenth of the time is enough.
            if changes or abs(ttl - left) > ttl / 10:
                await work.execute(
                    sa.update(service).where(service.c.id == row_id).values(
                        **changes, expires_at=ends, provisional=False,
                        version=service.c.version + 1,
                    )
                )  # fmt: skip
            else:
                ends = there["expires_at"]
        for needed in needs:
            target = await id_of(work, tables.service, needed, "depends_on")
            await work.execute(
                "insert into warroom.dependency (service_id, depends_on_id, catalog_source)"
                " values (:service, :needs, :source) on conflict do nothing",
                {"service": row_id, "needs": target, "source": SOURCE},
            )
        return Answer(200, {"id": str(row_id), "key": key, "expires_at": ends.isoformat()})

    return await run_command(db, ctx, "catalog.register", dict(values), handler)


async def forget_expired(db: Database, ctx: CommandContext) -> str:
    """Remove workloads whose time is over; those that something names stay; return the sentence."""
    gone = kept = 0

    async def handler(work: Work) -> Answer:
        nonlocal gone, kept
        expired = [
            r["id"] for r in await work.rows(
                "select id from warroom.service where expires_at < now()"
                " order by id limit 5000 for update skip locked"
            )
        ]  # fmt: skip
        named: set[Any] = set()
        if expired:
            rows = await work.rows(
                "select u as id from warroom.services_in_use(cast(:ids as uuid[])) u",
                {"ids": expired},
            )
            named = {r["id"] for r in rows}
        leaving = [i for i in expired if i not in named]
        kept = len(expired) - len(leaving)
        if leaving:
            await work.execute(
                "delete from warroom.dependency where service_id = any(cast(:ids as uuid[]))"
                " or depends_on_id = any(cast(:ids as uuid[]))",
                {"ids": leaving},
            )
            gone = await work.execute(
                "delete from warroom.service where id = any(cast(:ids as uuid[]))",
                {"ids": leaving},
            )
        return Answer(200, {})

    await run_automation(db, ctx, "catalog.expire", handler, deadline_s=DEADLINE_S)
    stay = f"; {kept} stay because something names them" if kept else ""
    return f"removed {gone} expired workloads{stay}" if gone or kept else "no workload has expired"
