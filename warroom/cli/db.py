"""`warroom db`: make, migrate and check a database on one's own PostgreSQL."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from warroom.cli.common import (
    SubParsers,
    add_config,
    add_json,
    print_json,
    print_table,
    say,
    settings_from,
)
from warroom.errors import ConfigurationError, DatabaseUnavailable

if TYPE_CHECKING:
    from warroom.settings import Settings


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("db", help="init, migrate and check one's own PostgreSQL")
    add_config(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    init = verbs.add_parser(
        "init",
        help="make roles, schema and the first administrator (needs an administrator's URL)",
    )
    init.add_argument("--admin", default="admin", metavar="NAME", help="the first administrator")
    init.add_argument(
        "--set-passwords",
        action="store_true",
        help="give warroom_api and warroom_engine new passwords although they exist already",
    )
    add_json(init)
    migrate = verbs.add_parser("migrate", help="bring the schema to this program's")
    add_json(migrate)
    check = verbs.add_parser("check", help="say whether schema, roles and record are in order")
    add_json(check)


def run(args: argparse.Namespace) -> int:
    """Do what the verb says; 0 when all is well."""
    settings = settings_from(args)
    try:
        return int({"init": _init, "migrate": _migrate, "check": _check}[args.verb](args, settings))
    except ImportError as error:
        raise ConfigurationError(
            f"`warroom db` needs the server extra ({error.name} is missing).",
            remedy="Type: pip install 'warroom[server]'",
        ) from error


def _administrator(settings: Settings) -> str:
    url = settings.admin_database_url or settings.database_url
    if url is None:
        raise ConfigurationError(
            "No database is configured.",
            field="database.admin_url",
            remedy="Set WARROOM_ADMIN_DATABASE_URL (an administrator's) or WARROOM_DATABASE_URL, "
            "e.g. postgresql://postgres@db.example/warroom",
        )
    return url


def _guarded(call: Any, *values: Any) -> Any:
    import psycopg

    try:
        return call(*values)
    except psycopg.Error as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise DatabaseUnavailable(
            f"The database refused: {said[0]}; nothing was changed.",
            remedy="Check the URL and that its role is an administrator.",
        ) from error


def _init(args: argparse.Namespace, settings: Settings) -> int:
    from warroom.db import migrate

    url = _administrator(settings)
    before = _guarded(migrate.login_roles, url)
    _guarded(migrate.upgrade, url)
    passwords = {
        role: _guarded(migrate.set_password, url, role)
        for role in ("warroom_api", "warroom_engine")
        if args.set_passwords or role not in before
    }
    token = _guarded(migrate.bootstrap_admin, url, args.admin)
    urls = {role: migrate.url_for(url, role, password) for role, password in passwords.items()}
    document = {
        "schema": migrate.HEAD,
        "administrator": args.admin,
        "token": token,
        "database_url": urls.get("warroom_api"),
        "engine_database_url": urls.get("warroom_engine"),
    }
    if args.json:
        print_json(document)
        return 0
    say(f"schema {migrate.HEAD} is in place; {args.admin} is the administrator")
    say("Keep these three; they are shown once:")
    say(f"  WARROOM_TOKEN={token}")
    for name, role in (("DATABASE_URL", "warroom_api"), ("ENGINE_DATABASE_URL", "warroom_engine")):
        say(f"  WARROOM_{name}={urls.get(role, '(unchanged; --set-passwords makes a new one)')}")
    say("Then: `warroom serve`, `warroom engine`, `warroom console`.")
    return 0


def _migrate(args: argparse.Namespace, settings: Settings) -> int:
    from warroom.db import migrate

    url = _administrator(settings)
    before = _guarded(migrate.current_revision, url)
    _guarded(migrate.upgrade, url)
    if args.json:
        print_json({"before": before, "after": migrate.HEAD})
    elif before == migrate.HEAD:
        say(f"schema {migrate.HEAD} is in place already")
    else:
        say(f"schema {before or 'none'} -> {migrate.HEAD}")
    return 0


def _check(args: argparse.Namespace, settings: Settings) -> int:
    from warroom.db import migrate

    checks = _guarded(migrate.check, _administrator(settings))
    good = all(check["ok"] for check in checks)
    if args.json:
        print_json({"ok": good, "checks": checks})
    else:
        rows = [{**check, "ok": "yes" if check["ok"] else "NO"} for check in checks]
        print_table(rows, ("ok", "check", "sentence", "remedy"))
    return 0 if good else 1
