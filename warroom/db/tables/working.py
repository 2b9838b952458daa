"""What the processes work with: messages on their way out, leases, idempotency."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from warroom.db.tables.base import Moment, metadata

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("dedup_key", sa.Text, nullable=False),
    sa.Column("incident_id", sa.Uuid),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", Moment),
    sa.Column("sent_at", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("ran_at", Moment),
    sa.Column("sentence", sa.Text, nullable=False),
)
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("principal_id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("answer", JSONB),
    sa.Column("created_at", Moment, nullable=False),
)
