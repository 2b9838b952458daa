"""The record and the measured past: audit, history, samples of replication."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE

from warroom.db.tables.base import XID8, Moment, metadata

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("xid", XID8, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Uuid),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("origin", sa.Text),
    sa.Column("session_role", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("op", sa.Text, nullable=False),
    sa.Column("row_id", sa.Uuid),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("incident_id", sa.Uuid),
    sa.Column("unit", sa.Text),
    sa.Column("visibility", sa.Text),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.Text),
    sa.Column("payload_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("row_id", sa.Uuid, nullable=False),
    sa.Column("valid", TSTZRANGE, nullable=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("incident_id", sa.Uuid),
    sa.Column("unit", sa.Text),
    sa.Column("visibility", sa.Text),
)
replication_sample = sa.Table(
    "replication_sample",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("sampled_at", Moment, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("state", sa.Text),
    sa.Column("sync_state", sa.Text),
    sa.Column("timeline_id", sa.Integer),
    sa.Column("lag_bytes", sa.BigInteger),
    sa.Column("lag_s", sa.Float),
    sa.Column("slot", sa.Text),
    sa.Column("retained_wal_bytes", sa.BigInteger),
    sa.Column("detail", JSONB, nullable=False),
)
