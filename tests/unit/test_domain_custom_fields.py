"""The registry's rules: what a definition may say, and what a value must be."""

from __future__ import annotations

from typing import Any

import pytest

from warroom.domain.custom_fields import (
    FieldDefinition,
    FieldType,
    check_value,
    define,
    not_of_pattern,
)
from warroom.errors import InvalidInput


def test_a_definition_of_each_type() -> None:
    assert define(" brand ", " Brand ", "choice", choices=["a", "b"], required=True) == (
        FieldDefinition("brand", "Brand", FieldType.CHOICE, ("a", "b"), True)
    )
    text = define("t", "T", "text", max_length=10, pattern="[A-Z]+")
    assert (text.max_length, text.pattern) == (10, "[A-Z]+")
    for kind in ("number", "boolean", "date"):
        assert define("n_1", "N", kind).type.value == kind


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": "Brand"}, "key"),
        ({"key": "1st"}, "key"),
        ({"key": "a-b"}, "key"),
        ({"key": "a" * 64}, "key"),
        ({"label": " "}, "label"),
        ({"label": "a\0b"}, "label"),
        ({"kind": "email"}, "type"),
        ({"kind": "choice"}, "choices"),
        ({"kind": "choice", "choices": ["a", "a"]}, "choices"),
        ({"kind": "choice", "choices": ["a", " "]}, "choices"),
        ({"kind": "choice", "choices": ["a"] * 101}, "choices"),
        ({"choices": ["a"]}, "choices"),
        ({"max_length": 0}, "max_length"),
        ({"max_length": 2001}, "max_length"),
        ({"kind": "number", "max_length": 5}, "max_length"),
        ({"kind": "date", "pattern": "x"}, "pattern"),
        ({"pattern": ""}, "pattern"),
        ({"pattern": "x" * 201}, "pattern"),
        ({"pattern": r"(a)\1"}, "pattern"),
        ({"pattern": r"\\\1"}, "pattern"),
    ],
)
def test_a_definition_that_cannot_be_is_named(changes: dict[str, Any], field: str) -> None:
    given: dict[str, Any] = {"key": "k", "label": "K", "kind": "text"} | changes
    with pytest.raises(InvalidInput) as caught:
        define(given.pop("key"), given.pop("label"), given.pop("kind"), **given)
    assert caught.value.field == field


def test_an_escaped_backslash_before_a_digit_is_no_back_reference() -> None:
    assert define("k", "K", "text", pattern=r"C:\\1").pattern == r"C:\\1"


def test_a_text_keeps_to_its_length_and_names_its_pattern() -> None:
    short = define("k", "K", "text", max_length=3, pattern="[a-z]+")
    assert check_value(short, " abc ") == "abc"
    with pytest.raises(InvalidInput, match="the most is 3") as caught:
        check_value(short, "abcd")
    assert caught.value.field == "custom.k"
    assert "[a-z]+" in not_of_pattern(short).message
    with pytest.raises(InvalidInput, match="required"):
        check_value(define("k", "K", "text", required=True), None)
