"""Streams of alerts are cut by what they hold, and a wrong line is named by its number."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime

import pytest

from warroom.errors import InvalidInput, PayloadTooLarge
from warroom.ingest import ndjson
from warroom.ingest.common import IngestOptions
from warroom.ingest.gunzip import PIECE_BYTES, Gunzip

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def line(number: int, **more: object) -> bytes:
    return json.dumps({"labels": {"alertname": f"A{number}"}, **more}).encode()


def cut(data: bytes, every: int, behind: int = 0) -> list[ndjson.Part]:
    cutter = ndjson.Cutter(line=behind)
    parts = [
        part
        for begin in range(0, len(data), every)
        for part in cutter.feed(data[begin : begin + every])
    ]
    return parts + cutter.end()


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_however_it_arrives_the_parts_are_the_same(ending: bytes) -> None:
    data = b"\n".join(line(n) for n in range(1, 1202)) + ending
    parts = cut(data, 1 << 16)
    assert [(p.first, p.last) for p in parts] == [(1, 500), (501, 1000), (1001, 1201)]
    assert cut(data, 7) == parts
    rest = data.split(b"\n", 500)[500]
    assert cut(rest, 999, behind=500) == parts[1:]


def test_a_part_is_bounded_by_bytes_too() -> None:
    long = line(1, annotations={"description": "x" * 200_000})
    parts = cut(b"\n".join([long] * 12), 50_000)
    assert [(p.first, p.last) for p in parts] == [(1, 5), (6, 10), (11, 12)]


def test_a_line_without_end_is_refused_before_it_is_kept() -> None:
    cutter = ndjson.Cutter()
    with pytest.raises(PayloadTooLarge, match="Line 2 is over"):
        cutter.feed(line(1) + b"\n" + b"x" * (ndjson.LINE_BYTES + 1))


def test_blank_lines_count_and_say_nothing() -> None:
    (part,) = cut(b"\n" + line(1) + b"\n \n" + line(2) + b"\r\n", 10)
    assert (part.first, part.last) == (1, 4)
    found = ndjson.parse(part, IngestOptions(), NOW)
    assert [alert.name for alert in found] == ["A1", "A2"]


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        (b"{", "line 12", "Line 12: The body is not JSON"),
        (line(1) + b"," + line(2), "line 12", "Line 12 holds 2 alerts"),
        (line(1) + b"],[" + line(2), "line 12", "Line 12: The body is not JSON"),
        (line(1, endsAt="soon"), "line 12.endsAt", "Line 12: endsAt must be a time"),
        (b'{"labels": {}}', "line 12.labels", "Line 12: labels must be"),
        (b"17", "line 12", "Line 12: "),
    ],
)
def test_a_wrong_line_is_named(wrong: bytes, field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ndjson.parse(ndjson.Part(11, 12, line(0) + b"\n" + wrong), IngestOptions(), NOW)
    assert caught.value.field == field
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES])
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_a_gzip_stream_comes_out_whole_in_small_pieces(size: int, step: int) -> None:
    plain = random.Random(size).randbytes(size // 64) * 64
    packed = gzip.compress(plain)
    gunzip = Gunzip()
    pieces = [p for at in range(0, len(packed), step) for p in gunzip.feed(packed[at : at + step])]
    gunzip.end()
    assert b"".join(pieces) == plain
    assert all(0 < len(p) <= PIECE_BYTES for p in pieces)


def test_no_more_of_a_bomb_is_unpacked_than_is_looked_at() -> None:
    pieces: list[int] = []
    bomb = gzip.compress(b"\n" * (256 << 20))
    with pytest.raises(PayloadTooLarge):
        pieces.extend(len(piece) for piece in Gunzip().feed(bomb))
    assert sum(pieces) <= len(bomb) * 100
