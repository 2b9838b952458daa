"""The quick reader of JSON against the strict one: the same value, the same refusal, or silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.errors import InvalidInput
from warroom.ingest.json_body import MAX_DEPTH, MAX_DIGITS, read_json, read_strictly
from warroom.ingest.json_plain import UNSURE, read_plain

DATA = Path(__file__).parents[1] / "data"

WRITTEN = (
    '"', '":', '" :', '"\\":"', '"\\\\":', '\\"', "\\\\", "\\u0000", "\\u0001", "\\ud800",
    "\\udc00", "\\ud83d\\ude92", "\\uD83D", "\\/", "\\x", "\x00", "\x1f", "\x7f", "\x85", "\u2028",
    "\ufeff", "\ud83d", "ü", "🚒", ":", " :", "\n:", "{", "}", "[", "]", ",", " ", "a", "b",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "-0.0", "0.0", "00", "01", "-", "+1", ".5", "1.", "1.e3", "1e", "1E+2", "1e-7", "-1",
    "1e400", "-1e400", "1e-400", "1e308", "0.1", "3.0", "1e2", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "9007199254740993", "9007199254740993.0", "2.2250738585072011e-308",
    "1" * MAX_DIGITS, "1" * (MAX_DIGITS + 1), "0." + "1" * 98, "0." + "1" * 99, "1." + "0" * 99,
    "0." + "0" * 40 + "1e-50", "1" * 33 + "." + "2" * 33 + "e-" + "0" * 32 + "1", "9" * 19,
    "9" * 20,
)  # fmt: skip
WORDS = ("null", "true", "false", "NaN", "Infinity", "-Infinity", "nul", "True", "''", "")
SPACES = ("", "", "", " ", "  ", "\n", "\r\n", "\t", "\x0b", "\xa0", "\ufeff")

# Few keys, so that many objects have one twice; and what only looks like the end of a key.
KEYS = st.sampled_from(('"a"', '"a"', '"b"', '"\\u0061"', '""', '":"', '":a"', '"a\\\\"', '"a\\""'))
TEXTS = st.lists(st.sampled_from(WRITTEN), max_size=5).map(lambda parts: '"' + "".join(parts) + '"')
SPACE = st.sampled_from(SPACES)
LEAVES = st.one_of(KEYS, TEXTS, st.sampled_from(NUMBERS), st.sampled_from(WORDS))


@st.composite
def pairs(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    around = [draw(SPACE) for _ in range(4)]
    return f"{around[0]}{draw(KEYS)}{around[1]}:{around[2]}{draw(inner)}{around[3]}"


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(pairs(inner), max_size=4).map(lambda found: "{" + ",".join(found) + "}"),
        st.lists(inner, max_size=4).map(lambda found: "[" + ", ".join(found) + "]"),
    )


HOSTILE = st.recursive(LEAVES, containers, max_leaves=12)


def written(text: str) -> bytes:
    """Return the bytes of a text, though half a surrogate pair may stand in it."""
    return text.encode("utf-8", "surrogatepass")


def outcome(read: Any, body: bytes) -> tuple[Any, ...]:
    """Return what came of reading; values by their spelling, where 1, 1.0 and true differ."""
    try:
        value = read(body)
    except InvalidInput as error:
        return ("refused", error.message, error.field, error.remedy)
    return ("read", json.dumps(value), value)


def both_agree(body: bytes) -> None:
    strict = outcome(read_strictly, body)
    if body.strip():  # the empty body is refused before either reader sees it
        assert outcome(read_json, body) == strict
    quick = read_plain(body, MAX_DEPTH)
    if quick is not UNSURE:
        assert outcome(lambda _: quick, body) == strict


@given(HOSTILE)
def test_hostile_json_is_read_alike(text: str) -> None:
    both_agree(written(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"\\u0061":2}',
        '{"a\\\\":1,"a\\\\":2}',
        '{"a\\"":1,"a\\"":2}',
        '{"b":"\\":","b":1}',
        '{"a":{"k":1,"k":2},"b":":"}',
        '[{"a":":"},{"a":1}]',
        '{"":1,"":2}',
        # White space hides the end of one key, so that the other is counted alone...
        *(f'{{"a"{space}:1,"a":2}}' for space in (" ", "  ", "\n", "\r", "\t", " \n", "\n\t")),
        # ... or what only looks like the end of a key is counted in its place.
        *(f'{{"a"{space}:":","a"{space}:":"}}' for space in (" ", "\n", "\r", "\t")),
        *(f'{{"a"{space}:"\\":","a":2}}' for space in (" ", "\n", "\r", "\t")),
    ],
)
def test_what_could_hide_a_key_that_is_there_twice(text: str) -> None:
    both_agree(text.encode())


@given(HOSTILE, st.integers(0, 400), st.binary(max_size=3))
def test_json_with_an_accident_is_read_alike(text: str, at: int, put: bytes) -> None:
    body = written(text)
    both_agree(body[:at] + put + body[at + 1 :])
    both_agree(body[:at])


@given(st.binary(max_size=60))
def test_bytes_are_read_alike(body: bytes) -> None:
    both_agree(body)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", ["{}", "[{}]", '{{"a":{}}}', '[{{"a":[{},"x"]}}]'])
def test_every_number_is_read_alike(number: str, around: str) -> None:
    both_agree(around.format(number).encode())


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 30))
def test_floats_come_out_to_the_last_bit(number: float, places: int) -> None:
    both_agree(f"[{number!r}]".encode())
    both_agree(f"[{number:.{places}e}]".encode())


@pytest.mark.parametrize("deep", range(MAX_DEPTH - 2, MAX_DEPTH + 3))
def test_depth_is_counted_alike(deep: int) -> None:
    both_agree(b"[" * deep + b"]" * deep)
    both_agree(b'{"a":' * deep + b"1" + b"}" * deep)
    both_agree(b'[{"a":' * deep + b"1" + b"}]" * deep)


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("alertmanager_*.json")))
def test_what_senders_send_is_read_quickly(name: str) -> None:
    body = (DATA / name).read_bytes()
    value = read_plain(body, MAX_DEPTH)
    assert value is not UNSURE
    assert value == read_strictly(body)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'[{"labels":{"alertname":"Up"},"startsAt":"2026-11-21T02:40:48.646Z"}]',
        b'[{"labels": {"alertname": "Up"}, "n": [1, -2, 2.5, true, null]}]',
        '{"summary": "ünï \\u003e \\ud83d\\ude92", "query": "up{job=\\"x\\"} == 0"}'.encode(),
        json.dumps({"alerts": [{"labels": {"a": "b"}}] * 3}, indent=2).encode(),
    ],
)
def test_nothing_unusual_is_read_quickly(body: bytes) -> None:
    assert read_plain(body, MAX_DEPTH) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'[{"x": {"k": 1, "k": 1}}]',
        b'["\\u0000"]',
        b'["\\ud800"]',
        b"[18446744073709551616]",
        b"[1e999]",
        b"[0." + b"9" * 5_000 + b"]",
        b"\xef\xbb\xbf[]",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    ],
)
def test_the_unusual_is_left_to_the_strict_reader(body: bytes) -> None:
    assert read_plain(body, MAX_DEPTH) is UNSURE
