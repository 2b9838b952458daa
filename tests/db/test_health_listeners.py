"""A console listens for days; replication health must not call that a long transaction."""

from __future__ import annotations

from tests.helpers import wait_until_sync
from tests.pgfixtures import TestDatabase


def test_who_reads_a_notification_is_no_long_transaction(pg: TestDatabase) -> None:
    """The server reads it in a transaction that seems to have begun with the LISTEN."""
    with pg.connect() as listener, pg.connect() as other:
        listener.execute("listen warroom")
        pid = listener.info.backend_pid

        def reads() -> bool:
            # Nobody takes them from the socket: the server stays in the middle of sending them.
            other.execute(
                "select pg_notify('warroom', repeat('x', 100) || n) from generate_series(1, 5000) n"
            )
            found = other.execute(
                "select xact_start is not null from pg_stat_activity where pid = %s", (pid,)
            ).fetchone()
            return found == (True,)

        wait_until_sync(reads, what="the listener to be in the middle of reading")
        longest = other.execute("select warroom.health_activity(500) -> 'longest'").fetchone()
        assert longest == (None,)
