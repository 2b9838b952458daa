"""One lane's queue: whoever waits for an answer goes first; counts are what is there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from warroom.api.lanes import LaneQueue, Waiting, count
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


def named(names: str) -> list[Waiting]:
    return [waiting(replace(delivery(0, 1), request_id=name)) for name in names]


def taken(queue: LaneQueue, batch_max: int) -> str:
    return "".join(one.request_id for one, _ in queue.take(batch_max))


def test_those_who_wait_for_an_answer_go_first_with_half_of_each_batch() -> None:
    queue = LaneQueue(100, 100)
    for one in named("abcdef"):
        queue.again(one)
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
        queue.again(one)
    assert taken(queue, 10) == "abc"
    for one in named("abc"):
        queue.put(one)
    assert taken(queue, 10) == "abc"


def test_what_is_only_expected_cannot_be_taken() -> None:
    queue = LaneQueue(100, 100)
    queue.expect(delivery(0, 1))
    assert not queue
    assert not queue.enough
    assert queue.take(10) == []
    assert queue.alerts == 1


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
            queue.again(there[-1])
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
        assert queue.idle.is_set() == (not everything)
        assert bool(queue) == bool(there)
    for batch in in_hand:
        queue.done(batch)
    for one in coming:
        queue.missed(one)
    assert len(queue.empty()) == len(there)
    assert (queue.alerts, queue.bytes) == (0, 0)
