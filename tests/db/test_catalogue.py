"""The catalogue against the design: owners, policies, grants, triggers, functions, partitions."""

from __future__ import annotations

from tests.pgfixtures import TestDatabase

STREAMS = {"delivery", "alert_event", "timeline", "audit", "history", "replication_sample"}
MUTABLE = {
    "principal", "team", "team_member", "escalation_policy", "escalation_step", "service",
    "dependency", "source", "source_identity", "api_token", "field_definition", "incident",
    "incident_access", "incident_service", "role_held", "timer", "channel", "handover",
    "incident_link", "hypothesis", "evidence", "pin", "incident_relation", "incident_impact",
    "restart_tick",
    "catalog_import", "catalog_proposal",
    "change_event", "change_service", "incident_change", "freeze_policy", "freeze",
    "freeze_exception", "mitigation_lock",
    "source_secret", "heartbeat", "quarantine",
    "alert_rule", "alert_type", "triage_item", "silence",
}  # fmt: skip
BATCHED = {"alert", "outbox", "intake"}
WORKING = {"lease", "idempotency", "source_tally", "heartbeat_state"}
# What each role may do on tables; "a" select, insert, update; "s" select; "i" select, insert.
API = dict.fromkeys(MUTABLE | {"alert"}, "a") | {
    "timeline": "i", "alert_event": "i", "delivery": "i", "outbox": "i", "idempotency": "d",
    "lease": "s", "team_member": "d", "incident_access": "d", "incident_service": "d",
    "incident_link": "d", "pin": "d", "service": "d", "dependency": "d", "catalog_import": "i",
    "restart_tick": "d",
    "change_service": "d",
    "source_tally": "a", "heartbeat_state": "a",
    "alert_rule": "d", "intake": "d",
}  # fmt: skip
ENGINE = {
    "principal": "s", "team": "s", "team_member": "s", "escalation_policy": "s",
    "escalation_step": "s", "service": "y", "dependency": "x", "source": "s", "channel": "s",
    "incident_service": "i", "role_held": "s", "incident": "a", "alert": "a", "outbox": "a",
    "timer": "a", "lease": "a", "timeline": "i", "alert_event": "i", "delivery": "i",
    "idempotency": "d", "replication_sample": "i", "handover": "s", "incident_impact": "a",
    "restart_tick": "s",
    "change_event": "s", "change_service": "s", "incident_change": "s", "freeze_policy": "s",
    "freeze": "a",
    "heartbeat": "s", "heartbeat_state": "u",
    "alert_rule": "s", "triage_item": "i", "incident_relation": "i", "incident_link": "s",
    "mitigation_lock": "s", "silence": "s", "intake": "s",
}  # fmt: skip
RIGHTS = {
    "s": {"SELECT"},
    "i": {"SELECT", "INSERT"},
    "u": {"SELECT", "UPDATE"},
    "a": {"SELECT", "INSERT", "UPDATE"},
    "d": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "x": {"SELECT", "DELETE"},
    "y": {"SELECT", "INSERT", "DELETE"},
}
TO_NOBODY_ELSE = ("warroom_reader", "warroom_analyst", "warroom_auditor", "warroom_reaper",
                  "warroom_stats")  # fmt: skip
DEFINERS = {
    "warroom.viewer_id": "warroom_search", "warroom.viewer_units": "warroom_search",
    "warroom.viewer_security": "warroom_search", "warroom.viewer_all": "warroom_search",
    "warroom.viewer_named": "warroom_search", "warroom.authenticate": "warroom_search",
    "warroom.mint_login": "warroom_minter", "warroom.reap_logins": "warroom_reaper",
    "warroom.ensure_partitions": "warroom_owner", "warroom.audit_append": "warroom_owner",
    "warroom.audit_row": "warroom_owner", "warroom.audit_batch": "warroom_owner",
    "warroom.keep_history": "warroom_owner", "warroom.follow_incident": "warroom_owner",
    "read_v1.audit_entries": "warroom_search", "read_v1.audit_verify": "warroom_search",
    "read_v1.incident_at": "warroom_search", "read_v1.incident_service_at": "warroom_search",
    "read_v1.role_held_at": "warroom_search", "read_v1.timer_at": "warroom_search",
    "read_v1.person_at": "warroom_search", "read_v1.service_at": "warroom_search",
    "read_v1.team_at": "warroom_search", "warroom.last_command": "warroom_search",
    "read_v1.handover_at": "warroom_search", "read_v1.incident_link_at": "warroom_search",
    "read_v1.hypothesis_at": "warroom_search", "read_v1.evidence_at": "warroom_search",
    "read_v1.pin_at": "warroom_search", "read_v1.incident_relation_at": "warroom_search",
    "read_v1.incident_impact_at": "warroom_search",
    "read_v1.restart_tick_at": "warroom_search", "warroom.health_nodes": "warroom_stats",
    "warroom.health_activity": "warroom_stats", "warroom.health_storage": "warroom_stats",
    "warroom.services_in_use": "warroom_search",
    "read_v1.change_event_at": "warroom_search", "read_v1.change_service_at": "warroom_search",
    "read_v1.incident_change_at": "warroom_search", "read_v1.freeze_at": "warroom_search",
    "read_v1.mitigation_lock_at": "warroom_search", "read_v1.silence_at": "warroom_search",
    "warroom.audit_added": "warroom_owner", "warroom.audit_changed": "warroom_owner",
}  # fmt: skip
TO_PUBLIC = {"viewer_id", "viewer_units", "viewer_security", "viewer_all", "viewer_named"}


def rows(pg: TestDatabase, query: str) -> list[tuple[str, ...]]:
    with pg.connect() as conn:
        return [tuple(str(v) for v in row) for row in conn.execute(query).fetchall()]


def test_the_tables_are_those_of_the_design_and_all_are_guarded(pg: TestDatabase) -> None:
    found = rows(
        pg,
        "select c.relname, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'warroom' and c.relkind in ('r', 'p')"
        " and c.relname <> 'alembic_version'",
    )
    assert {name for name, *_ in found} == STREAMS | MUTABLE | BATCHED | WORKING
    assert {tuple(rest) for _, *rest in found} == {("warroom_owner", "True", "True")}


def test_every_policy_is_to_public_and_asks_in_a_sub_select(pg: TestDatabase) -> None:
    found = rows(
        pg,
        "select tablename, policyname, roles::text, coalesce(qual, with_check)"
        " from pg_policies where schemaname = 'warroom'",
    )
    assert {table for table, *_ in found} == STREAMS | MUTABLE | BATCHED | WORKING
    for table, policy, roles, expression in found:
        assert roles == "{public}", (table, policy)
        if "viewer" in expression:
            assert "SELECT warroom.viewer" in expression, (table, policy)
    # Partitions have none: their door is closed.
    assert rows(pg, "select 1 from pg_policies where schemaname = 'warroom_parts'") == []


def test_grants_are_exactly_those_of_the_design(pg: TestDatabase) -> None:
    found: dict[str, dict[str, set[str]]] = {}
    for role, table, right in rows(
        pg,
        "select grantee, table_name, privilege_type from information_schema.role_table_grants"
        " where table_schema = 'warroom' and grantee <> 'warroom_owner'",
    ):
        found.setdefault(role, {}).setdefault(table, set()).add(right)
    for role, design in (("warroom_api", API), ("warroom_engine", ENGINE)):
        assert found.pop(role) == {table: RIGHTS[what] for table, what in design.items()}, role
    assert {r for rights in found.pop("warroom_search").values() for r in rights} == {"SELECT"}
    assert found == {}
    for role in TO_NOBODY_ELSE:
        open_to = rows(
            pg,
            "select c.relname from pg_class c where c.relnamespace = 'warroom'::regnamespace"
            " and c.relkind in ('r', 'p')"
            f" and has_any_column_privilege('{role}', c.oid, 'select, insert, update')",
        )
        assert open_to == [], role


def test_schemas_are_open_to_those_who_need_them(pg: TestDatabase) -> None:
    def using(schema: str) -> set[str]:
        return {
            name
            for (name,) in rows(
                pg,
                "select rolname from pg_roles where rolname like 'warroom%' and not rolsuper"
                f" and has_schema_privilege(rolname, '{schema}', 'usage')",
            )
        }

    assert using("warroom_parts") == {"warroom_owner"}
    assert using("warroom") == {
        "warroom_owner", "warroom_api", "warroom_engine", "warroom_minter", "warroom_search",
        "warroom_reaper", "warroom_stats",
    }  # fmt: skip


def test_every_trigger_fires_always(pg: TestDatabase) -> None:
    found = rows(
        pg,
        "select c.relname, t.tgname, t.tgenabled from pg_trigger t"
        " join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('warroom', 'warroom_parts') and not t.tgisinternal",
    )
    assert {state for *_, state in found} == {"A"}
    by_table: dict[str, set[str]] = {}
    for table, trigger, _ in found:
        by_table.setdefault(table, set()).add(trigger)
    for table in MUTABLE:
        wanted = {"keep_history", "audit_row", "refuse_truncate"}
        if table in ("service", "dependency"):
            wanted |= {"audit_added"}
        if table == "incident":
            wanted |= {"audit_changed"}
        assert by_table[table] - {"follow_incident"} == wanted, table
    for table in BATCHED:
        wanted = {"audit_insert", "audit_update", "audit_delete", "refuse_truncate"}
        assert by_table[table] == wanted
    for table in STREAMS - {"replication_sample"}:
        assert {"refuse_change", "refuse_truncate"} <= by_table[table]


def test_partitions_have_their_own_guards(pg: TestDatabase) -> None:
    found = rows(
        pg,
        "select p.relname, c.relname, c.relrowsecurity and c.relforcerowsecurity,"
        " pg_get_expr(c.relpartbound, c.oid), (select string_agg(t.tgname, ',' order by t.tgname)"
        "   from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent"
        " where n.nspname = 'warroom_parts' and c.relkind = 'r'",
    )
    assert {parent for parent, *_ in found} == STREAMS
    assert len(found) == 4 * len(STREAMS)  # last month's, this one's, two ahead
    for parent, part, guarded, bound, triggers in found:
        assert guarded == "True", part
        assert bound.startswith("FOR VALUES FROM"), part  # never a DEFAULT one
        assert "refuse_truncate" in triggers, part
        if parent in {"timeline", "alert_event", "delivery"}:
            assert "audit_insert" in triggers, part


def test_definers_are_pinned_owned_and_closed(pg: TestDatabase) -> None:
    found = rows(
        pg,
        "select n.nspname || '.' || p.proname, p.proname, pg_get_userbyid(p.proowner),"
        " coalesce(array_to_string(p.proconfig, ','), ''), p.proacl is null or exists ("
        "   select from aclexplode(p.proacl) a where a.grantee = 0) as to_public"
        " from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('warroom', 'read_v1') and p.prosecdef",
    )
    assert {name: owner for name, _, owner, *_ in found} == DEFINERS
    for name, short, _, config, public in found:
        assert "search_path=pg_catalog" in config, name
        assert (public == "True") == (short in TO_PUBLIC), name


def test_status_columns_are_text_with_a_check(pg: TestDatabase) -> None:
    assert rows(pg, "select 1 from pg_type t join pg_namespace n on n.oid = t.typnamespace"
                    " where n.nspname = 'warroom' and t.typtype = 'e'") == []  # fmt: skip
    assert rows(
        pg,
        "select 1 from pg_constraint where conrelid = 'warroom.incident'::regclass"
        " and contype = 'c' and pg_get_constraintdef(oid) like '%status%triggered%'",
    )


def test_roles_have_no_more_than_they_need(pg: TestDatabase) -> None:
    found = {
        name: (login, superuser, bypass, create)
        for name, login, superuser, bypass, create in rows(
            pg,
            "select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole from pg_roles"
            " where rolname like 'warroom%' and rolname <> 'warroom_super'",
        )
    }
    nothing = ("False", "False", "False", "False")
    assert found == dict.fromkeys(
        ("warroom_owner", "warroom_reader", "warroom_analyst", "warroom_auditor",
         "warroom_reaper", "warroom_stats"), nothing,
    ) | {
        "warroom_api": ("True", "False", "False", "False"),
        "warroom_engine": ("True", "False", "False", "False"),
        "warroom_search": ("False", "False", "True", "False"),
        "warroom_minter": ("False", "False", "False", "True"),
    }  # fmt: skip


def test_the_board_uses_its_index_as_a_reader(pg: TestDatabase) -> None:
    with pg.connect() as conn:
        conn.execute("alter table warroom.incident disable trigger all")
        conn.execute(
            "insert into warroom.incident (title, severity, opened_by, status, ended_at)"
            " select 'i' || n, 1 + n % 5, '00000000-0000-7000-8000-000000000001',"
            " case when n % 50 = 0 then 'triggered' else 'closed' end,"
            " case when n % 50 = 0 then null else now() end from generate_series(1, 20000) n"
        )
        conn.execute("analyze warroom.incident")
        role = f"wr_plan_{pg.name}"
        conn.execute(
            "insert into warroom.principal (name, kind, db_role) values ('plan', 'person', %s)",
            (role,),
        )
        conn.execute(f'create role "{role}" login in role warroom_reader')
        conn.execute(f'set session authorization "{role}"')
        plan = conn.execute(
            "explain (format json) select * from read_v1.incident where ended_at is null"
            " order by severity, opened_at, id limit 50"
        ).fetchone()
    assert "incident_open" in str(plan)
