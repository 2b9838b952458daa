"""The registry of custom fields over HTTP and from the command line, on a real database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.errors import AlreadyExists, Forbidden, InvalidInput

TICKET = {"key": "ticket", "label": "Ticket", "type": "text", "max_length": 12,
          "pattern": "[A-Z]+-[0-9]+", "required": True}  # fmt: skip


async def test_a_defined_field_is_listed_and_holds_only_its_kind(api: Api) -> None:
    client = api.client()
    made = await client.add("fields", TICKET)
    brand = {"key": "brand", "label": "Brand", "type": "choice", "choices": ["north", "south"]}
    await client.add("fields", brand)
    listed = (await client.list_of("fields"))["items"]
    assert [f["key"] for f in listed] == ["brand", "ticket"]
    assert listed[0]["choices"] == ["north", "south"]
    assert listed[1] == made | {"choices": []}
    ref = (await client.declare("x", 1))["ref"]
    assert (await client.set_field(ref, 1, "ticket", "OPS-12"))["custom"] == {"ticket": "OPS-12"}
    for value, said in (
        ("OPS-12x", "of the form"), ("x OPS-12", "of the form"), ("OPS-1\nOPS-2", "of the form"),
        ("OPS-123456789", "the most is 12"), (12, "must be a text"), (None, "required"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=said) as caught:
            await client.set_field(ref, 2, "ticket", value)
        assert caught.value.field == "custom.ticket"
    assert (await client.incident(ref))["custom"] == {"ticket": "OPS-12"}
    assert (await client.verify_audit())["verified"] is True
    assert api.count("audit", "command = 'field.add' and table_name = 'field_definition'") == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": "T"}, "key"),
        ({"type": "number"}, "max_length"),
        ({"choices": ["a"]}, "choices"),
        ({"pattern": "("}, "pattern"),
        ({"pattern": "a)|(b"}, "pattern"),
        ({"pattern": "(?i)ops"}, "pattern"),
        ({"pattern": "***=ops"}, "pattern"),
        ({"pattern": "[b-a]"}, "pattern"),
        ({"pattern": r"(a)\1"}, "pattern"),
        ({"pattern": "a{1000}"}, "pattern"),
        ({"noun": "service"}, "noun"),
    ],
)
async def test_a_definition_that_cannot_be_used_is_named(
    api18: Api, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await api18.client().add("fields", TICKET | changes)
    assert caught.value.field == field
    assert api18.count("field_definition") == 0


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("(x+x+)+y", "x" * 2000, False),  # hours for an engine that goes back and tries again
        ("(a*)*b", "a" * 2000, False),
        (r"\d{4}-\d{2}", "2026-11", True),
    ],
)
async def test_a_pattern_is_of_the_whole_and_keeps_nobody_busy(
    api18: Api, pattern: str, value: str, fits: bool
) -> None:
    client = api18.client()
    await client.add("fields", {"key": "k", "label": "K", "type": "text", "pattern": pattern})
    ref = (await client.declare("x", 1))["ref"]
    if fits:
        assert (await client.set_field(ref, 1, "k", value))["custom"] == {"k": value}
        return
    with pytest.raises(InvalidInput, match="of the form"):
        await client.set_field(ref, 1, "k", value)


async def test_only_administrators_define_and_a_key_is_taken_once(api18: Api) -> None:
    with pytest.raises(Forbidden):
        await api18.client(api18.token("luc", "respond")).add("fields", TICKET)
    await api18.client().add("fields", TICKET)
    with pytest.raises(AlreadyExists, match="'ticket' exists"):
        await api18.client().add("fields", TICKET)
    reader = api18.client(api18.token("mira", "read"))
    assert len((await reader.list_of("fields"))["items"]) == 1


async def test_what_is_typed_is_read_by_the_type_of_the_field(api18: Api) -> None:
    env, client = login(api18), api18.client()
    for kind in ("text", "number", "boolean", "date", "choice"):
        more = {"choices": ["42", "7"]} if kind == "choice" else {}
        await client.add("fields", {"key": kind, "label": kind, "type": kind} | more)
    ref = (await client.declare("x", 1))["ref"]
    for typed, stored in (
        ("text=123", "123"), ("text=true", "true"), ("text=a=b", "a=b"), ("number=42", 42),
        ("number=-1.5", -1.5), ("boolean=yes", True), ("boolean=false", False),
        ("date=2031-05-04", "2031-05-04"), ("choice=42", "42"),
    ):  # fmt: skip
        code, _, err = await warroom("incident", "field", ref, typed, **env)
        assert (code, err) == (0, ""), typed
        key = typed.partition("=")[0]
        found = (await client.incident(ref))["custom"][key]
        assert (found, type(found)) == (stored, type(stored)), typed
    code, _, err = await warroom("incident", "field", ref, "number=many", **env)
    assert code != 0
    assert "a finite number" in err
    assert (await warroom("incident", "field", ref, "text=", **env))[0] == 0
    assert "text" not in (await client.incident(ref))["custom"]


async def test_the_command_line_defines_and_lists(api18: Api) -> None:
    env = login(api18)
    words = ["--type", "choice", "--choice", "gold", "--choice", "silver", "--required"]
    code, out, err = await warroom("field", "add", "plan", *words, **env)
    assert (code, err) == (0, "")
    assert "choices: gold, silver" in out
    code, _, err = await warroom("field", "add", "t", "--pattern", "[", "--max-length", "5", **env)
    assert (code, "no regular expression" in err) == (2, True)
    text = (await warroom("field", "list", **env))[1].splitlines()
    assert text[0].split()[:3] == ["key", "label", "type"]
    assert "gold, silver" in text[1]
    listed = json.loads((await warroom("field", "list", "--json", **env))[1])
    assert [f["required"] for f in listed["items"]] == [True]
