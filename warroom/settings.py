"""Settings: one frozen dataclass, read from a TOML file and the environment.

Standard library and platformdirs only.  ``docs/configuration.md`` is made from the fields.
Later sources win: default, file, environment, the caller's overrides (command-line options).
An unknown key is an error that names the nearest known one: a misspelt limit that is silently
ignored is worse than no limit.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import platformdirs

from warroom.setting_health import HealthSettings
from warroom.setting_sources import CONFIG_ENV, env_name, read_environ, read_file
from warroom.setting_types import (
    Meta,
    http_url,
    is_database_url,
    parse,
    setting,
    token_in,
    zone,
)

SYSTEM_CONFIG: Final = Path("/etc/warroom/warroom.toml")


def default_data_dir() -> Path:
    """Return ``/var/lib/warroom`` for root, else the platform's data directory of the user."""
    if os.geteuid() == 0:
        return Path("/var/lib/warroom")
    return Path(platformdirs.user_data_dir("warroom"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(HealthSettings):
    """All settings, with defaults that suit one machine. Secrets are left out of ``repr``."""

    database_url: str | None = setting(
        None,
        "database.url",
        "PostgreSQL 15 or newer to use instead of the embedded one; the role in it is the one "
        "that this process works as (warroom_api for `serve`, warroom_engine for `engine`).",
        secret=True,
        check=is_database_url,
    )
    engine_database_url: str | None = setting(
        None,
        "database.engine_url",
        "The engine's own URL, when one file serves API and engine; `database.url` if not set.",
        secret=True,
        check=is_database_url,
    )
    admin_database_url: str | None = setting(
        None,
        "database.admin_url",
        "The URL of a superuser or of the owner, used by `warroom db init` and `migrate` only; "
        "`database.url` if not set.",
        secret=True,
        check=is_database_url,
    )
    console_database_url: str | None = setting(
        None,
        "database.console_url",
        "Where the console reads, instead of with the short-lived login that it asks the API for.",
        secret=True,
        check=is_database_url,
    )
    statement_timeout_ms: int = setting(
        5000,
        "database.statement_timeout_ms",
        "The server cancels a statement that runs longer.",
        unit="ms",
        minimum=1,
        maximum=600_000,
    )
    lock_timeout_ms: int = setting(
        1000,
        "database.lock_timeout_ms",
        "A command gives up waiting for a locked row after this time; nothing is changed then.",
        unit="ms",
        minimum=1,
        maximum=60_000,
    )
    db_deadline_seconds: float = setting(
        5.0,
        "database.deadline_seconds",
        "A command whose commit is not answered in this time has an unknown outcome, and its "
        "connection is cut.",
        unit="s",
        minimum=0.05,
        maximum=600,
    )
    read_deadline_seconds: float = setting(
        1.0,
        "database.read_deadline_seconds",
        "A read of the console that is not answered in this time is given up, and its "
        "connection is cut.",
        unit="s",
        minimum=0.05,
        maximum=600,
    )
    pool_size: int = setting(
        8,
        "database.pool_size",
        "Connections that one process keeps to the database at most.",
        minimum=1,
        maximum=500,
    )
    api_url: str = setting(
        "http://127.0.0.1:8420",
        "api.url",
        "Where console and command line find the API; `warroom up` writes down its own.",
        check=http_url,
    )
    api_host: str = setting(
        "127.0.0.1", "api.host", "The address that `warroom serve` and `warroom up` listen on."
    )
    api_port: int = setting(
        8420,
        "api.port",
        "The port that they listen on; `up` and `demo` take the next free one when it is busy, "
        "0 means any free one.",
        minimum=0,
        maximum=65_535,
    )
    api_timeout_seconds: float = setting(
        10.0,
        "api.timeout_seconds",
        "Console and command line wait this long for an answer of the API.",
        unit="s",
        minimum=0.1,
        maximum=600,
    )
    body_limit_bytes: int = setting(
        8 * 1024 * 1024,
        "api.body_limit_bytes",
        "The largest request body, as sent and after decompression.",
        unit="bytes",
        minimum=1024,
        maximum=1024**3,
    )
    import_limit_bytes: int = setting(
        32 * 1024 * 1024,
        "api.import_limit_bytes",
        "The largest body of a catalogue import; every other body is bounded by the limit above.",
        unit="bytes",
        minimum=1024,
        maximum=1024**3,
    )
    token: str | None = setting(
        None, "auth.token", "The API token of console and command line.", secret=True
    )
    token_file: Path | None = setting(
        None, "auth.token_file", "A file that holds the token; read when `auth.token` is not set."
    )
    data_dir: Path = setting(
        default_data_dir,
        "embedded.data_dir",
        "Where `warroom up` keeps its database, logs and runtime file.",
        shown_default="`/var/lib/warroom` for root, else the platform's user data directory",
    )
    pg_bin: Path | None = setting(
        None,
        "embedded.pg_bin",
        "The directory of other PostgreSQL binaries (initdb, pg_ctl, postgres) than those of the "
        "wheel, e.g. /usr/lib/postgresql/15/bin.",
    )
    log_format: str = setting(
        "console", "log.format", "How the servers write their logs.", choices=("console", "json")
    )
    log_level: str = setting(
        "info",
        "log.level",
        "The least severe messages that are logged.",
        choices=("debug", "info", "warning", "error"),
    )
    service_label: str = setting(
        "service", "ingest.service_label", "The alert label that names the service."
    )
    severity_label: str = setting(
        "severity", "ingest.severity_label", "The alert label that carries the severity."
    )
    group_window_seconds: int = setting(
        600,
        "ingest.group_window_seconds",
        "Alerts of a service that come within this time of the last join its open incident.",
        unit="s",
        minimum=0,
        maximum=7 * 86_400,
    )
    report_form: bool = setting(
        False,
        "ingest.report_form",
        "Whether anybody may report a problem at /report, without a token; it goes into triage.",
    )
    change_look_back_seconds: int = setting(
        14_400,
        "changes.look_back_seconds",
        "How long before an incident a change may have begun to be looked at as its cause.",
        unit="s",
        minimum=60,
        maximum=30 * 86_400,
    )
    ingest_queue_max: int = setting(
        20_000,
        "ingest.queue_max",
        "Alerts that may wait to be stored, and a fourth of it on top from critical sources; "
        "beyond it the API answers 503 (429 where the dialect's clients repeat that).",
        unit="alerts",
        minimum=1,
        maximum=10_000_000,
    )
    ingest_batch_max: int = setting(
        1000,
        "ingest.batch_max",
        "Alerts that are stored in one transaction at most; fewer while one takes over a second.",
        unit="alerts",
        minimum=1,
        maximum=100_000,
    )
    engine_tick_seconds: float = setting(
        1.0,
        "engine.tick_seconds",
        "The longest pause between two looks at the due timers and the outbox.",
        unit="s",
        minimum=0.05,
        maximum=60,
    )
    engine_batch: int = setting(
        200,
        "engine.batch",
        "Due timers or messages that are claimed in one transaction.",
        minimum=1,
        maximum=10_000,
    )
    lease_seconds: float = setting(
        15.0,
        "engine.lease_seconds",
        "How long another engine waits for one that no longer answers.",
        unit="s",
        minimum=1,
        maximum=3600,
    )
    poll_seconds: float = setting(
        1.0,
        "console.poll_seconds",
        "The console reads again after this time when no hint of a change arrived.",
        unit="s",
        minimum=0.1,
        maximum=60,
    )
    theme: str = setting(
        "auto",
        "console.theme",
        "The colour theme's name; auto chooses what the terminal can show.",
    )
    keymap_file: Path | None = setting(
        None, "console.keymap_file", "A TOML file that binds other keys to the console's actions."
    )
    bell: bool = setting(
        True,
        "console.bell",
        "Ring the terminal's bell when a new SEV1 or SEV2 appears, or a clock runs out.",
    )
    notify_osc9: bool = setting(
        True, "console.notify_osc9", "Notify by OSC 9 when a clock runs out."
    )
    notify_osc777: bool = setting(
        True, "console.notify_osc777", "Notify by OSC 777 when a clock runs out."
    )
    tmux_passthrough: bool = setting(
        False,
        "console.tmux_passthrough",
        "Inside tmux, send notifications on to the terminal; tmux must allow it too.",
    )
    time_zone: str = setting(
        "UTC", "console.time_zone", "The IANA time zone of the clocks on the screen.", check=zone
    )

    def bearer_token(self) -> str | None:
        """Return the token, its file's (see ``token_in``), or None when neither is set."""
        if self.token or self.token_file is None:
            return self.token
        return token_in(self.token_file)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and where each came from: field name -> ``default``, a file or a variable."""

    settings: Settings
    origins: Mapping[str, str]
    config_file: Path | None


def fields() -> tuple[tuple[str, str, Meta], ...]:
    """Return (name, annotation, meta) of every setting, in the order of the reference."""
    found = [(f.name, str(f.type), f.metadata["meta"]) for f in dataclasses.fields(Settings)]
    sections = list(dict.fromkeys(meta.section for _, _, meta in found))
    # Inherited ones come first in Python; in the reference a section stands together.
    return tuple(sorted(found, key=lambda field: sections.index(field[2].section)))


def config_candidates() -> tuple[Path, ...]:
    """Return the files that are looked for when none is named; the first that exists is read."""
    return Path(platformdirs.user_config_dir("warroom")) / "warroom.toml", SYSTEM_CONFIG


def load_settings(
    config: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings; see ``load``."""
    return load(config, environ=environ, overrides=overrides).settings


def load(
    config: Path | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> LoadedSettings:
    """Read the settings and remember where each came from.

    Args:
        config: the TOML file; None looks at WARROOM_CONFIG, then at ``config_candidates``.
        environ: the environment, ``os.environ`` if None.
        overrides: field name -> value of the right type or text; None values are skipped.

    Raises:
        ConfigurationError: the file, a key or a value cannot be used; says which and the remedy.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins = {name: "default" for name, _, _ in fields()}
    path = _find_config(config, environ)
    if path is not None:
        by_key = {meta.key: (name, annotation, meta) for name, annotation, meta in fields()}
        for name, value in read_file(path, by_key).items():
            values[name], origins[name] = value, str(path)
    by_variable = {env_name(name): (name, annotation, meta) for name, annotation, meta in fields()}
    for name, value in read_environ(environ, by_variable).items():
        values[name], origins[name] = value, env_name(name)
    by_name = {name: (annotation, meta) for name, annotation, meta in fields()}
    for name, raw in (overrides or {}).items():
        if raw is not None:
            annotation, meta = by_name[name]
            values[name] = parse(annotation, meta, raw, "the command line", env_name(name))
            origins[name] = "command line"
    return LoadedSettings(Settings(**values), MappingProxyType(origins), path)


def _find_config(config: Path | str | None, environ: Mapping[str, str]) -> Path | None:
    named = config or environ.get(CONFIG_ENV)
    if named:
        return Path(named).expanduser()
    return next((path for path in config_candidates() if path.is_file()), None)
