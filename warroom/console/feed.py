"""The picture's way: the only place of the console that talks to the database.

It runs in the background thread's event loop.  Every await has an application deadline; whatever
goes wrong becomes a reason on the screen, and the connection is thrown away and made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from textual.message import Message

from screens.messages import BoardArrived, DetailArrived, FeedTrouble, NamesArrived
from warroom.console.api_door import Login
from warroom.console.options import FeedOptions
from warroom.console.read_from import ReadFrom
from warroom.domain.picture import CustomField, SourceKind
from warroom.domain.safe_text import safe_text
from warroom.errors import WarRoomError

if TYPE_CHECKING:
    import psycopg

    from warroom.db.probe import Fence

_SETTLE_S: Final = 1.0
_LATER: Final = tuple(
    f"screens.{name}"
    for name in ("choice", "confirm", "form", "help", "incident_detail", "jump", "note", "pick")
)
T = TypeVar("T")
_GAP_S: Final = 0.05
_SLOW_S: Final = 0.5
_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class _Line:
    """A connection and how it was obtained."""

    conn: psycopg.AsyncConnection[Any]
    renew_at: float
    kind: SourceKind = SourceKind.PRIMARY
    listening: psycopg.AsyncConnection[Any] | None = None
    listener: asyncio.Task[None] | None = None


class Feed:
    """Reads the board and the watched incident, again and again."""

    def __init__(
        self,
        login: Callable[[], Awaitable[Login]],
        post: Callable[[Message], object],
        options: FeedOptions,
        standby: str | None = None,
    ) -> None:
        self._login = login
        self._post = post
        self._options = options
        self._wake = asyncio.Event()
        self._watched: int | None = None
        self._names_wanted = False
        self._fields: tuple[CustomField, ...] = ()
        self._known: Login | None = None
        self._renewing = asyncio.Lock()
        self._has_read = False
        self._first = asyncio.Event()
        self._fence: Fence | None = None
        self._on_hint: Callable[[], None] = lambda: None
        self.read_from = ReadFrom(options.read_from, standby)

    def also_hint(self, told: Callable[[], None]) -> None:
        """Tell another reader of every hint as well."""
        self._on_hint = told

    def watch_incident(self, number: int | None) -> None:
        """Read this incident too, from now on. Call it in the feed's loop."""
        self._watched = number
        if number is not None:
            self._wake.set()

    def want_names(self, fields: tuple[CustomField, ...] | None = None) -> None:
        """Read the names to choose from, once; ``fields`` go along from now on if they are given.

        Call it in the feed's loop.
        """
        self._fields = self._fields if fields is None else fields
        self._names_wanted = True
        self._wake.set()

    def hint(self) -> None:
        """Read now: something has probably changed."""
        self._wake.set()
        self._on_hint()

    async def run(self) -> None:
        """Go on until cancelled; recovers from whatever the database does."""
        import psycopg

        failures = 0
        while True:
            try:
                async with self._line() as line:
                    await self._read_on(line)
            except (psycopg.Error, WarRoomError, OSError) as error:
                if self.read_from.failed(error):
                    continue  # the other server is asked at once
                if isinstance(error, psycopg.OperationalError) and "authentication" in str(error):
                    self._known = None
                if self._known is not None and _is_over(self._known):
                    self._known = None
                self._trouble(reason_of(error))
                if self._has_read:
                    failures, self._has_read = 0, False
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1

    async def _read_on(self, line: _Line) -> None:
        """Read until the login is to be renewed."""
        while monotonic() < line.renew_at:
            if self.read_from.wanted() and not self.read_from.on_standby:
                return  # the standby may be back
            self._wake.clear()
            began = monotonic()
            await self._read(line)
            self._first.set()
            if not self._has_read:
                self._has_read = True
                # Not now: the first picture is just being painted.
                later = threading.Timer(_SETTLE_S, _settle_down)
                later.daemon = True
                later.start()
            pause = self._options.poll_s - (monotonic() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(pause, _GAP_S)):
                    await self._wake.wait()
                    # Hints come in bursts: one read answers all that arrive within the gap.
                    await asyncio.sleep(_GAP_S)
        self._known = None

    async def _read(self, line: _Line) -> None:
        from warroom.db.reads import read_board, read_incident, read_names

        conn, source = line.conn, self.read_from
        await self._bounded(conn, source.see_own_write(conn), "finding our own command")
        began = monotonic()
        reading = read_board(conn, limit=self._options.limit)
        board = await self._bounded(conn, reading, "reading the board")
        source.check(board.source, board.replay_lag_s, believed=line.kind)
        self._post(FeedTrouble(None))
        self._post(BoardArrived(replace(board, note=source.note, away=source.away), began))
        number = self._watched
        if number is not None:
            detail = await self._bounded(conn, read_incident(conn, number), f"reading INC-{number}")
            self._post(DetailArrived(number, detail))
        if self._names_wanted:
            names = await self._bounded(conn, read_names(conn), "reading names")
            self._names_wanted = False
            self._post(NamesArrived(replace(names, fields=self._fields)))

    async def _bounded(
        self, conn: psycopg.AsyncConnection[Any], call: Awaitable[T], what: str
    ) -> T:
        """Await under the deadline, and say early that it takes long."""
        loop = asyncio.get_running_loop()
        slow = min(_SLOW_S, self._options.deadline_s / 2)
        alarm = loop.call_later(slow, self._trouble, f"{self.read_from.whom} is slow to answer")
        try:
            return await bounded(conn, call, self._options.deadline_s, what)
        finally:
            alarm.cancel()

    @contextlib.asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        if self._known is None:
            self._known = await self._login()
        conn = await self._connect(self._known)
        line = _Line(conn, _renewal(self._known))
        try:
            from warroom.db.probe import Fence, look

            self._fence = self._fence or Fence()
            server = await self._bounded(conn, look(conn), "asking which server this is")
            line.kind = self._fence.pass_through(server).kind
            self.read_from.met(server)
            if line.kind is SourceKind.PRIMARY:
                line.listener = asyncio.create_task(self._listen(line, self._known))
            yield line
        finally:
            await _stop_listening(line)
            with contextlib.suppress(Exception):
                await conn.close()

    async def connect(self) -> tuple[psycopg.AsyncConnection[Any], float]:
        """Return a connection for another reader, and when to renew it; waits for our login.

        Raises:
            psycopg.Error, WarRoomError, OSError: there is none to be had.
        """
        from warroom.db.probe import Fence, look

        # The board comes first: what stands beside it waits for its first picture.
        await self._first.wait()
        conn, login = await self._logged_in()
        try:
            self._fence = self._fence or Fence()
            call = look(conn)
            what = "asking which server this is"
            self._fence.pass_through(await bounded(conn, call, self._options.deadline_s, what))
        except BaseException:
            await conn.close()
            raise
        return conn, _renewal(login)

    async def _logged_in(self) -> tuple[psycopg.AsyncConnection[Any], Login]:
        """Connect beside the board; with a new login where ours is refused.

        Another console of the same person has made one since then, under the same name; the board
        does not notice, because what is connected stays so.
        """
        import psycopg

        login = self._known or await self._login()
        try:
            return await self._connect(login), login
        except psycopg.OperationalError as error:
            # A standby learns of a login a moment later: it is not made anew for that.
            if "authentication" not in str(error) or self.read_from.on_standby:
                raise
        async with self._renewing:
            if self._known is None or self._known is login:
                self._known = await self._login()
            login = self._known
            return await self._connect(login), login

    async def _connect(self, login: Login) -> psycopg.AsyncConnection[Any]:
        import psycopg

        from warroom.db.deadline import within

        login = self.read_from.login(login)
        arguments: dict[str, Any] = {"autocommit": True, "connect_timeout": 3}
        if login.role:
            arguments |= {"user": login.role, "password": login.password}
        call = psycopg.AsyncConnection.connect(login.conninfo, **arguments)
        # A frozen server still accepts connections: the deadline is the application's.
        return await within(call, self._options.deadline_s * 2, lambda: None, "connecting")

    async def _listen(self, line: _Line, login: Login) -> None:
        """Wake the reader on every hint; when this fails, polling is what remains."""
        import psycopg

        from warroom.db.listen import hints

        with contextlib.suppress(psycopg.Error, WarRoomError, OSError):
            conn = line.listening = await self._connect(login)
            async for _ in hints(conn):
                self.hint()

    def _trouble(self, reason: str) -> None:
        self._post(FeedTrouble(safe_text(reason, 120)))


def _settle_down() -> None:
    """Load what the first picture did not wait for, so that no first keypress waits for it."""
    for name in _LATER:
        importlib.import_module(name)
    # What is loaded by now stays: looking through it again and again for garbage would stop the
    # screen for some forty milliseconds every few pictures.
    gc.collect()
    gc.freeze()


async def bounded(
    conn: psycopg.AsyncConnection[Any], call: Awaitable[T], deadline_s: float, what: str
) -> T:
    """Await a call under its deadline; past it the connection's socket is shut down.

    Raises:
        DeadlineExceeded: it was not answered in time; the connection must not be used again.
    """
    from warroom.db.deadline import within

    return await within(call, deadline_s, lambda: conn.pgconn.socket, what)


async def _stop_listening(line: _Line) -> None:
    """Cut the listener's socket first: a cancelled psycopg call would ask a frozen server."""
    from warroom.db.deadline import cut

    if line.listening is not None and not line.listening.closed:
        cut(line.listening.pgconn.socket)
    if line.listener is not None:
        await asyncio.wait({line.listener}, timeout=_SLOW_S)
        line.listener.cancel()
        await asyncio.gather(line.listener, return_exceptions=True)
    if line.listening is not None:
        await line.listening.close()


def _renewal(login: Login) -> float:
    """Return our monotonic clock's reading at half of the login's life."""
    if login.valid_until is None:
        return float("inf")
    return monotonic() + max((login.valid_until - datetime.now(UTC)).total_seconds() / 2, 5.0)


def _is_over(login: Login) -> bool:
    return login.valid_until is not None and login.valid_until < datetime.now(UTC) + timedelta(
        seconds=5
    )


def reason_of(error: Exception, whom: str = "the database") -> str:
    """Return why there is no new picture, short enough for a border; ``whom`` was asked."""
    from warroom.db.deadline import DeadlineExceeded
    from warroom.errors import ApiUnreachable

    if isinstance(error, DeadlineExceeded):
        return f"{whom} does not answer"
    if isinstance(error, ApiUnreachable):
        return "the API does not answer"
    if isinstance(error, WarRoomError):
        return error.message
    first = str(error).strip().splitlines()
    state = getattr(error, "sqlstate", None)
    if state == "57P01" or not first:
        return f"{whom} closed the connection"
    return f"no database: {first[0].rpartition('failed: ')[2]}"
