"""Matchers as Alertmanager reads them, and which silences are refused."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.safe_text import safe_text
from warroom.domain.silence import (
    Breadth,
    Matcher,
    SilenceState,
    check_breadth,
    check_matchers,
    check_span,
    completed,
    state_of,
    why,
)
from warroom.errors import InvalidInput, Refused
from warroom.ingest.alertmanager_silence import parse
from warroom.ingest.matchers import parse_matcher, parse_matchers
from warroom.services.matching import (
    equal_pairs,
    gate_of,
    holds_for,
    matches_anything,
    matches_everything,
    sieve_of,
    test_of,
)
from warroom.services.suppression import ActiveSilence, Suppressions

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
test_of.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=b", Matcher("a", "b")),
        (' a = "b" ', Matcher("a", "b")),
        ('a!="b c"', Matcher("a", "b c", equal=False)),
        ("a=~b.*", Matcher("a", "b.*", regex=True)),
        ('a!~"x|y"', Matcher("a", "x|y", regex=True, equal=False)),
        ("a=", Matcher("a", "")),
        ('a=""', Matcher("a", "")),
        (r'a="say \"hi\"\n\\o/"', Matcher("a", 'say "hi"\n\\o/')),
        (r'a=~"\d+"', Matcher("a", r"\d+", regex=True)),
        (r'a=~"\\d+\\b"', Matcher("a", r"\d+\b", regex=True)),
        (r'a="\u202eevil\x07"', Matcher("a", "\u202eevil\x07")),
        ('a="b=c"', Matcher("a", "b=c")),
        ("a=b=c", Matcher("a", "b=c")),
        ('"my label"="x"', Matcher("my label", "x")),
        ("job:rate=x", Matcher("job:rate", "x")),
        ('a="näh ☃"', Matcher("a", "näh ☃")),
    ],
)
def test_a_matcher_is_read_as_alertmanager_reads_it(text: str, wanted: Matcher) -> None:
    assert parse_matcher(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "a", "=b", '"a', 'a="b', 'a=b"', 'a="b"c"', "a b=c", "1a=b", "a=~", "a==", '""="x"',
     'a="\\x00"', 'a="\\ud800"', "a=" + "x" * 20_000],
)  # fmt: skip
def test_what_is_no_matcher_is_refused_in_a_sentence(text: str) -> None:
    if text in ("a=~", "a=="):
        assert parse_matcher(text).name == "a"  # an empty value, and the value "="
        return
    with pytest.raises(InvalidInput) as caught:
        parse_matcher(text)
    assert "bad matcher format" in caught.value.message
    assert len(caught.value.message) < 200


def test_several_matchers_between_commas() -> None:
    wanted = (Matcher("a", "b,c"), Matcher("d", "e}", regex=True), Matcher("f", "", equal=False))
    assert parse_matchers('{a="b,c", d=~"e}" , f!=""}') == wanted
    assert parse_matchers(r'a="b,c",d=~"e}",f!="",') == wanted
    assert parse_matchers("{}") == ()
    with pytest.raises(InvalidInput):
        parse_matchers("{a=b")


@given(
    name=st.text(min_size=1, max_size=20).filter(lambda t: "\x00" not in t),
    value=st.text(max_size=40).filter(lambda t: "\x00" not in t),
    regex=st.booleans(),
    equal=st.booleans(),
)
def test_what_is_written_is_read_back(name: str, value: str, regex: bool, equal: bool) -> None:
    matcher = Matcher(name, value, regex, equal)
    assert parse_matcher(str(matcher)) == matcher
    assert parse_matchers(f"{{{matcher},{matcher}}}") == (matcher, matcher)
    shown = safe_text(str(matcher), 10_000)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("matcher", "labels", "wanted"),
    [
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "bb"}, False),
        ("a=", {}, True),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a=~b", {"a": "abc"}, False),
        ("a=~.*b.*", {"a": "abc"}, True),
        ("a=~x|y", {"a": "y"}, True),
        ("a=~x|y", {"a": "xz"}, False),
        ("a!~x|y", {"a": "xz"}, True),
        ("a=~.+", {}, False),
        ("a=~.*", {}, True),
        ("a=~(?i)PAY", {"a": "pay"}, True),
        ("a=~b.", {"a": "b\n"}, False),
        ("a=~(?s)b.", {"a": "b\n"}, True),
        ("a=~b$", {"a": "b\n"}, False),
        (r"a=~\pL+", {"a": "näh"}, True),
    ],
)
def test_expressions_are_anchored_as_in_go(
    matcher: str, labels: dict[str, str], wanted: bool
) -> None:
    assert test_of([parse_matcher(matcher)])(labels) is wanted


@pytest.mark.parametrize("text", ["(", "a{2000}", "(?=x)", r"(a)\1", "*", "[z-a]"])
def test_an_expression_that_go_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="regular expression of a cannot be read"):
        test_of([Matcher("a", text, regex=True)])


def test_no_expression_runs_for_ever() -> None:
    """Python's own re needs longer than the age of the universe for these."""
    began = time.process_time()
    for text in ("(a+)+$", "(a|a)*b", "(.*)(.*)(.*)(.*)(.*)x", "((a?){200}){4}b"):
        assert test_of([Matcher("l", text, regex=True)])({"l": "a" * 4096 + "!"}) is False
    assert time.process_time() - began < 30, "linear, whatever the machine"


def test_everything_is_what_a_missing_label_fulfils() -> None:
    def says(*texts: str) -> bool:
        return matches_everything([parse_matcher(t) for t in texts])

    assert says("a=~.*")
    assert says("a!=x", "b!~y")
    assert says("a=")
    assert not says("a=~.*", "b=c")
    assert not says("a=~.+")


@pytest.mark.parametrize(
    ("texts", "broad"),
    [
        (["alertname=~.+"], True), (["service=~..*"], True), (["a=~.{2,}"], True),
        (["a=~[^x]+"], True), (["a=~.+", "env!=test"], True), (["a=~.+", "b!~x|y"], True),
        (["alertname=~.+", "service=pay"], False), (["service=pay", "env!=test"], False),
        (["service=~pay.*"], False), (["a=~pg-.*|web.*"], False), (["instance=~10[.].*"], False),
    ],
)  # fmt: skip
def test_what_rules_out_little_is_broad_whatever_fires(texts: list[str], broad: bool) -> None:
    assert matches_anything([parse_matcher(t) for t in texts]) is broad


@pytest.mark.parametrize(
    ("breadth", "comment", "rule"),
    [
        (Breadth(True, HOUR, 0, 0), "a reason that is long enough else", "silence-everything"),
        (Breadth(False, timedelta(days=8), 0, 0), "too long", "silence-long"),
        (Breadth(False, timedelta(days=8), 0, 0), "the old cluster is off until spring", ""),
        (Breadth(False, timedelta(days=7), 0, 0), "x", ""),
        (Breadth(False, HOUR, 600, 1000), "noise", "silence-broad"),
        (Breadth(False, HOUR, 600, 1000), "noise" + " " * 60, "silence-broad"),
        (Breadth(False, HOUR, 600, 1000), "the whole region is drained for new switches", ""),
        (Breadth(False, HOUR, 500, 1000), "noise", ""),
        (Breadth(False, HOUR, 19, 19), "noise", ""),
        (Breadth(False, HOUR, 20, 20), "noise", "silence-broad"),
        (Breadth(False, HOUR, 0, 0, True), "x", "silence-broad"),
        (Breadth(False, HOUR, 0, 0, True), "the power of the whole site is off tonight", ""),
    ],
)  # fmt: skip
def test_what_is_too_broad_needs_a_reason(breadth: Breadth, comment: str, rule: str) -> None:
    if not rule:
        check_breadth(breadth, comment)
        return
    with pytest.raises(Refused) as caught:
        check_breadth(breadth, comment)
    assert caught.value.rule == rule
    assert "Nothing was changed" in caught.value.message


def test_times_and_states() -> None:
    assert check_span(None, NOW + HOUR, NOW) == (NOW, NOW + HOUR)
    assert check_span(NOW - HOUR, NOW + HOUR, NOW)[0] == NOW
    assert check_span(NOW + HOUR, NOW + 2 * HOUR, NOW)[0] == NOW + HOUR
    for starts, ends in ((None, None), (None, NOW), (NOW + HOUR, NOW + HOUR), (None, NOW - HOUR)):
        with pytest.raises(InvalidInput):
            check_span(starts, ends, NOW)
    assert state_of(NOW, NOW + HOUR, None, NOW) is SilenceState.ACTIVE
    assert state_of(NOW + HOUR, NOW + 2 * HOUR, None, NOW) is SilenceState.PENDING
    assert state_of(NOW - HOUR, NOW, None, NOW) is SilenceState.EXPIRED
    assert state_of(NOW, NOW + HOUR, NOW, NOW) is SilenceState.EXPIRED
    with pytest.raises(InvalidInput):
        check_matchers([])
    with pytest.raises(InvalidInput):
        check_matchers([Matcher("a", "x" * 2001)])
    assert check_matchers([Matcher("b", "x"), Matcher("a", "y"), Matcher("b", "x")]) == (
        Matcher("a", "y"), Matcher("b", "x"),
    )  # fmt: skip


def test_the_one_that_ends_last_speaks_and_reach_is_kept() -> None:
    def active(n: int, who: str, hours: int, text: str, units: str = "main", *, security: bool = False) -> ActiveSilence:  # fmt: skip # noqa: E501
        matcher = parse_matcher(text)
        pair = (matcher.name, matcher.value) if matcher.equal and not matcher.regex else None
        return ActiveSilence(
            UUID(int=n), who, NOW + hours * HOUR, "planned  work", frozenset({units}), security,
            pair, test_of([matcher]),
        )  # fmt: skip

    found = Suppressions(
        [active(1, "ana", 1, "service=pay"), active(2, "luc", 2, "service=~p.*"),
         active(3, "mira", 3, "service=pay", "other"),
         active(4, "eve", 9, "team=x", security=True)],
        NOW,
    )  # fmt: skip
    labels = {"service": "pay"}
    assert found.why(labels, unit="main") == "silenced by luc until 12:00 UTC: planned work"
    assert found.why(labels) == "silenced by mira until 13:00 UTC: planned work"
    assert found.why({"service": "shop"}) is None
    assert found.why({}) is None
    # Only whoever sees security alerts silences them.
    assert found.why(labels, visibility="security") is None
    assert found.why({"team": "x"}, visibility="security") is not None
    assert found.why({"team": "x"}, visibility="restricted") is None
    assert [s.id.int for s in found.of(labels, unit="main")] == [2, 1]
    assert len(found) == 4
    assert why("ana", NOW + timedelta(days=3), "x\n\ny", NOW) == (
        "silenced by ana until on 2026-11-24 at 10:00 UTC: x y"
    )


WORDS = st.text(alphabet="ab|.*?[]^+-", max_size=6)


@given(
    patterns=st.lists(WORDS, min_size=1, max_size=12, unique=True),
    texts=st.lists(st.text(alphabet="ab-", max_size=6), max_size=5),
)
def test_many_expressions_asked_at_once_answer_as_one_by_one(
    patterns: list[str], texts: list[str]
) -> None:
    readable = []
    for pattern in patterns:
        with contextlib.suppress(InvalidInput):
            readable.append((pattern, holds_for(Matcher("l", pattern, regex=True))))
    if not readable:
        return
    sieve = sieve_of(tuple(pattern for pattern, _ in readable))
    for text in (*texts, ""):
        wanted = [place for place, (_, holds) in enumerate(readable) if holds(text)]
        assert sorted(sieve(text)) == wanted


def test_what_is_too_large_for_one_set_is_asked_in_several() -> None:
    patterns = tuple(f"p{n}(x{{500}}|y{{500}}|[a-z]{{500}}){{1,2}}" for n in range(300))
    sieve = sieve_of(patterns)
    assert sieve("p7" + "x" * 500) == [7]
    assert sieve("p299" + "y" * 1000) == [299]
    assert sieve("p7" + "x" * 499) == []


def test_a_gate_rules_out_and_the_other_matchers_decide() -> None:
    def active(n: int, *texts: str) -> ActiveSilence:
        matchers = [parse_matcher(text) for text in texts]
        return ActiveSilence(
            UUID(int=n), "ana", NOW + HOUR, "x", frozenset({"main"}), False,
            next(iter(equal_pairs(matchers).items()), None), test_of(matchers), gate_of(matchers),
        )  # fmt: skip

    many = [active(n, f"service=~pay-{n}.*", "env!=test") for n in range(100)]
    found = Suppressions(
        [*many, active(100, "service=~pay-7.*", "zone=~eu-.*"), active(101, "team=~|db", "env=~."),
         active(102, "env!~prod.*")],
        NOW,
    )  # fmt: skip

    def ids(**labels: str) -> list[int]:
        return sorted(s.id.int for s in found.of(labels))

    assert ids(service="pay-7x", env="prod") == [7]
    assert ids(service="pay-71", env="prod", zone="eu-1") == [7, 71, 100]
    assert ids(service="pay-7", env="test") == [102]
    # A label that is not there is the empty text, which an expression may fit.
    assert ids(env="p") == [101, 102]
    assert ids(team="web", env="p") == [102]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"matchers": 3}', b'{"matchers": [3]}', b'{"matchers": [{}]}',
     b'{"matchers": [{"name": "a", "isRegex": "yes"}]}', b'{"matchers": [], "id": "nope"}',
     b'{"matchers": [], "endsAt": "tomorrow"}', b'{"matchers": [], "comment": 7}',
     b'{"matchers": [{"name": "a", "value": "\\u0000"}]}', b'{"matchers": [' + b"0," * 60 + b"0]}"],
)  # fmt: skip
def test_a_posted_silence_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(body)


def test_a_posted_silence_means_now_by_the_year_one() -> None:
    posted = parse(
        b'{"matchers": [{"name": "a", "value": "b", "isRegex": false}], "comment": "c",'
        b' "startsAt": "0001-01-01T00:00:00Z", "endsAt": "2026-11-21T12:00:00.123456789+01:00",'
        b' "createdBy": "root", "annotations": {"x": "y"}}'
    )
    assert posted.starts_at is None
    assert posted.ends_at == datetime(2026, 11, 21, 11, 0, 0, 123456, tzinfo=UTC)
    assert posted.matchers == (Matcher("a", "b"),)


def test_labels_are_completed_and_never_overruled() -> None:
    assert completed({"source": "db"}, "Down", "pay") == {
        "source": "db", "alertname": "Down", "service": "pay",
    }  # fmt: skip
    assert completed({"service": "", "alertname": "Own"}, "Down", "pay") == {
        "service": "pay", "alertname": "Own",
    }  # fmt: skip
    said = {"service": "shop", "alertname": "Own"}
    assert completed(said, "Down", "pay") is said
