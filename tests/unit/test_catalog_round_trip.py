"""What is written in a format and read back is the same catalogue, whatever stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.catalog import formats
from warroom.domain.catalogue import (
    LINK_KINDS,
    SERVICE_KINDS,
    Catalogue,
    DependencyEntry,
    ServiceEntry,
    ServiceLink,
    TeamEntry,
)

HOSTILE = ["=1+1", "+A1", "-x", "@SUM(A1)", "'=x", "''", "\x1b[31m", "\u202eabc", "a\r\nb", '"',
           "<script>", "&amp;", "%n", "a:b", "a/b", "no", "null", "~", "\\N", "]]", "#35;", "- a",
           "a: b", "x\u2028y", "{{x}}", "$(id)", "A", "a"]  # fmt: skip


def texts(longest: int) -> st.SearchStrategy[str]:
    free = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1,
        max_size=longest,
    )  # fmt: skip
    return (free | st.sampled_from(HOSTILE)).map(str.strip).filter(bool)


TEAMS = st.sampled_from(["commerce", "databases", "a.b_c-d", "unassigned"])
URLS = st.sampled_from(["https://example.com/a?b=c#d", "http://[::1]:8/x", "https://ü.example/%20"])
LINKS = st.builds(ServiceLink, st.sampled_from(LINK_KINDS), URLS, texts(20) | st.just(""))


@st.composite
def catalogues(draw: st.DrawFn, *, named: bool = True) -> Catalogue:
    keys = draw(st.lists(texts(30), min_size=1, max_size=6, unique=True))
    maybe = st.none()
    services = tuple(
        ServiceEntry(
            key=key, name=draw(texts(30)), kind=draw(st.sampled_from(SERVICE_KINDS)),
            tier=draw(maybe | st.integers(0, 5)), team=draw(TEAMS),
            region=draw(maybe | texts(20)), zone=draw(maybe | texts(20)),
            host=draw(maybe | texts(20)), provider=draw(maybe | texts(20)),
            slo=draw(maybe | st.integers(0, 1_000_000).map(lambda n: round(n / 10_000, 4))),
            customers=draw(maybe | st.integers(0, 2**53)),
            user_share=draw(maybe | st.integers(0, 10_000).map(lambda n: round(n / 100, 2))),
            runbook_url=draw(maybe | URLS), dashboard_url=draw(maybe | URLS),
            system=draw(maybe | texts(20)),
            links=draw(maybe | st.lists(LINKS, min_size=1, max_size=2).map(tuple)),
        )
        for key in keys
    )  # fmt: skip
    pairs = draw(
        st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=6, unique=True)
    )
    edges = tuple(
        DependencyEntry(
            a, b, hardness=draw(st.sampled_from([None, "hard", "soft"])),
            sync=draw(st.sampled_from([None, True, False])), group=draw(maybe | texts(20)),
            needed=draw(maybe | st.integers(1, 9)),
        )
        for a, b in sorted(pairs) if a != b
    )  # fmt: skip
    teams = tuple(TeamEntry(key, key) for key in sorted({s.team or "" for s in services}))
    return Catalogue("x", services, edges, teams)


def entries(catalogue: Catalogue) -> tuple[Any, Any]:
    return (
        {s.key: s for s in catalogue.services},
        {d.pair: d for d in catalogue.dependencies},
    )


@pytest.mark.parametrize("format_name", ["csv", "backstage", "servicenow"])
@settings(max_examples=30)
@given(catalogues())
def test_declared_formats(format_name: str, catalogue: Catalogue) -> None:
    back = formats.read(formats.write(catalogue, format_name), format_name)
    assert [f for f in back.findings if f.level == "error"] == []
    assert entries(back) == entries(catalogue)
    if format_name == "backstage":
        assert {t.key for t in back.teams} == {t.key for t in catalogue.teams}


@pytest.mark.parametrize("format_name", ["otel", "jaeger"])
@settings(max_examples=30)
@given(catalogues())
def test_observed_formats(format_name: str, catalogue: Catalogue) -> None:
    known = {"", "user", "unknown"}
    keep = tuple(d for d in catalogue.dependencies if not known & set(d.pair))
    back = formats.read(
        formats.write(replace(catalogue, dependencies=keep), format_name), format_name
    )
    assert [d.pair for d in back.dependencies] == [d.pair for d in keep]
    if format_name == "otel":
        assert [d.sync is False for d in back.dependencies] == [d.sync is False for d in keep]


def _dot(line: str) -> bool:
    label = r'"(?:[^"\\]|\\["\\])*"'
    node = rf"  n\d+ \[label={label}, shape=[a-z0-9]+\];"
    edge = rf"  n\d+ -> n\d+ \[style=[a-z]+, arrowhead=[a-z]+(, label={label})?\];"
    return bool(re.fullmatch(f"{node}|{edge}", line))


def _mermaid(line: str) -> bool:
    label = r'"[\w _.,()/#;-]*"'
    node = rf"  n\d+[\[\(\{{>/]+{label}[\]\)\}}/]+"
    edge = rf"  n\d+ (-->|-\.->)(\|{label}\|)? n\d+"
    return bool(re.fullmatch(f"{node}|{edge}", line))


@pytest.mark.parametrize(
    ("format_name", "head", "tail", "good"), [("dot", 3, 1, _dot), ("mermaid", 1, 0, _mermaid)]
)
@settings(max_examples=30)
@given(catalogues())
def test_drawings_hold_nothing_that_could_be_code(
    format_name: str, head: int, tail: int, good: Callable[[str], bool], catalogue: Catalogue
) -> None:
    (file,) = formats.write(catalogue, format_name)
    lines = file.text.split("\n")[head : len(file.text.split("\n")) - 1 - tail]
    assert [line for line in lines if not good(line)] == []
    assert len(lines) == len(catalogue.services) + len(catalogue.dependencies)
