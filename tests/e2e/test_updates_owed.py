"""An update that was due is owed until somebody gives it."""

from __future__ import annotations

from tests.e2e.test_engine_clocks import Room, room
from warroom.services import (
    clocks,
    entries,
    incidents,
)

__all__ = ["room"]  # a fixture


async def test_an_update_is_owed_until_it_is_given_or_asked_for_anew(room: Room) -> None:
    """What nobody has given stays on the screen; the bell is that of the running clock alone."""
    room.sql(
        "with t as (insert into warroom.team (key, name) values ('team1', 'team1') returning id),"
        " s as (insert into warroom.service (key, name, team_id, unit)"
        " select 'cart', 'cart', id, 'main' from t returning id)"
        " insert into warroom.incident_service (incident_id, service_id, state, unit, visibility)"
        " select i.id, s.id, 'down', i.unit, i.visibility from warroom.incident i, s"
    )
    room.sql("update warroom.timer set due_at = now() + interval '1 hour'")
    db, ana = room.db, room.ana

    async def give(_version: int) -> object:
        return await entries.log_entry(db, ana, "1", kind="communication", text="told them")

    async def anew(version: int) -> object:
        return await clocks.set_update_due(db, ana, "1", version=version, in_s=900)

    async def stop(version: int) -> object:
        return await clocks.set_update_due(db, ana, "1", version=version, in_s=None)

    async def over(version: int) -> object:
        return await incidents.resolve(db, ana, "1", version=version, note="over")

    for end in (give, anew, stop, over):
        await clocks.set_update_due(room.db, room.ana, "1", version=room.version(), in_s=60)
        assert room.newest().startswith("next update due")
        assert ", from team team1 (set by ana)" in room.newest()
        room.pass_by("update-due")
        before = await room.pictures()
        await room.tick()
        await entries.log_entry(room.db, room.ana, "1", kind="fact", text="is no update")
        board, timers, detail = await room.pictures()
        owed = board.rows[0].owed
        assert owed is not None, end.__name__
        assert owed.target == "team team1"
        assert before[0].rows[0].clock is not None
        assert owed.due_at == before[0].rows[0].clock.due_at
        assert board.rows[0].clock == owed
        row = timers.rows[0]
        assert (row.kind, row.state, row.target) == ("update-due", "fired", "team team1")
        assert row.due_at < timers.read_at
        assert [(r.kind, r.target) for r in before[1].rows] == [
            (r.kind, r.target) for r in timers.rows
        ]
        assert detail.timers[0] == owed
        then = await room.pictures(board.read_at)
        await end(room.version())
        board, timers, detail = await room.pictures()
        assert all(r.owed is None for r in board.rows), end.__name__
        assert "fired" not in {r.state for r in timers.rows}, end.__name__
        assert all(t.due_at > detail.read_at for t in detail.timers), end.__name__
        assert (await room.pictures(then[0].as_of))[0].rows[0].owed == owed, "then it was owed"
        assert (await room.pictures(then[0].as_of))[1].rows[0] == row
