"""Escalation policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.escalation import Step, Target, TargetKind, new_policy
from warroom.domain.principal import CommandContext, Scope
from warroom.services.access import require
from warroom.services.directory.common import Json, check_key, insert, listing


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    name: object,
    steps: Sequence[Mapping[str, Any]],
    repeat: int = 0,
) -> Answer:
    """Make an escalation policy; ``steps`` are ``{delay_s, target_kind, target}`` in order."""
    require(ctx, Scope.ADMIN)
    policy = new_policy(
        check_key(key), name,
        [Step(i + 1, s["delay_s"], Target(TargetKind(s["target_kind"]), s["target"]))
         for i, s in enumerate(steps)],
        repeat,
    )  # fmt: skip
    body = {"key": policy.key, "name": policy.name, "repeat": repeat, "steps": list(steps)}

    async def handler(work: Work) -> Answer:
        found = await insert(
            work, tables.escalation_policy,
            {"key": policy.key, "name": policy.name, "repeat_count": policy.repeat},
            f"The policy {policy.key!r}",
        )  # fmt: skip
        for step in policy.steps:
            await insert(
                work, tables.escalation_step,
                {"policy_id": found, "step": step.number, "delay_s": step.delay_s,
                 "target_kind": step.target.kind.value, "target": step.target.name},
                "The step",
            )  # fmt: skip
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "policy.add", body, handler)


_LIST = (
    "select p.id, p.key, p.name, p.repeat_count, (select count(*) from"
    " warroom.escalation_step x where x.policy_id = p.id) as steps"
    " from warroom.escalation_policy p where p.key > :after order by p.key limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the policies behind the key ``after``, with the number of their steps."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)
