"""The figure of the map: how long an import of a whole estate takes, from text to commit."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

import psycopg

from bench.impact import EDGES, SERVICES
from bench.impact import catalogue as estate
from bench.report import Figure, cluster, fresh_database
from warroom.catalog import formats
from warroom.db.engine import Database
from warroom.domain.catalogue import (
    Catalogue,
    CatalogueFile,
    DependencyEntry,
    ServiceEntry,
    TeamEntry,
)
from warroom.domain.principal import CommandContext, Principal, PrincipalKind, Scope
from warroom.services.catalog import importing

RUNS = 5


def _files(format_name: str) -> tuple[CatalogueFile, ...]:
    services, dependencies = estate()
    catalogue = Catalogue(
        "bench",
        tuple(
            ServiceEntry(
                s.key, s.name, "service", s.tier, s.team, s.region, customers=s.customers,
                user_share=s.user_share,
                runbook_url=f"https://runbooks.example.com/{s.key}",
            )
            for s in services
        ),
        tuple(
            DependencyEntry(d.service, d.depends_on, d.hardness.word, None, d.group, d.needed)
            for d in dependencies
        ),
        tuple(TeamEntry(f"team-{n}", f"Team {n}") for n in range(40)),
    )  # fmt: skip
    return formats.write(catalogue, format_name)


async def _once(url: str, person: object, files: Sequence[CatalogueFile], key: str) -> float:
    """Return the seconds of one import, as the API does it behind its door."""
    db = Database.open(url, role="api", pool_size=2)
    admin = Principal(person, "bench", PrincipalKind.PERSON, frozenset({Scope.ADMIN}))  # type: ignore[arg-type]
    try:
        begun = time.perf_counter()
        catalogue = formats.read(files)
        # CSV has no teams of its own.
        options = importing.Options("bench", make_teams=True)
        answer = await importing.apply(
            db, CommandContext(admin, "bench", "bench", key), catalogue, options,
            importing.digest_of(files),
        )  # fmt: skip
        took = time.perf_counter() - begun
        counts = answer.body["counts"]
        done = counts["services_added"] + counts["services_unchanged"]
        assert done == SERVICES, counts
        return took
    finally:
        await db.close()


def _copy(conninfo: str, files: Sequence[CatalogueFile]) -> float:
    """Return the seconds that the same rows take without plan, record and triggers: the floor."""
    catalogue = formats.read(files)
    with psycopg.connect(conninfo) as conn:
        conn.execute("create table s (key text primary key, name text, tier int, team text)")
        conn.execute(
            "create table d (a text references s, b text references s, hardness text,"
            " unique (a, b))"
        )
        begun = time.perf_counter()
        with conn.cursor() as cursor:
            with cursor.copy("copy s from stdin") as copy:
                for s in catalogue.services:
                    copy.write_row((s.key, s.name, s.tier, s.team))
            with cursor.copy("copy d from stdin") as copy:
                for d in catalogue.dependencies:
                    copy.write_row((d.service, d.depends_on, d.hardness))
        conn.commit()
        return time.perf_counter() - begun


def catalog_import() -> list[Figure]:
    """Measure a first import, and the same again, of 10,000 services with 50,000 dependencies."""
    figures = []
    peer = "COPY of the same rows into bare tables with the same keys"
    with cluster() as server:
        for format_name in ("backstage", "csv"):
            files = _files(format_name)
            first, again, floor = [], [], []
            for run in range(RUNS):
                name = f"{format_name}{run}"
                conninfo = fresh_database(server, name)
                with psycopg.connect(conninfo) as conn:
                    row = conn.execute(
                        "insert into warroom.principal (name, kind) values ('bench', 'person')"
                        " returning id"
                    ).fetchone()
                assert row is not None
                url = f"postgresql://warroom_api@/{name}?host={server.socket_dir}"
                first.append(asyncio.run(_once(url, row[0], files, "first")))
                again.append(asyncio.run(_once(url, row[0], files, "again")))
                floor.append(_copy(conninfo, files))
            suffix = "" if format_name == "backstage" else f"_{format_name}"
            figures.append(
                Figure(f"catalog.import{suffix}", statistics.median(first), "s", peer,
                       statistics.median(floor), "<= 10 s")
            )  # fmt: skip
            figures.append(
                Figure(f"catalog.import_again{suffix}", statistics.median(again), "s",
                       "the first import", statistics.median(first))
            )  # fmt: skip
    assert len(estate()[1]) == EDGES
    return figures
