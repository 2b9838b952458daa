"""One lane's queue: whoever waits for an answer goes first; counts are what is there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.api.lanes import CROWD, CROWD_ALERTS, LaneQueue, Waiting, count
from warroom.domain.alert import IncomingAlert
from warroom.errors import Overloaded
from warroom.services.delivery import Delivery

SOURCES = (UUID(int=1), UUID(int=2))


def delivery(source: int, size: int) -> Delivery:
    return Delivery(SOURCES[source], UUID(int=9), "alertmanager", "", b"x" * size, ())


def waiting(one: Delivery) -> Waiting:
    loop = asyncio.new_event_loop()
    try:
        return one, loop.create_future()
    finally:
        loop.close()


def again(queue: LaneQueue, one: Waiting) -> None:
    queue.hold(one[0])
    queue.came(one)


def named(names: str) -> list[Waiting]:
    return [waiting(replace(delivery(0, 1), request_id=name)) for name in names]


def taken(queue: LaneQueue, batch_max: int) -> str:
    return "".join(one.request_id for one, _ in queue.take(batch_max))


def test_those_who_wait_for_an_answer_go_first_with_half_of_each_batch() -> None:
    queue = LaneQueue(100, 100)
    for one in named("abcdef"):
        again(queue, one)
    for one in named("UVWXYZ"):
        queue.put(one)
    assert taken(queue, 4) == "UVab"
    assert taken(queue, 4) == "WXcd"
    assert taken(queue, 2) == "Ye"
    assert taken(queue, 10) == "Zf"
    assert not queue


def test_one_alone_takes_a_whole_batch() -> None:
    queue = LaneQueue(100, 100)
    for one in named("abc"):
        again(queue, one)
    assert taken(queue, 10) == "abc"
    for one in named("abc"):
        queue.put(one)
    assert taken(queue, 10) == "abc"


def test_a_large_one_that_waits_comes_first_now_and_then() -> None:
    """It does not fit behind those that wait for an answer, of which there are always some."""
    queue = LaneQueue(1000, 1000)
    big = replace(delivery(0, 1), alerts=(cast(IncomingAlert, None),) * 64)
    again(queue, waiting(big))
    for _ in range(3):
        queue.put(waiting(delivery(0, 1)))
        batch = queue.take(50)
        queue.done(batch)
        if any(one is big for one, _ in batch):
            break
    else:
        raise AssertionError("it was passed over each time")


def test_what_is_only_expected_cannot_be_taken() -> None:
    queue = LaneQueue(100, 100)
    queue.expect(delivery(0, 1))
    assert not queue
    assert not queue.enough
    assert queue.take(10) == []
    assert queue.alerts == 1


def test_behind_a_few_senders_wait_for_their_turn() -> None:
    queue = LaneQueue(1000, 1000)
    for _ in range(CROWD):
        assert not queue.lets_wait(delivery(0, 1))
        queue.put(waiting(delivery(0, 1)))
    assert queue.lets_wait(delivery(0, 1))
    queue.done(queue.take(1))
    assert not queue.lets_wait(delivery(0, 1))
    many = replace(delivery(0, 1), alerts=(cast(IncomingAlert, None),) * CROWD_ALERTS)
    queue.put(waiting(many))
    queue.done(queue.take(CROWD - 1))
    assert queue.lets_wait(delivery(0, 1))


def test_a_source_may_leave_its_part_of_half_the_room_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("warroom.api.lanes.CROWD", 1)
    queue = LaneQueue(16, 1000)
    assert not queue.lets_wait(delivery(0, 1))  # nothing is being stored: it goes at once
    queue.put(waiting(delivery(0, 1)))
    for _ in range(7):
        assert queue.lets_wait(delivery(0, 1))
        again(queue, waiting(delivery(0, 1)))
    assert not queue.lets_wait(delivery(0, 1))
    assert not queue.lets_wait(delivery(1, 1))
    queue.done(queue.take(5))
    queue.put(waiting(delivery(1, 1)))
    assert queue.lets_wait(delivery(1, 1))
    assert queue.lets_wait(delivery(0, 1))
    again(queue, waiting(delivery(0, 1)))
    assert not queue.lets_wait(delivery(0, 1))  # two want room: four each
    assert queue.lets_wait(delivery(1, 1))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "expect", "came", "missed", "again", "take", "done", "drop"]),
        st.integers(0, 1),
        st.integers(0, 5),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 6), st.integers(1, 20))
def test_counts_are_what_is_there(
    steps: list[tuple[str, int, int]], queue_max: int, bytes_max: int
) -> None:
    queue = LaneQueue(queue_max, bytes_max)
    coming: list[Delivery] = []
    there: list[Waiting] = []
    asked: list[Waiting] = []
    in_hand: list[list[Waiting]] = []
    for step, source, size in steps:
        one = delivery(source, size)
        try:
            if step == "put":
                asked.append(waiting(one))
                there.append(asked[-1])
                queue.put(asked[-1])
            elif step == "expect":
                coming.append(one)
                queue.expect(one)
        except Overloaded:
            if step == "put":
                asked.pop()
                there.pop()
            else:
                coming.pop()
        if step == "came" and coming:
            there.append(waiting(coming.pop()))
            queue.came(there[-1])
        elif step == "missed" and coming:
            queue.missed(coming.pop())
        elif step == "again":
            there.append(waiting(one))
            again(queue, there[-1])
        elif step == "take":
            in_hand.append(queue.take(3))
            # One delivery alone may be larger than a batch; several may not.
            assert len(in_hand[-1]) <= 3
            there = [w for w in there if all(w[1] is not t[1] for t in in_hand[-1])]
            asked = [w for w in asked if all(w[1] is not t[1] for t in in_hand[-1])]
        elif step == "done" and in_hand:
            queue.done(in_hand.pop())
        elif step == "drop" and asked:
            gone = asked.pop()
            there = [w for w in there if w[1] is not gone[1]]
            assert queue.drop(gone)
        everything = [*coming, *(d for d, _ in there), *(d for b in in_hand for d, _ in b)]
        assert queue.alerts == sum(map(count, everything))
        assert queue.bytes == sum(len(d.body) for d in everything)
        assert queue.idle.is_set() == (len(everything) == len(coming))
        assert queue.coming == bool(coming)
        assert bool(queue) == bool(there)
    for batch in in_hand:
        queue.done(batch)
    for one in coming:
        queue.missed(one)
    assert len(queue.empty()) == len(there)
    assert (queue.alerts, queue.bytes) == (0, 0)
