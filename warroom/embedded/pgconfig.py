"""The configuration files of the embedded PostgreSQL: who may connect, and how it is tuned.

They are written at every start, so that an upgrade of war room brings its own along; what an
operator adds stands in ``local.conf`` beside them and is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from warroom.embedded.identity import Identity

SUPERUSER = "warroom_super"
PEER_ROLES = (SUPERUSER, "warroom_api", "warroom_engine")
REPLICA = "warroom_replica"
"""May replicate and nothing else; made together with the first standby."""
OWN_FILE = "warroom.conf"
LOCAL_FILE = "local.conf"

# Plain defaults; PostgreSQL's own hold for everything that is not named.
SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder is the fence, authentication the lock
    "password_encryption": "scram-sha-256",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "wal_keep_size": "64MB",
    # A standby that stays away costs so much disk and no more; it is made anew then.
    "max_slot_wal_keep_size": "1GB",
    "wal_sender_timeout": "10s",
    "hot_standby": "on",
    "track_commit_timestamp": "off",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",  # stderr is the log file, opened by whoever starts the server
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    "log_min_duration_statement": "2s",
    # A stopped engine or a forgotten psql must not keep its row locks.
    "idle_in_transaction_session_timeout": "60s",
    # A client on the same machine that is gone is noticed by its socket, not by these.
    "client_connection_check_interval": "10s",
}

# For tests and throw-away clusters only: a power cut loses the data.
UNSAFE_FAST: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "wal_keep_size": "0",
    "autovacuum_naptime": "10s",
}


def write_configuration(data: Path, identity: Identity, extra: Mapping[str, str]) -> None:
    """Write every file that decides about access and tuning into the data directory."""
    _write(data / "pg_hba.conf", _hba(), identity)
    _write(data / "pg_ident.conf", _ident(identity), identity)
    _write(data / OWN_FILE, _conf({**SERVER_SETTINGS, **extra}), identity)
    main = data / "postgresql.conf"
    text = main.read_text(encoding="utf-8") if main.exists() else ""
    include = f"include '{OWN_FILE}'"
    if include not in text:
        lines = f"\n# War room's own settings, then yours.\n{include}\n"
        _write(main, f"{text}{lines}include_if_exists '{LOCAL_FILE}'\n", identity)


def _hba() -> str:
    roles = ",".join(PEER_ROLES)
    return (
        "# Written at every start. Local only; passwords are SCRAM; nobody is trusted.\n"
        f"local  all  {roles}  peer map=warroom\n"
        "local  all  all  scram-sha-256\n"
        f"local  replication  {REPLICA}  scram-sha-256\n"
    )


def _ident(identity: Identity) -> str:
    lines = [f'warroom  "{user}"  {role}' for user in identity.trusted_users for role in PEER_ROLES]
    return "# Written at every start. map, system user, role.\n" + "\n".join(lines) + "\n"


def _conf(settings: Mapping[str, str]) -> str:
    quoted = (
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()
    )
    return f"# Written at every start: put your own settings into {LOCAL_FILE}.\n" + "\n".join(
        (*quoted, "")
    )


def _write(path: Path, text: str, identity: Identity) -> None:
    """Replace ``path`` as a whole: a half-written pg_hba.conf would lock everybody out."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(text, encoding="utf-8")
    identity.own(temporary)
    temporary.replace(path)
