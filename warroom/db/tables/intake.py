"""What stands around the doors: waiting bodies, old secrets, refusals, heartbeats, quarantine."""

from __future__ import annotations

import sqlalchemy as sa

from warroom.db.tables.base import Moment, metadata

intake = sa.Table(
    "intake",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("source_id", sa.Uuid, nullable=False),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("alerts", sa.Integer, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
)
source_secret = sa.Table(
    "source_secret",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("source_id", sa.Uuid, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
source_tally = sa.Table(
    "source_tally",
    metadata,
    sa.Column("source_id", sa.Uuid, primary_key=True),
    sa.Column("why", sa.Text, primary_key=True),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)
heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("service_key", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("window_s", sa.Integer, nullable=False),
    sa.Column("grace_s", sa.Integer, nullable=False),
    sa.Column("paused_at", Moment),
    sa.Column("resumed_at", Moment),
    sa.Column("removed_at", Moment),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
heartbeat_state = sa.Table(
    "heartbeat_state",
    metadata,
    sa.Column("heartbeat_id", sa.Uuid, primary_key=True),
    sa.Column("last_beat_at", Moment, nullable=False),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("alerted_at", Moment),
)
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("delivery_id", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("fixed_body", sa.Text),
    sa.Column("fixed_by", sa.Uuid),
    sa.Column("fixed_at", Moment),
    sa.Column("replays", sa.Integer, nullable=False),
    sa.Column("replayed_as", sa.Uuid),
    sa.Column("decided_by", sa.Uuid),
    sa.Column("decided_at", Moment),
    sa.Column("reason", sa.Text),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
