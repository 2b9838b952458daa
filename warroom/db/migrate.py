"""Bring a database to the schema of this program, and make its first administrator.

Needs the ``server`` extra (alembic) and an administrator's connection: the embedded cluster's
bootstrap superuser, or the one given to ``warroom db init``.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

import migrations
from warroom.db.conninfo import normal_conninfo
from warroom.domain.principal import personal_role
from warroom.errors import SchemaOutOfDate

MIGRATIONS = Path(migrations.__file__).parent
HEAD = "0020"
"""The revision that this program needs; a test keeps it equal to the newest file."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _connect(conninfo: str) -> psycopg.Connection[tuple[object, ...]]:
    conninfo = normal_conninfo(conninfo)
    return psycopg.connect(conninfo, connect_timeout=10, options="-c timezone=UTC")


def _engine_connection(conninfo: str) -> Connection:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _connect(conninfo), poolclass=NullPool
    )
    return engine.connect()


def prepare(conninfo: str) -> None:
    """Make the cluster-wide roles and the schema that holds the version table.

    Safe to run again.  Needs a superuser, or a role that may create roles with BYPASSRLS.
    """
    with _connect(conninfo) as conn:
        conn.execute((MIGRATIONS / "sql" / "roles.sql").read_text(encoding="utf-8"))
        conn.execute("create schema if not exists warroom authorization warroom_owner")
        row = conn.execute("select current_database()").fetchone()
        assert row is not None
        name = sql.Identifier(str(row[0]))
        conn.execute(
            sql.SQL("grant create, connect, temporary on database {} to warroom_owner").format(name)
        )
        conn.execute(sql.SQL("revoke all on database {} from public").format(name))
        conn.execute(
            sql.SQL(
                "grant connect on database {} to warroom_api, warroom_engine, warroom_reader,"
                " warroom_analyst, warroom_auditor"
            ).format(name)
        )


def upgrade(conninfo: str, revision: str = "head") -> None:
    """Make the roles if they are missing, then migrate to ``revision``.

    Args:
        conninfo: libpq connection string or URL of an administrator.
        revision: an Alembic revision, ``head`` by default.
    """
    found = current_revision(conninfo)
    if found is not None and found > HEAD:
        raise SchemaOutOfDate(
            f"The database has schema {found}; this war room knows {HEAD} at most.",
            remedy="Upgrade war room; nothing was changed.",
        )
    prepare(conninfo)
    with _engine_connection(conninfo) as connection:
        command.upgrade(_config(connection), revision)
        connection.commit()


def downgrade(conninfo: str, revision: str) -> None:
    """Take migrations back down to ``revision`` (``base`` for all); data of dropped tables goes."""
    with _engine_connection(conninfo) as connection:
        command.downgrade(_config(connection), revision)
        connection.commit()


def current_revision(conninfo: str) -> str | None:
    """Return the schema revision of the database, None when it has none."""
    with _engine_connection(conninfo) as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "warroom"})
        return context.get_current_revision()


def newest_revision() -> str:
    """Return the newest revision among the files that came with this program."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head


def revisions() -> tuple[str, ...]:
    """Return every revision that came with this program, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    walk = ScriptDirectory.from_config(config).walk_revisions()
    return tuple(reversed([script.revision for script in walk]))


def bootstrap_admin(conninfo: str, name: str) -> str:
    """Make (or give a fresh token to) the administrator ``name``; return the bearer token.

    The person gets a personal database role name and a token with the scopes read, respond and
    admin.  Written by direct SQL as the owner, so the record calls it ``direct sql``.
    """
    token = f"wr_a_{secrets.token_urlsafe(32)}"
    with _connect(conninfo) as conn:
        conn.execute("set local role warroom_owner")
        row = conn.execute(
            "select id from warroom.principal where lower(name) = lower(%s)", (name,)
        ).fetchone()
        if row is None:
            row = conn.execute(
                # lint: sql-write the first administrator comes before any service
                "insert into warroom.principal (name, kind, db_role, auditor, sees_security)"
                " values (%s, 'person', %s, true, true) returning id",
                (name, personal_role(name, secrets.token_hex(4))),
            ).fetchone()
        assert row is not None
        conn.execute(
            # lint: sql-write the first administrator comes before any service
            "insert into warroom.api_token (principal_id, name, token_hash, scopes)"
            " values (%s, 'administrator', %s, '{read,respond,admin}')",
            (row[0], hashlib.sha256(token.encode()).digest()),
        )
    return token


def login_roles(conninfo: str) -> frozenset[str]:
    """Return the names of war room's roles that exist in the cluster."""
    with _connect(conninfo) as conn:
        rows = conn.execute(
            "select rolname::text from pg_roles where rolname like 'warroom\\_%'"
        ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def set_password(conninfo: str, role: str) -> str:
    """Give a login role a new random password; only its SCRAM verifier is sent."""
    password = secrets.token_urlsafe(24)
    with _connect(conninfo) as conn:
        verifier = conn.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        conn.execute(
            sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(verifier))
        )
    return password


def url_for(conninfo: str, role: str, password: str) -> str:
    """Return the URL of ``role`` on the database that ``conninfo`` names."""
    given = conninfo_to_dict(normal_conninfo(conninfo))
    parts = {k: quote(str(v), safe="") for k, v in given.items() if v is not None}
    for replaced in ("user", "password"):
        parts.pop(replaced, None)
    name = parts.pop("dbname", "warroom")
    host, port = parts.pop("host", ""), parts.pop("port", "")
    if "%2F" in host:  # a socket's folder cannot stand where a host name does
        parts["host"], host = host, ""
    more = "&".join(f"{k}={v}" for k, v in ({"port": port} if port and not host else {}).items())
    query = "&".join([f"{k}={v}" for k, v in parts.items()] + ([more] if more else []))
    where = f"{host}:{port}" if host and port else host
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{login}@{where}/{name}" + (f"?{query}" if query else "")


def check(conninfo: str) -> list[dict[str, Any]]:
    """Check version, schema, roles, partitions and the record.

    Returns:
        One ``{check, ok, sentence, remedy}`` each.
    """
    found = current_revision(conninfo)
    checks: list[dict[str, Any]] = []

    def add(name: str, ok: bool, sentence: str, remedy: str = "") -> None:
        checks.append(
            {"check": name, "ok": ok, "sentence": sentence, "remedy": "" if ok else remedy}
        )

    with _connect(conninfo) as conn:
        version = conn.info.server_version
        add("version", version >= 150000, f"PostgreSQL {version // 10000}", "Use 15 or newer.")
        add("schema", found == HEAD, f"schema {found}, this program needs {HEAD}",
            "Type: warroom db migrate")  # fmt: skip
        if found != HEAD:
            return checks
        unsafe = conn.execute(
            "select rolname::text from pg_roles where rolname in ('warroom_api',"
            " 'warroom_engine', 'warroom_reader') and (rolsuper or rolbypassrls or"
            " pg_has_role(oid, 'warroom_owner', 'member'))"
        ).fetchall()
        names = ", ".join(str(r[0]) for r in unsafe)
        add("roles", not unsafe, f"unsafe roles: {names}" if unsafe else "roles are separate",
            "Take SUPERUSER, BYPASSRLS and membership of warroom_owner away.")  # fmt: skip
        ahead = conn.execute(
            "select to_regclass('warroom_parts.audit_' || to_char(now() at time zone 'UTC'"
            " + interval '1 month', 'YYYYMM')) is not null"
        ).fetchone()
        add("partitions", bool(ahead and ahead[0]), "next month's partitions",
            "Start `warroom engine`: it makes them.")  # fmt: skip
        verdict = conn.execute(
            "select max(entries), max(erased), count(problem) from read_v1.audit_verify()"
        ).fetchone()
        entries, erased, problems = verdict or (0, 0, 1)
        add("record", problems == 0,
            f"{entries} audit entries, {erased} erased by law, {problems} problems",
            "Type: warroom audit verify")  # fmt: skip
    return checks
