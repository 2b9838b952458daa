"""The checks of ``warroom doctor`` that ask something else: API, token and database."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from warroom.cli.checks import Check, Context, State
from warroom.errors import ConfigurationError

TIMEOUT_S: Final = 3.0

# One row: version, dangerous rights of the connected role, and whether war room's schema exists.
_ROLE_SQL: Final = """
select current_setting('server_version_num')::int / 10000,
       session_user::text,
       r.rolsuper or r.rolbypassrls or r.rolreplication
         or exists (select from pg_namespace n
                    where n.nspname = 'warroom' and pg_has_role(r.oid, n.nspowner, 'MEMBER')),
       to_regnamespace('warroom') is not null
from pg_roles r where r.rolname = session_user
"""

_REVISION_READABLE_SQL: Final = """
select case when to_regclass('warroom.alembic_version') is null then false
            else has_table_privilege(to_regclass('warroom.alembic_version'), 'SELECT') end
"""
_REVISION_SQL: Final = "select version_num from warroom.alembic_version"


def api(context: Context) -> Check | None:
    """Whether the API answers, and whether its database answers it."""
    import httpx

    url, chosen = _api_url(context)
    try:
        answer = httpx.get(f"{url}/readyz", timeout=TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        sentence = f"{url} does not answer ({error.__class__.__name__})."
        if not chosen:
            return Check("api", State.WARN, f"Nothing runs here: {sentence}", "warroom up")
        return Check("api", State.FAIL, sentence, "Start it, or correct WARROOM_API_URL.")
    if answer.status_code == httpx.codes.OK:
        return Check("api", State.OK, f"{url} is ready.")
    return Check(
        "api",
        State.FAIL,
        f"{url} answers {answer.status_code}: its database does not answer it.",
        "warroom logs",
    )


def token(context: Context) -> Check | None:
    """Whether the token opens the API."""
    import httpx

    try:
        secret = context.settings.bearer_token() or _runtime(context).get("token")
    except ConfigurationError as error:
        return Check("token", State.FAIL, error.message, error.remedy or "")
    url, chosen = _api_url(context)
    if secret is None:
        if not chosen:
            return None
        return Check("token", State.FAIL, "No API token is configured.", "Set WARROOM_TOKEN_FILE.")
    try:
        answer = httpx.get(
            f"{url}/v1/me",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
    except (httpx.HTTPError, UnicodeEncodeError):
        return None  # the check of the API has said so
    if answer.status_code == httpx.codes.OK:
        name = answer.json().get("name", "?") if _is_object(answer) else "?"
        return Check("token", State.OK, f"The API knows this token as {name}.")
    return Check(
        "token",
        State.FAIL,
        f"The API refuses this token ({answer.status_code}).",
        "Ask an administrator for a new one: warroom token add",
    )


def database(context: Context) -> Check | None:
    """Whether one's own database can be reached with a role that is safe to work as."""
    url = context.settings.database_url
    if url is None:
        return None
    import psycopg

    from warroom.db.conninfo import normal_conninfo

    try:
        conninfo = normal_conninfo(url)
        with psycopg.connect(conninfo, connect_timeout=int(TIMEOUT_S), autocommit=True) as conn:
            row = conn.execute(_ROLE_SQL).fetchone()
            readable = conn.execute(_REVISION_READABLE_SQL).fetchone() == (True,)
            revision = conn.execute(_REVISION_SQL).fetchone() if readable else None
    except psycopg.Error as error:
        words = str(error).strip().splitlines() or [error.__class__.__name__]
        return Check(
            "database",
            State.FAIL,
            f"The database cannot be reached: {words[0]}",
            "Correct WARROOM_DATABASE_URL.",
        )
    assert row is not None
    major, role, dangerous, has_schema = row
    if not 15 <= major <= 18:
        return Check(
            "database", State.FAIL, f"PostgreSQL {major} is not supported.", "Use 15 to 18."
        )
    if not has_schema:
        return Check(
            "database",
            State.FAIL,
            "The database holds no war room yet.",
            "warroom db init",
        )
    needed = _needed_revision()
    if revision is not None and needed is not None and revision[0] != needed:
        return Check(
            "database",
            State.FAIL,
            f"The schema is at revision {revision[0]}, this program needs {needed}.",
            "warroom db migrate",
        )
    if dangerous:
        return Check(
            "database",
            State.FAIL,
            f"The role {role} is superuser, owner, BYPASSRLS or REPLICATION.",
            "Use warroom_api for the API and warroom_engine for the engine.",
        )
    return Check("database", State.OK, f"PostgreSQL {major} as {role}, a role without power.")


def _needed_revision() -> str | None:
    """Return the schema's revision that this program needs; None without the server extra."""
    if importlib.util.find_spec("alembic") is None:
        return None
    from warroom.db.migrate import newest_revision

    return newest_revision()


def _is_object(answer: object) -> bool:
    body = getattr(answer, "text", "")
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _api_url(context: Context) -> tuple[str, bool]:
    """Return the API's address, and whether anybody chose it or runs it."""
    if context.is_set("api_url"):
        return context.settings.api_url.rstrip("/"), True
    running = _runtime(context).get("api_url")
    return (running or context.settings.api_url).rstrip("/"), running is not None


def _runtime(context: Context) -> dict[str, str]:
    """Return what a running ``warroom up`` wrote down: its address and the token beside it."""
    found: dict[str, str] = {}
    try:
        runtime = json.loads((context.settings.data_dir / "runtime.json").read_text("utf-8"))
        if isinstance(runtime, dict) and isinstance(runtime.get("api_url"), str):
            found["api_url"] = runtime["api_url"]
            found["token"] = Path(str(runtime["admin_token_file"])).read_text("utf-8").strip()
    except (OSError, ValueError, KeyError):
        pass  # nothing runs, or it is another user's
    return found


REMOTE_CHECKS: Final[tuple[Callable[[Context], Check | None], ...]] = (api, token, database)
