"""Who there is and how they get in: people, teams, policies, tokens, sources, channels, fields."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from warroom.db.tables.base import Moment, metadata

principal = sa.Table(
    "principal",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("units", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("sees_security", sa.Boolean, nullable=False),
    sa.Column("sees_all", sa.Boolean, nullable=False),
    sa.Column("auditor", sa.Boolean, nullable=False),
    sa.Column("db_role", sa.Text),
    sa.Column("disabled_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
team = sa.Table(
    "team",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
team_member = sa.Table(
    "team_member",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("team_id", sa.Uuid, nullable=False),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
escalation_policy = sa.Table(
    "escalation_policy",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("repeat_count", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
escalation_step = sa.Table(
    "escalation_step",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("policy_id", sa.Uuid, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("delay_s", sa.Integer, nullable=False),
    sa.Column("target_kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("source_id", sa.Uuid),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
source = sa.Table(
    "source",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("team_id", sa.Uuid),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("severity_map", JSONB, nullable=False),
    sa.Column("service_label", sa.Text),
    sa.Column("paused_at", Moment),
    sa.Column("last_seen_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
    sa.Column("secret", sa.Text),
    sa.Column("mapping", JSONB),
)
source_identity = sa.Table(
    "source_identity",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("source_id", sa.Uuid, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
channel = sa.Table(
    "channel",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("secret", sa.Text),
    sa.Column("disabled_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
field_definition = sa.Table(
    "field_definition",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("noun", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("choices", JSONB),
    sa.Column("required", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
    sa.Column("max_length", sa.Integer),
    sa.Column("pattern", sa.Text),
)
