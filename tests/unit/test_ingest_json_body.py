"""Bodies that a strict reader refuses, and that nothing but a refusal ever comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.errors import InvalidInput
from warroom.ingest.json_body import MAX_CONTAINERS, MAX_DEPTH, read_json, step


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"", "body", "empty"),
        (b"  \n", "body", "empty"),
        (b"{", "body", "not JSON"),
        (b"[1] trailing", "body", "not JSON"),
        (b"{'a': 1}", "body", "not JSON"),
        (b"\xff\xfe[\x00]\x00", "body", "not UTF-8"),
        ("[]".encode("utf-16-be"), "body", "not JSON"),
        (b"\xef\xbb\xbf[]", "body", "byte order mark"),
        (b'["\xed\xa0\x80"]', "body", "not UTF-8"),
        (b'["\x00"]', "body", "not JSON"),
        (b"[NaN]", "body", "NaN"),
        (b"[-Infinity]", "body", "-Infinity"),
        (b"[1e999]", "body", "1e999"),
        (b'{"a": 1, "b": 2, "a": 1}', "body", '"a" twice'),
        (b'[{"x": {"k": 1, "k": 2}}]', "body", '"k" twice'),
        (b"[" + b"9" * 5_000 + b"]", "body", "5,000 digits"),
        (b"[0." + b"9" * 5_000 + b"]", "body", "digits"),
        (b'{"a": ["x", {"b c": "\\u0000"}]}', 'a[1]["b c"]', "NUL"),
        (b'{"a": "\\ud800"}', "a", "surrogate"),
        (b'[{"\\udfff": 1}]', "[0]", "surrogate"),
        (b'"\\u0000"', "body", "NUL"),
        (b"[" * 50_000, "body", "deep"),
        (b"[" * 50_000 + b"]" * 50_000, "body", "deep"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, None, "deep"),
        (b"[" + b"{}," * MAX_CONTAINERS + b"{}]", "body", "objects and lists"),
        (b"[" + b"1," * 600_000 + b"1]", "body", "values"),
    ],
)
def test_a_bad_body_is_refused_with_its_place(body: bytes, field: str | None, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_json(body)
    assert words in caught.value.message
    assert caught.value.field == field or field is None
    # Whatever is said must be sendable: no lone surrogate may reach the answer.
    str(caught.value).encode("utf-8")
    assert len(str(caught.value)) < 2_000


def test_good_json_comes_through_unchanged() -> None:
    value = {"a": [1, -2.5, True, None, "ünï 🚒 \U0001f692"], "": {"deep": [[]]}}
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_the_depth_limit_is_exact() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(InvalidInput):
        read_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_steps_of_a_path_are_ascii() -> None:
    assert step("labels") == ".labels"
    assert step("a b") == '["a b"]'
    assert step("\x1b\ud800ü").isascii()
    assert len(step("x" * 5_000)) < 100


@given(st.binary(max_size=300))
def test_bytes_give_a_value_or_a_refusal(body: bytes) -> None:
    try:
        read_json(body)
    except InvalidInput as error:
        f"{error.field}: {error}".encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_python_made_json_gives_a_value_or_a_refusal(value: Any) -> None:
    try:
        read_json(json.dumps(value).encode())
    except InvalidInput as error:
        str(error).encode("utf-8")
