"""Ids, texts, severities and timeline entries: small rules, each with its refusals."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.ids import fingerprint, format_ref, parse_ref, uuid7_floor, uuid7_time
from warroom.domain.severity import BUILT_IN, check_table, judge
from warroom.domain.timeline import EntryKind, new_entry
from warroom.domain.validate import check_text, say_duration, say_since, say_time, shorten
from warroom.errors import InvalidInput

NOW = datetime(2026, 11, 21, 10, 41, tzinfo=UTC)
SOME_ID = UUID("01930000-0000-7000-8000-00000000abcd")


@pytest.mark.parametrize("text", ["INC-12", "inc-12", " 12\n", "INC-0012", "012"])
def test_an_incident_is_named_by_number(text: str) -> None:
    assert parse_ref(text) == 12


def test_an_incident_is_named_by_id() -> None:
    assert parse_ref(str(SOME_ID).upper()) == SOME_ID


@pytest.mark.parametrize(
    "text",
    ["", "INC-", "INC-0", "-1", "1.5", "INC-1234567890", "١٢", "INC 12", SOME_ID.hex, "\ud800"],
)
def test_other_names_are_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(InvalidInput, match="Write it like INC-12") as caught:
        parse_ref(text)
    assert caught.value.field == "ref"
    str(caught.value).encode("utf-8")


@given(st.integers(1, 999_999_999))
def test_a_reference_reads_back(number: int) -> None:
    assert parse_ref(format_ref(number)) == number


LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=6)


@given(LABELS, st.randoms())
def test_the_order_of_labels_does_not_matter(labels: dict[str, str], random: object) -> None:
    backwards = dict(reversed(labels.items()))
    assert fingerprint(labels) == fingerprint(backwards)
    assert len(fingerprint(labels)) == 32


@given(LABELS, LABELS)
def test_different_labels_differ(one: dict[str, str], two: dict[str, str]) -> None:
    assert (fingerprint(one) == fingerprint(two)) == (one == two)


def test_labels_do_not_run_together() -> None:
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})
    assert fingerprint({"a": "1", "b": "2"}) != fingerprint({"a": "1b2"})


def test_fingerprints_never_change() -> None:
    """Stored alerts are found by them: a change would double every one that fires."""
    assert fingerprint({"alertname": "Up", "job": "x"}) == "34d19cc0359c921861934531fc77e848"


LONG = ("x" * 1_023, "x" * 1_024, "é" * 999)
PARTS = st.text(st.characters(), max_size=8) | st.sampled_from(LONG)


@given(st.dictionaries(PARTS, PARTS, max_size=6))
def test_a_fingerprint_is_taken_of_lengths_and_bytes(labels: dict[str, str]) -> None:
    told = b"warroom-labels-1"
    for name in sorted(labels):
        for part in (name, labels[name]):
            data = part.encode("utf-8", "surrogatepass")
            told += b"%d:%b" % (len(data), data)
    assert fingerprint(labels) == hashlib.sha256(told).hexdigest()[:32]


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2_900_000)).map(
    lambda age: datetime(1970, 1, 1, tzinfo=UTC) + age
)


@given(MOMENTS, MOMENTS)
def test_bounds_of_ids_sort_like_time(one: datetime, two: datetime) -> None:
    floor = uuid7_floor(one)
    assert floor.version == 7
    assert floor.variant == "specified in RFC 4122"
    assert uuid7_time(floor) <= one < uuid7_time(floor) + timedelta(milliseconds=1)
    if one <= two:
        assert floor <= uuid7_floor(two)


def test_bounds_outside_what_an_id_can_carry() -> None:
    assert uuid7_floor(datetime(1, 1, 1, tzinfo=UTC)) == uuid7_floor(
        datetime(1970, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(InvalidInput, match="not a UUIDv7"):
        uuid7_time(UUID(int=0))
    with pytest.raises(InvalidInput):
        uuid7_time(UUID("ffffffff-ffff-7000-8000-000000000000"))


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", 1),
        ("CRITICAL ", 1),
        ("page", 2),
        ("error", 2),
        ("Warning", 3),
        ("minor", 4),
        ("info", 5),
        ("none", 5),
        ("SEV-1", 1),
        ("sev 4", 4),
        ("P3", 3),
        ("5", 5),
    ],
)
def test_words_of_tools(word: str, severity: int) -> None:
    verdict = judge(word)
    assert (verdict.severity, verdict.table) == (severity, "built-in")
    assert verdict.reason == f"severity {word.strip()} is SEV{severity}"


@pytest.mark.parametrize("word", [None, "", "  "])
def test_no_word_is_the_default(word: str | None) -> None:
    assert judge(word).reason == "no severity: SEV3 by default"


def test_an_unknown_word_is_the_default_and_says_so() -> None:
    assert judge("purple").reason == "severity purple is in no table: SEV3 by default"
    assert len(judge("x" * 5_000).word) == 100


def test_the_sources_own_table_wins() -> None:
    table = check_table({"Critical": 2, "purple": 1})
    assert judge("critical", table).severity == 2
    assert judge("PURPLE", table).table == "source"
    assert judge("warning", table).table == "built-in"


@pytest.mark.parametrize("table", [{"x": 0}, {"x": 6}, {"x": True}, {"x": "1"}, {" ": 1}])
def test_a_wrong_table_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        check_table(table)


def test_a_table_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        check_table({"sev-1": 1, "SEV1": 2})
    assert check_table({"sev-1": 1, "SEV1": 1}) == {"sev1": 1}


@given(st.text())
def test_every_word_has_a_severity(word: str) -> None:
    assert 1 <= judge(word).severity <= 5


def test_the_built_in_table_is_normalised() -> None:
    assert all(word == word.strip().casefold() for word in BUILT_IN)


def test_texts_are_counted_in_characters() -> None:
    assert check_text(" 🚒🚒 ", "title", longest=2) == "🚒🚒"
    with pytest.raises(InvalidInput, match="3 characters; the most is 2"):
        check_text("🚒🚒🚒", "title", longest=2)


def test_bad_characters_are_kept_but_for_the_two_that_cannot_be_stored() -> None:
    hostile = "a\x1b[2J\u202e[bold]"
    assert check_text(hostile, "title", longest=100) == hostile
    for bad in ("a\x00b", "a\ud800b"):
        with pytest.raises(InvalidInput) as caught:
            check_text(bad, "title", longest=100)
        assert caught.value.field == "title"
        assert caught.value.remedy == "Remove it."


@pytest.mark.parametrize("value", ["", " \t\n", None, 5, ["x"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        check_text(value, "title", longest=10, shortest=1)


def test_times_and_spans_as_a_sentence_says_them() -> None:
    assert say_time(NOW, NOW + timedelta(hours=2)) == "at 10:41 UTC"
    assert say_time(NOW, NOW + timedelta(days=2)) == "on 2026-11-21 at 10:41 UTC"
    spans = {45: "45 s", 119: "119 s", 720: "12 min", 7_500: "2 h 5 min", 7_200: "2 h"}
    spans |= {172_800: "2 d", 180_000: "2 d 2 h", -5: "0 s"}
    for seconds, said in spans.items():
        assert say_duration(timedelta(seconds=seconds)) == said
    assert shorten("abcdef", 4) == "abc…"


def test_an_entry_is_checked_and_stripped() -> None:
    entry = new_entry("hypothesis", " Pool leak ", NOW, confidence=1, source="console")
    assert (entry.kind, entry.text, entry.confidence) == (EntryKind.HYPOTHESIS, "Pool leak", 1.0)
    assert (entry.happened_at, entry.source) == (NOW, "console")


def test_an_entry_may_have_happened_elsewhere_in_time() -> None:
    there = datetime(2026, 11, 21, 11, 40, tzinfo=timezone(timedelta(hours=1)))
    assert new_entry("fact", "x", NOW, happened_at=there).happened_at == NOW - timedelta(minutes=1)
    soon = NOW + timedelta(minutes=5)
    assert new_entry("fact", "x", NOW, happened_at=soon).happened_at == soon


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "status"}, "kind"),
        ({"kind": "automation"}, "kind"),
        ({"kind": "FACT"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": []}, "kind"),
        ({"text": ""}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"source": "x" * 201}, "source"),
        ({"confidence": 1.01}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"confidence": "1"}, "confidence"),
        ({"happened_at": NOW + timedelta(minutes=5, seconds=1)}, "happened_at"),
        ({"happened_at": datetime(2026, 1, 1)}, "happened_at"),  # noqa: DTZ001 - zoneless on purpose
        ({"happened_at": datetime(1969, 1, 1, tzinfo=UTC)}, "happened_at"),
        (
            {"happened_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
            "happened_at",
        ),
    ],
)
def test_a_wrong_entry_names_its_field(fields: dict[str, object], field: str) -> None:
    given_fields: dict[str, object] = {"kind": "fact", "text": "x"} | fields
    with pytest.raises(InvalidInput) as caught:
        new_entry(
            given_fields["kind"],
            given_fields["text"],
            NOW,
            happened_at=fields.get("happened_at"),  # type: ignore[arg-type]  # as callers might
            source=given_fields.get("source", "person"),
            confidence=given_fields.get("confidence"),
        )
    assert caught.value.field == field


def test_since_when_is_said_once() -> None:
    now = datetime(2026, 3, 2, 10, 47, tzinfo=UTC)
    assert say_since(now - timedelta(minutes=6), now) == "since 10:41 UTC"
    assert say_since(now - timedelta(days=1), now) == "since 2026-03-01 at 10:47 UTC"
