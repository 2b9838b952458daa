"""YAML from outside: nothing is built from tags, nothing expands without bound, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.catalog.yaml_text import read_yaml, yaml_lines
from warroom.errors import InvalidInput

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def value(text: str) -> object:
    (document,) = read_yaml(text)
    return document.value


def test_scalars_stay_words() -> None:
    assert value("a: no\nb: 1.10\nc: 0x1F\nd: ~\ne:\nf: '~'\ng: 2024-01-01\n") == {
        "a": "no", "b": "1.10", "c": "0x1F", "d": None, "e": None, "f": "~", "g": "2024-01-01",
    }  # fmt: skip


def test_documents_know_their_line() -> None:
    assert [(d.value, d.line) for d in read_yaml("# x\na: 1\n---\n\n- b\n---\n")] == [
        ({"a": "1"}, 2), (["b"], 5), (None, 7),
    ]  # fmt: skip


def test_an_alias_is_its_anchor() -> None:
    assert value("a: &x [1, {b: 2}]\nc: *x\n") == {"a": ["1", {"b": "2"}], "c": ["1", {"b": "2"}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3 has the key 'a' a second time"),
        ("!!python/object/apply:os.system ['x']\n", "line 1 has the tag"),
        ("a: !Ref x\n", "line 1 has the tag"),
        ("? [a]\n: b\n", "a key that is no text"),
        ("a: &x [*x]\n", "repeats an anchor that is not complete"),
        ("a: *nobody\n", "repeats an anchor that is not complete"),
        ("a: [\n", "line 2"),
        ("\x01", "may not stand in YAML"),
        ("a: \x00", "NUL"),
        ("[" * 100, "nested more than 32"),
        ("a: &x 1\nb: [" + "*x," * 1001 + "]\n", "more than 1,000 aliases"),
    ],
)
def test_what_is_refused_names_the_line(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match="^.*" + said.replace("(", r"\(")):
        read_yaml(text)


def test_a_bomb_is_found_before_it_goes_off() -> None:
    levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(InvalidInput, match="grows to more than 2,000,000 values"):
        read_yaml("\n".join(levels))


@given(st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, min_size=1, max_size=3), max_size=4))
def test_what_is_written_is_read_again(document: dict[str, object]) -> None:
    text = "".join(f"{line}\n" for line in yaml_lines(document))
    if document:
        assert value(text) == document
    shown = text.replace("\n", "")
    assert all(c.isprintable() for c in shown)
