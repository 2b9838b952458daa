"""`docs/commands.md` names every command: its route, client method, words and rules."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from tests.unit.rules_written import rules_in_the_source
from warroom.api import (
    heartbeats,
    incident_commands,
    incident_parts,
    incident_recovery,
    incidents,
    reports,
    rules,
    silences,
)
from warroom.api import quarantine as quarantines
from warroom.api import triage as triages
from warroom.api.dialects import mappings
from warroom.api.directory import sources
from warroom.cli import (
    alert,
    heartbeat,
    incident,
    quarantine,
    report,
    rule,
    silence,
    source,
    triage,
)
from warroom.client import Client
from warroom.domain import silence as silence_rules
from warroom.services import quarantine as quarantine_service
from warroom.services import triage as triage_service
from warroom.services.directory import source_upkeep
from warroom.services.directory import sources as source_service

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| `[a-z-]+(/|`)", line)
]


def routes() -> dict[str, tuple[int, bool]]:
    """Return of each command's route its status of success and whether it takes a version."""
    found: dict[str, tuple[int, bool]] = {}
    routers = (
        incidents.router,
        incident_commands.router,
        incident_parts.router,
        incident_recovery.router,
    )
    for route in (route for router in routers for route in router.routes):
        path = str(getattr(route, "path", ""))
        if "POST" not in getattr(route, "methods", ()) or "{ref}/" not in path:
            continue
        field = getattr(route, "body_field", None)
        body = field.field_info.annotation if field else None
        versioned = body is not None and "version" in body.model_fields
        status = getattr(route, "status_code", None) or 200
        found[path.removeprefix("/v1/incidents/{ref}/")] = (status, versioned)
    return found


def test_every_route_stands_there_with_its_marks() -> None:
    told = {}
    for row in ROWS:
        name, marks = re.fullmatch(r"`([^`]+)`(.*)", row[0]).groups()  # type: ignore[union-attr]
        told[name] = (201 if "+" in marks else 200, "○" not in marks)
    assert told == routes()


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_what_there_is(row: list[str]) -> None:
    _, method, words, rules, writes = row
    assert callable(getattr(Client, method.strip("`")))
    assert writes
    spoken = [word for word in re.findall(r"`([^`]+)`", words) if word[0].islower()]
    verbs = {name for table in incident.TABLES for name in table}
    assert any(any(spoken[0].startswith(f"{verb} ") for verb in verbs) for _ in spoken)
    known = rules_in_the_source()
    for name in re.findall(r"[a-z]+(?:-[a-z]+)+|^[a-z]+$|(?<=, )[a-z]+(?=,|$)", rules):
        assert name in known, name


def test_every_rule_and_every_verb_stands_there() -> None:
    cells = " ".join(row[3] for row in ROWS)
    # What is no command of an incident stands below the table.
    cells += " " + PAGE[PAGE.index("No command of an incident") :]
    assert {r for r in rules_in_the_source() if not re.search(rf"\b{r}\b", cells)} == set()
    words = " ".join(row[2] for row in ROWS)
    for table in incident.TABLES:
        for verb in table:
            assert f"`{verb} REF" in words, verb


SAMPLE = {"REF": "1", "NAME": "ana", "N": "2", "STATUS": "closed", "ROLE": "scribe",
          "VISIBILITY": "normal", "INTO": "2", "TITLE": "t", "KEY": "pg", "STATE": "down",
          "TEXT": "x", "ENTRY": "e", "FATE": "open", "URL": "https://x", "STEP": "2",
          "KEY=VALUE": "a=1", "ID": "i", "KIND": "fact", "CHANGE": "c",
          "VERDICT": "cause", "ACT": "restart", "SOURCE": "am", "FILE": "f", "MATCHER": "a=b",
          "WORD=N": "high=1", "FIELD=PATTERN": "service=x", "DIALECT": "generic",
          "LANE": "critical"}  # fmt: skip
AROUND = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| `(POST|DELETE) /", line)
]
RULES_AROUND = {
    found
    for module in (triage_service, quarantine_service, source_upkeep, source_service, silence_rules)
    for found in re.findall(r'rule="([a-z-]+)"', Path(str(module.__file__)).read_text("utf-8"))
}
GROUPS = (alert, rule, report, triage, silence, source, heartbeat, quarantine)


def around_the_alerts() -> dict[str, tuple[bool, bool]]:
    """Return of each command whether it makes something, and whether it takes a version."""
    found: dict[str, tuple[bool, bool]] = {}
    doors = (rules, reports, silences, sources, mappings, heartbeats, quarantines, triages)
    for route in (route for door in doors for route in door.router.routes):
        path = str(getattr(route, "path", ""))
        if path == "/v1/alert-rule-test":
            continue  # asks, and stores nothing
        for method in set(getattr(route, "methods", ())) - {"GET", "HEAD"}:
            field = getattr(route, "body_field", None)
            fields = field.field_info.annotation.model_fields if field else {}
            asked = {p.name for p in getattr(route, "dependant").query_params}  # noqa: B009
            found[f"{method} {path}"] = (
                getattr(route, "status_code", None) == 201, "version" in {*fields, *asked}
            )  # fmt: skip
    return found


def test_every_command_around_the_alerts_stands_there_with_its_marks() -> None:
    told = {}
    for row in AROUND:
        name, marks = re.fullmatch(r"`([^`]+)`(.*)", row[0]).groups()  # type: ignore[union-attr]
        told[name] = ("+" in marks, "○" not in marks)
    assert told == around_the_alerts()


@pytest.mark.parametrize("row", AROUND, ids=[row[0] for row in AROUND])
def test_a_row_around_the_alerts_names_what_there_is(row: list[str]) -> None:
    _, method, words, scope, refusals, writes = row
    assert callable(getattr(Client, method.strip("`")))
    assert writes
    assert scope in ("admin", "respond", "any")
    for rule_name in re.findall(r"[a-z]+-[a-z]+", refusals.replace("--again", "")):
        assert rule_name in RULES_AROUND, rule_name
    parser = argparse.ArgumentParser(prog="warroom")
    groups = parser.add_subparsers(dest="group")
    for group in GROUPS:
        group.add_parser(groups)
    usual, *others = re.findall(r"`([^`]+)`", words)
    optional = re.findall(r"\[([^]]+)\]", usual)
    must = re.sub(r"\[[^]]+\]|…", "", usual).split()
    if must[:2] == ["rule", "add"]:
        must = [{"KIND": "declare"}.get(word, word) for word in must]
    for more in ("", *optional, *others):
        if more and more in others:  # stands in place of the last word
            tried = [*must[:-1], more]
        else:
            tried = [*must, *more.split()]
        parsed = parser.parse_args([SAMPLE.get(word, word) for word in tried])
        assert parsed.group == must[0]


def test_every_verb_around_the_alerts_stands_there() -> None:
    section = PAGE[PAGE.index("## Around the alerts") :].replace("\n", " ")
    parser = argparse.ArgumentParser(prog="warroom")
    groups = parser.add_subparsers(dest="group")
    for group in GROUPS:
        name = group.__name__.rpartition(".")[2]
        group.add_parser(groups)
        for action in groups.choices[name]._actions:
            for verb in getattr(action, "choices", None) or ():
                assert f"`{name} {verb}" in section, (name, verb)


def test_every_refusal_around_the_alerts_stands_there() -> None:
    told = " ".join(row[4] for row in AROUND)
    assert {r for r in RULES_AROUND if not re.search(rf"\b{r}\b", told)} == set()


def test_the_words_are_those_of_the_parser() -> None:
    parser = argparse.ArgumentParser(prog="warroom")
    incident.add_parser(parser.add_subparsers(dest="group"))
    for row in ROWS:
        first = re.findall(r"`([^`]+)`", row[2])[0].replace("[", "").replace("]", "")
        words = [SAMPLE.get(word, word) for word in first.split()]
        if words[0] == "link":
            words = [{"fact": "bridge"}.get(word, word) for word in words]
        args = parser.parse_args(["incident", *words])
        assert args.named in (words[0], " ".join(words[:2])), first
