"""The tables as SQLAlchemy sees them: structure for Core statements and for checking names.

Written to mirror ``migrations/sql`` exactly, a module for each group of nouns;
``tests/db/test_tables.py`` compares them with the catalogue of a migrated database, column by
column.  Constraints, triggers and policies live in the migrations alone: nothing here ever creates
a table.
"""

from warroom.db.tables.alerts import alert, alert_event, delivery
from warroom.db.tables.base import metadata
from warroom.db.tables.catalogue import catalog_import, catalog_proposal, dependency, service
from warroom.db.tables.changes import (
    change_event,
    change_service,
    freeze,
    freeze_exception,
    freeze_policy,
    incident_change,
    mitigation_lock,
)
from warroom.db.tables.directory import (
    api_token,
    channel,
    escalation_policy,
    escalation_step,
    field_definition,
    principal,
    source,
    source_identity,
    team,
    team_member,
)
from warroom.db.tables.incidents import (
    handover,
    incident,
    incident_access,
    incident_impact,
    incident_link,
    incident_relation,
    incident_service,
    restart_tick,
    role_held,
    timer,
)
from warroom.db.tables.intake import (
    heartbeat,
    heartbeat_state,
    intake,
    quarantine,
    source_secret,
    source_tally,
)
from warroom.db.tables.log import evidence, hypothesis, pin, timeline
from warroom.db.tables.record import audit, history, replication_sample
from warroom.db.tables.rules import alert_rule, alert_type, triage_item
from warroom.db.tables.silences import silence
from warroom.db.tables.working import idempotency, lease, outbox

__all__ = [
    "alert",
    "alert_event",
    "alert_rule",
    "alert_type",
    "api_token",
    "audit",
    "catalog_import",
    "catalog_proposal",
    "change_event",
    "change_service",
    "channel",
    "delivery",
    "dependency",
    "escalation_policy",
    "escalation_step",
    "evidence",
    "field_definition",
    "freeze",
    "freeze_exception",
    "freeze_policy",
    "handover",
    "heartbeat",
    "heartbeat_state",
    "history",
    "hypothesis",
    "idempotency",
    "incident",
    "incident_access",
    "incident_change",
    "incident_impact",
    "incident_link",
    "incident_relation",
    "incident_service",
    "intake",
    "lease",
    "metadata",
    "mitigation_lock",
    "outbox",
    "pin",
    "principal",
    "quarantine",
    "replication_sample",
    "restart_tick",
    "role_held",
    "service",
    "silence",
    "source",
    "source_identity",
    "source_secret",
    "source_tally",
    "team",
    "team_member",
    "timeline",
    "timer",
    "triage_item",
]
