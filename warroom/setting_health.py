"""The settings of the standby and of the database's health: a part of ``warroom.settings``."""

from __future__ import annotations

from dataclasses import dataclass

from warroom.setting_tls import TlsSettings
from warroom.setting_types import is_database_url, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings(TlsSettings):
    """Whether there is a standby, who reads from it, and from which figure on it is not well."""

    standby: bool = setting(
        False,
        "embedded.standby",
        "Run a streaming standby beside the embedded database; one that was made once is started "
        "again without it.",
    )
    read_from: str = setting(
        "primary",
        "database.read_from",
        "Which server the console reads: the primary, a standby (polled; how old its picture is "
        "is shown), or auto: a standby while it is close behind. A standby that is away is "
        "replaced by the primary, and every border says so: `live 0.6 s from primary (standby "
        "gone)`.",
        choices=("primary", "standby", "auto"),
    )
    standby_database_url: str | None = setting(
        None,
        "database.standby_url",
        "The standby that the console reads from, and that the engine asks whether it was promoted "
        "when it is gone; `warroom up --standby` writes down its own.",
        secret=True,
        check=is_database_url,
    )
    health_lag_seconds: float = setting(
        2.0,
        "health.lag_seconds",
        "A standby that is further behind is bad; from half of it on it is warned about.",
        unit="s",
        minimum=0.1,
        maximum=86_400,
    )
    health_retained_bytes: int = setting(
        512 * 1024 * 1024,
        "health.retained_bytes",
        "A slot that keeps more WAL is bad; from half of it on it is warned about.",
        unit="bytes",
        minimum=1024 * 1024,
        maximum=1024**5,
    )
    health_connections_percent: float = setting(
        90.0,
        "health.connections_percent",
        "More used connections are bad, in per cent of max_connections.",
        unit="%",
        minimum=1,
        maximum=100,
    )
    health_transaction_seconds: float = setting(
        60.0,
        "health.transaction_seconds",
        "A transaction that has been open longer is bad.",
        unit="s",
        minimum=0.1,
        maximum=86_400,
    )
    health_slow_statement_ms: int = setting(
        500,
        "health.slow_statement_ms",
        "A statement that takes longer is slow, and is warned about.",
        unit="ms",
        minimum=1,
        maximum=3_600_000,
    )
    health_slow_alert_ms: int = setting(
        5_000,
        "health.slow_alert_ms",
        "A statement that takes longer is bad.",
        unit="ms",
        minimum=1,
        maximum=3_600_000,
    )
    health_wal_bytes: int = setting(
        50 * 1024 * 1024,
        "health.wal_bytes",
        "More WAL a second, on average of a minute, is bad; from half of it on it is warned about.",
        unit="bytes",
        minimum=1024,
        maximum=1024**4,
    )
    health_dead_rows: int = setting(
        100_000,
        "health.dead_rows",
        "A table with more dead rows, and more than live ones, is bad; from a tenth of it on it is "
        "warned about.",
        minimum=10,
        maximum=10**12,
    )
    health_vacuum_seconds: float = setting(
        3_600.0,
        "health.vacuum_seconds",
        "A table that is due for a vacuum by autovacuum's default rule and had none for longer is "
        "bad; from half of it on it is warned about.",
        unit="s",
        minimum=1,
        maximum=31_536_000,
    )
    health_size_bytes: int = setting(
        100 * 1024**3,
        "health.size_bytes",
        "A larger database is bad; from four fifths of it on it is warned about. Set it to what "
        "your disk has room for: the server does not tell how much is free.",
        unit="bytes",
        minimum=1024 * 1024,
        maximum=1024**5,
    )
    health_growth_bytes: int = setting(
        10 * 1024**3,
        "health.growth_bytes",
        "A database that grew by more within an hour is bad; from half of it on it is warned "
        "about.",
        unit="bytes",
        minimum=1024,
        maximum=1024**5,
    )
    health_intake_lag_seconds: float = setting(
        15.0,
        "health.intake_lag_seconds",
        "Alerts that were taken and wait for longer to be stored and shown are bad; from half of "
        "it on it is warned about.",
        unit="s",
        minimum=0.1,
        maximum=86_400,
    )
