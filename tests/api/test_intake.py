"""Bodies that are committed before their alerts are worked out: nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from tests.api.test_batcher_shutdown import LOCK, Bench, bench, empty
from tests.api.test_doors import alert, source, webhook
from tests.api.test_hardening import delivery
from tests.helpers import wait_until
from warroom.api.batcher import Batcher
from warroom.api.kept_bodies import TRIES
from warroom.domain.principal import CommandContext
from warroom.errors import InvalidInput
from warroom.services import intake
from warroom.services.alerts import INGEST
from warroom.services.delivery import Delivery, DeliveryResult
from warroom.services.token_proof import Proof, Unproven

__all__ = ["bench"]
OWN = CommandContext(INGEST, "test", "test")


@pytest.fixture(autouse=True)
def one_is_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while anything is being stored need not wait."""
    monkeypatch.setattr("warroom.api.lanes.CROWD", 1)


def coming(bench: Bench, name: str) -> Delivery:
    return replace(delivery(bench.origin, name), read_at=datetime.now(UTC))


def waiting(bench: Bench) -> list[UUID]:
    return [i for (i,) in bench.conn.execute("select id from warroom.intake order by id")]


async def none_waits(bench: Bench) -> None:
    await wait_until(lambda: not waiting(bench), what="the alerts that wait")


async def busy(bench: Bench) -> tuple[Batcher, asyncio.Future[DeliveryResult]]:
    """Return a batcher whose batch under way does not end before the test says so."""
    made = bench.batcher(batch_max=10)
    bench.hold(in_commit=False)
    made.start()
    first = asyncio.ensure_future(made.put(coming(bench, "Slow"), may_wait=True))
    await bench.held()
    return made, first


def let_go(bench: Bench) -> None:
    bench.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))


async def test_whoever_comes_while_others_are_stored_is_answered_at_once(bench: Bench) -> None:
    made, first = await busy(bench)
    taken = await made.put(coming(bench, "Quick"), may_wait=True)
    assert (taken.alerts, taken.new, taken.incidents) == (1, None, ())
    assert waiting(bench) == [taken.delivery_id]
    assert bench.stored() == []
    let_go(bench)
    assert (await first).new == 1
    await none_waits(bench)
    assert bench.stored() == ["Quick", "Slow"]
    await made.close()
    assert empty(made)
    assert not made.kept
    # The body stands in the stream under the id that its sender was told, as of when it came.
    row = bench.conn.execute(
        "select d.state, d.received_at < a.last_seen_at from warroom.delivery d"
        " join warroom.alert_event e on e.delivery_id = d.id"
        " join warroom.alert a on a.id = e.alert_id where d.id = %s",
        (taken.delivery_id,),
    ).fetchone()
    assert row == ("accepted", True)


async def test_an_idle_lane_answers_with_what_became_of_the_alerts(bench: Bench) -> None:
    made = bench.batcher()
    made.start()
    assert (await made.put(coming(bench, "Alone"), may_wait=True)).new == 1
    await made.close()


async def test_the_record_of_what_waited_verifies(bench: Bench) -> None:
    made, first = await busy(bench)
    await made.put(coming(bench, "Quick"), may_wait=True)
    let_go(bench)
    await first
    await none_waits(bench)
    await made.close()
    said = bench.conn.execute(
        "select command, op from warroom.audit where table_name = 'intake' order by n"
    ).fetchall()
    assert said == [("alerts.keep", "INSERT"), ("alerts.take", "DELETE")]
    wrong = "select count(*) from read_v1.audit_verify() where problem is not null"
    assert bench.conn.execute(wrong).fetchone() == (0,)
    # Whoever takes one away by hand is found out.
    kept = await intake.keep(bench.db, OWN, [coming(bench, "Stolen")])
    bench.conn.execute("alter table warroom.intake disable trigger all")
    bench.conn.execute("delete from warroom.intake where id = %s", (kept[0],))
    bench.conn.execute("alter table warroom.intake enable trigger all")
    assert bench.conn.execute(wrong).fetchone() == (1,)


async def test_where_much_waits_already_senders_wait_as_well(bench: Bench) -> None:
    """Half of the room is for bodies that are kept: nobody is refused before being held back."""
    made, first = await busy(bench)
    for n in range(49):
        await made.put(coming(bench, f"K{n}"), may_wait=True)
    late = asyncio.ensure_future(made.put(coming(bench, "Late"), may_wait=True))
    await asyncio.sleep(0)
    assert made.waiting == 51
    assert len(waiting(bench)) == 49
    let_go(bench)
    assert (await late).new == 1
    await first
    await none_waits(bench)
    await made.close()
    assert len(bench.stored()) == 51
    assert empty(made)


async def test_a_token_that_is_not_what_it_was_keeps_nothing(bench: Bench) -> None:
    made, first = await busy(bench)
    stale = Proof(hashlib.sha256(b"gone").digest(), ())
    wrong = asyncio.ensure_future(
        made.put(replace(coming(bench, "Wrong"), proof=stale), may_wait=True)
    )
    right = asyncio.ensure_future(made.put(coming(bench, "Right"), may_wait=True))
    with pytest.raises(Unproven):
        await wrong
    assert (await right).new is None
    assert len(waiting(bench)) == 1
    let_go(bench)
    await first
    await none_waits(bench)
    await made.close()
    assert bench.stored() == ["Right", "Slow"]
    assert empty(made)


async def test_what_cannot_be_worked_out_goes_into_quarantine_and_takes_nobody_along(
    bench: Bench,
) -> None:
    made, first = await busy(bench)
    bad = delivery(bench.origin, "Bad", "a\x00b")  # the database refuses NUL
    taken = await made.put(replace(bad, read_at=datetime.now(UTC)), may_wait=True)
    await made.put(coming(bench, "Good"), may_wait=True)
    let_go(bench)
    await first
    await none_waits(bench)
    await wait_until(lambda: not made.kept, what="both to be settled")
    await made.close()
    assert bench.stored() == ["Good", "Slow"]
    row = bench.conn.execute(
        "select state, error <> '', dialect from warroom.delivery where id = %s",
        (taken.delivery_id,),
    ).fetchone()
    assert row == ("quarantined", True, "alertmanager")
    assert empty(made)


async def test_one_that_the_database_could_not_take_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warroom.api.kept_bodies.AGAIN_S", 0.01)
    bench.conn.execute(
        "create function public.fail_twice() returns trigger language plpgsql as $$ begin"
        " if nextval('public.tries') < 3 then raise exception 'not now' using errcode = '55P03';"
        " end if; return null; end $$"
    )
    bench.conn.execute("create sequence public.tries")
    bench.conn.execute("grant usage on sequence public.tries to public")
    bench.conn.execute(
        "create trigger twice after insert on warroom.alert for each row"
        " when (new.name = 'Patient') execute function public.fail_twice()"
    )
    made, first = await busy(bench)
    await made.put(coming(bench, "Patient"), may_wait=True)
    let_go(bench)
    await first
    await none_waits(bench)
    await made.close()
    assert bench.stored() == ["Patient", "Slow"]
    assert bench.conn.execute("select last_value from public.tries").fetchone() == (3,)
    assert empty(made)


async def test_one_that_always_fails_takes_nobody_along(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed beside it is stored in smaller batches; its sender was told 2xx, too."""
    monkeypatch.setattr("warroom.api.kept_bodies.AGAIN_S", 0.01)
    bench.conn.execute(
        "create function public.too_long() returns trigger language plpgsql as $$ begin"
        " raise exception 'too long' using errcode = '57014'; end $$"
    )
    bench.conn.execute(
        "create trigger too_long after insert on warroom.alert for each row"
        " when (new.name = 'Poison') execute function public.too_long()"
    )
    made, first = await busy(bench)
    for name in ("Poison", "A", "B", "C", "D", "E"):
        await made.put(coming(bench, name), may_wait=True)
    let_go(bench)
    await first
    await wait_until(lambda: len(waiting(bench)) == 1, what="the others to be stored")
    assert bench.stored() == ["A", "B", "C", "D", "E", "Slow"]
    assert made.waiting == 1  # it counts in its pauses, too
    # In a thread: what is being tried just now holds the table, and needs this one to go on.
    await asyncio.to_thread(bench.conn.execute, "drop trigger too_long on warroom.alert")
    await none_waits(bench)
    await made.close()
    assert empty(made)


async def test_one_of_which_nobody_knows_why_is_tried_before_it_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warroom.api.kept_bodies.AGAIN_S", 0.01)
    bench.conn.execute("create sequence public.tries")
    bench.conn.execute("grant usage on sequence public.tries to public")
    bench.conn.execute(
        "create function public.odd() returns trigger language plpgsql as $$ begin"
        " perform nextval('public.tries'); raise exception 'odd' using errcode = '0A000'; end $$"
    )
    bench.conn.execute(
        "create trigger odd after insert on warroom.alert for each row"
        " when (new.name = 'Odd') execute function public.odd()"
    )
    made, first = await busy(bench)
    await made.put(coming(bench, "Odd"), may_wait=True)
    let_go(bench)
    await first
    await none_waits(bench)
    await wait_until(lambda: not made.kept, what="it to be settled")
    await made.close()
    assert bench.conn.execute("select last_value from public.tries").fetchone() == (TRIES,)
    assert bench.conn.execute(
        "select count(*) from warroom.delivery where state = 'quarantined'"
    ).fetchone() == (1,)
    assert empty(made)


async def test_two_who_give_up_the_same_do_it_once(bench: Bench) -> None:
    for n in range(5):
        (kept,) = await intake.keep(bench.db, OWN, [coming(bench, f"A{n}")])
        wrong = InvalidInput("Nobody can read it.", field="body")
        await asyncio.gather(*(intake.refuse(bench.db, OWN, kept, wrong) for _ in range(4)))
    assert waiting(bench) == []
    assert bench.conn.execute("select count(*) from warroom.delivery").fetchone() == (5,)


async def test_an_end_that_names_no_episode_does_not_wait(bench: Bench) -> None:
    """Behind a later message it would end what that began."""
    token = await source(bench.api, "busy")
    bench.hold(in_commit=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=bench.api.url, headers=headers, timeout=60) as http:

        def post(name: str, **more: str) -> Awaitable[httpx.Response]:
            return http.post("/api/v2/alerts", json=[{"labels": {"alertname": name}} | more])

        slow = asyncio.ensure_future(post("Slow"))
        await bench.held()
        over = asyncio.ensure_future(post("Over", endsAt="2026-01-01T00:00:00Z"))
        assert (await post("Quick")).json()["new"] is None
        assert not over.done()
        let_go(bench)
        assert (await slow).json()["new"] == 1
        assert (await over).json()["new"] == 1
    await none_waits(bench)


async def test_a_stop_while_a_body_is_being_kept_waits_for_it(bench: Bench) -> None:
    made, first = await busy(bench)
    coming_in = asyncio.ensure_future(made.put(coming(bench, "Last"), may_wait=True))
    await asyncio.sleep(0)
    let_go(bench)
    await made.close()
    assert (await first).new == 1
    assert (await coming_in).new is None
    assert waiting(bench) == []
    assert bench.stored() == ["Last", "Slow"]
    assert empty(made)
    assert not made.kept


async def test_two_who_work_out_the_same_store_it_once(bench: Bench) -> None:
    kept = await intake.keep(bench.db, OWN, [coming(bench, f"A{n}") for n in range(20)])
    one, two = bench.batcher(batch_max=3), bench.batcher(batch_max=7)
    settled = [
        made.adopt(replace(coming(bench, f"A{n}"), kept=k))
        for made in (one, two)
        for n, k in enumerate(kept)
    ]
    one.start()
    two.start()
    await asyncio.gather(*settled)
    # What one has given up, because the other was at it, the other has stored.
    await none_waits(bench)
    await one.close()
    await two.close()
    assert len(bench.stored()) == 20
    assert bench.conn.execute("select sum(count) from warroom.alert").fetchone() == (20,)
    assert empty(one)
    assert empty(two)


async def test_what_a_stopped_process_leaves_is_kept(bench: Bench) -> None:
    made, first = await busy(bench)
    taken = await made.put(coming(bench, "Left"), may_wait=True)
    assert made.cancel()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - unknown, which is another test's
        await first
    await made.close()
    assert waiting(bench) == [taken.delivery_id]
    assert empty(made)
    assert not made.kept


async def test_a_door_tells_a_busy_sender_that_its_alerts_wait(bench: Bench) -> None:
    api = bench.api
    token = await source(api, "busy")
    bench.hold(in_commit=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60) as http:

        def post(name: str) -> Awaitable[httpx.Response]:
            return http.post("/v1/ingest/alertmanager", json=webhook(alert(name, "shop")))

        slow = asyncio.ensure_future(post("Slow"))
        await bench.held()
        told = await post("Quick")
        assert told.status_code == 200
        assert told.json() | {"delivery": ""} == {
            "delivery": "", "alerts": 1, "new": None, "incidents": []
        }  # fmt: skip
        let_go(bench)
        assert (await slow).json()["new"] == 1
    await none_waits(bench)
    assert bench.stored() == ["Quick", "Slow"]
