"""Which server the picture comes from: the primary, or a standby while that is honest.

A standby that is away, does not know our login yet, lags too far (``auto``) or has not replayed
our own last command is left for the primary, for a time that grows; ``note`` says so on the screen.
"""

from __future__ import annotations

import dataclasses
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from warroom.console.api_door import Login
from warroom.domain.picture import SourceKind
from warroom.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import psycopg

    from warroom.db.probe import Server

FAR_S: Final = 5.0
"""``auto`` leaves a standby that is further behind."""
OWN_WRITE_S: Final = 0.45
"""How long the standby may take to replay our own command."""
_AWAY_S: Final = (5.0, 10.0, 20.0, 60.0)


class LeaveStandby(DatabaseUnavailable):
    """The standby is not to be read now; the primary is asked at once."""


class RoleChanged(DatabaseUnavailable):
    """The server was promoted or demoted while we read: it is looked at again before all else."""


class ReadFrom:
    """The choice of one console.

    Args:
        wish: primary, standby or auto.
        standby: the standby's URL or conninfo, None when none is known.
    """

    def __init__(self, wish: str = "primary", standby: str | None = None) -> None:
        self._wish = wish
        self._standby = standby if wish != "primary" else None
        self._away_until = 0.0
        self._failures = 0
        self._position: str | None = None
        self.on_standby = False
        self.note = ""
        self.away = ""
        """In two words, why the standby that is wanted is not read; stands in every border."""
        if self._standby is None and wish == "standby":
            self.note, self.away = "no standby is known: reading the primary", "no standby known"

    def wanted(self) -> bool:
        """Tell whether the standby is to be read now."""
        return self._standby is not None and monotonic() >= self._away_until

    def login(self, login: Login) -> Login:
        """Return where to connect: the standby with the same role, or what was given."""
        self.on_standby = self.wanted()
        if not self.on_standby or self._standby is None:
            return login
        from warroom.db.conninfo import beside

        return dataclasses.replace(login, conninfo=beside(self._standby, login.conninfo))

    def met(self, server: Server) -> None:
        """Take in what the server said of itself after connecting."""
        if not self.on_standby:
            return
        self._failures = 0
        self.note = self.away = ""
        if server.kind is SourceKind.PRIMARY:
            self.away = "standby promoted"
            self.note = f"the standby was promoted (timeline {server.timeline}): read as primary"

    @property
    def whom(self) -> str:
        """What messages call the server that is asked now."""
        return "the standby" if self.on_standby else "the database"

    def failed(self, error: Exception) -> bool:
        """Leave the standby for a time; tell whether to connect again at once."""
        if not self.on_standby:
            return False
        if isinstance(error, RoleChanged):
            # Not to the primary: that one may be what the promotion has left behind.
            return True
        self._away_until = monotonic() + _AWAY_S[min(self._failures, len(_AWAY_S) - 1)]
        self._failures += 1
        self.on_standby = False
        why, self.away = _why(error)
        self.note = f"{why}: reading the primary"
        return True

    def wrote(self, position: str | None) -> None:
        """Remember our own command; from an unknown position on only the primary is sure."""
        self._position = position or "unknown"

    async def see_own_write(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Wait until the server has our own last command.

        Raises:
            LeaveStandby: it has not replayed it in time.
            psycopg.Error: it did not answer.
        """
        import asyncio

        position = self._position
        if position is None:
            return
        give_up = monotonic() + OWN_WRITE_S
        while self.on_standby:
            if position != "unknown":
                cursor = await conn.execute(
                    "select not pg_is_in_recovery() or pg_last_wal_replay_lsn() >= %s::pg_lsn",
                    (position,),
                )
                row = await cursor.fetchone()
                if row is not None and row[0]:
                    break
            if position == "unknown" or monotonic() >= give_up:
                self._position = None  # the primary, which is read next, has it
                raise LeaveStandby("the standby has not replayed your last command yet")
            await asyncio.sleep(0.05)
        if self._position == position:
            self._position = None

    def check(self, source: SourceKind, lag_s: float | None, *, believed: SourceKind) -> None:
        """Look at what a picture says of its server, before it is shown.

        Args:
            source: what the server was when it was read.
            lag_s: how far it was behind.
            believed: what it was when we connected.

        Raises:
            RoleChanged: it is another than it was.
            LeaveStandby: it is too far behind for ``auto``.
        """
        if source is not believed:
            raise RoleChanged("The server has changed its role.")
        if self._wish == "auto" and self.on_standby and source is SourceKind.STANDBY and (
            (lag_s or 0.0) > FAR_S
        ):  # fmt: skip
            raise LeaveStandby(f"the standby is {lag_s:.0f} s behind")


def _why(error: Exception) -> tuple[str, str]:
    """Return why the standby was left, as a sentence and in two words."""
    from warroom.db.deadline import DeadlineExceeded

    if isinstance(error, LeaveStandby):
        return error.message, "standby behind"
    if isinstance(error, DeadlineExceeded):
        return "the standby does not answer", "standby silent"
    if "authentication" in str(error) or "does not exist" in str(error):
        return "the standby does not know our login yet", "standby without our login"
    return "the standby is gone", "standby gone"
