"""What can break: services, and what they depend on."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from warroom.db.tables.base import Moment, metadata

service = sa.Table(
    "service",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("tier", sa.SmallInteger, nullable=False),
    sa.Column("team_id", sa.Uuid, nullable=False),
    sa.Column("policy_id", sa.Uuid),
    sa.Column("region", sa.Text),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("customers", sa.BigInteger),
    sa.Column("user_share", sa.Numeric),
    sa.Column("health", sa.Text, nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("runbook_url", sa.Text),
    sa.Column("custom", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
dependency = sa.Table(
    "dependency",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("depends_on_id", sa.Uuid, nullable=False),
    sa.Column("hardness", sa.Text, nullable=False),
    sa.Column("redundancy_group", sa.Text),
    sa.Column("redundancy_needed", sa.SmallInteger),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
