"""The console's background thread: boot, feed and commands in an event loop of their own.

The thread of the screen paints and takes keys, nothing else: neither a slow import nor a dead
server nor a terminal that stopped reading can hold up the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from textual.message import Message

from screens.commands import Command, CommandState, Fate
from screens.messages import CommandChanged, FeedTrouble, IdentityKnown, StartStep
from warroom.console.door import Boot, Door
from warroom.console.options import BackendOptions
from warroom.domain.panes import PaneWatch
from warroom.domain.safe_text import safe_text
from warroom.errors import WarRoomError

_LEAVE_S = 2.0
_AGAIN_S = 2.0
_AT_ONCE = 8


class Backend:
    """Started after the first paint; posts messages; takes commands from the screen's thread."""

    def __init__(
        self,
        post: Callable[[Message], object],
        options: BackendOptions,
        *,
        door: Door | None = None,
        boot: Boot | None = None,
    ) -> None:
        self._post = post
        self._options = options
        self._door = door
        self._boot = boot
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="console-backend", daemon=True)
        self._watched: int | None = None
        self._pane_watch = PaneWatch()
        self._works: _Works | None = None

    # From the screen's thread

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End within two seconds; a server that does not answer does not hold it up."""
        loop, main = self._loop, self._main
        if loop is not None and main is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(main.cancel)
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def submit(self, command: Command) -> None:
        """Carry a command; refused at once while nothing is connected yet."""
        works = self._works
        if works is None or not self._in_loop(works.carry(command)):
            sentence = safe_text(
                f"{command.ref} {command.wish.words} was not sent, nothing was changed: "
                "the console is still starting. Press the key again in a moment."
            )
            self._post(CommandChanged(CommandState(command, Fate.REFUSED, sentence)))

    def watch_incident(self, number: int | None) -> None:
        """Read this incident whole, from now on."""
        self._watched = number
        loop, works = self._loop, self._works
        if loop is not None and works is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(works.feed.watch_incident, number)

    def want_names(self) -> None:
        """Read the names to choose from, once."""
        self._call(lambda works: works.want_names())

    def watch_panes(self, watch: PaneWatch) -> None:
        """Read these panes, from now on."""
        self._pane_watch = watch
        self._call(lambda works: works.panes.watch(watch))

    def read_older(self, watch: PaneWatch, before: UUID) -> None:
        """Read one older page of the timeline."""
        self._call(lambda works: works.panes.older(watch, before))

    def _call(self, what: Callable[[_Works], None]) -> None:
        loop, works = self._loop, self._works
        if loop is not None and works is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(what, works)

    def _in_loop(self, call: Coroutine[Any, Any, object]) -> bool:
        try:
            assert self._loop is not None
            asyncio.run_coroutine_threadsafe(call, self._loop)
        except (AssertionError, RuntimeError):
            call.close()
            return False
        return True

    # In the background thread

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 # a fault of ours must be seen, not vanish
            fault = safe_text(f"the console's reader ended: {type(error).__name__}: {error}", 160)
            self._post(FeedTrouble(fault))
            self._post(StartStep(fault, failed=True))

    async def _work(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        try:
            door = self._door or await self._booted()
        except WarRoomError as error:
            self._post(StartStep(safe_text(f"{error} Press q to leave."), failed=True))
            return
        if door is None:
            return
        self._say("Reading the board …")
        works = _Works(door, self._options, self._post)
        works.feed.watch_incident(self._watched)
        works.panes.watch(self._pane_watch)
        self._works = works
        try:
            await works.run()
        finally:
            self._works = None
            await works.close()

    async def _booted(self) -> Door | None:
        if self._boot is None:
            return None
        # A plain thread: the default executor would be waited for when the console leaves.
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Door] = loop.create_future()
        boot = self._boot

        def work() -> None:
            try:
                door = boot(self._say)
            except Exception as error:  # noqa: BLE001 # it belongs to the waiting side
                _settle(loop, result, error)
            else:
                _settle(loop, result, door)

        threading.Thread(target=work, name="console-boot", daemon=True).start()
        return await result

    def _say(self, sentence: str) -> None:
        self._post(StartStep(safe_text(sentence)))


class _Works:
    """What runs once the door is known."""

    def __init__(
        self, door: Door, options: BackendOptions, post: Callable[[Message], object]
    ) -> None:
        from warroom.console.api_door import ApiDoor, Login
        from warroom.console.courier import Courier
        from warroom.console.feed import Feed
        from warroom.console.pane_feed import PaneFeed

        self._post = post
        self._api = ApiDoor(door, options.api_timeout_s)
        url = door.database_url

        async def login() -> Login:
            if url is not None:
                from warroom.db.conninfo import normal_conninfo

                return Login(normal_conninfo(url), "", "")
            return await self._api.mint_login()

        self.feed = Feed(login, post, options.feed, door.standby_url)
        self.panes = PaneFeed(
            self.feed.connect, post, options.feed, lambda: self.feed.read_from.whom
        )
        self.feed.also_hint(self.panes.hint)
        self._courier = Courier(self._api.send, post)
        # A batch must not take all connections from what is pressed after it.
        self._registry: asyncio.Task[None] | None = None
        self._few = asyncio.Semaphore(_AT_ONCE)

    def want_names(self) -> None:
        """Read the names at once; the registry of fields follows when the API has told it."""
        self.feed.want_names()
        if self._registry is None or self._registry.done():
            self._registry = asyncio.create_task(self._read_registry())

    async def _read_registry(self) -> None:
        # Without the API a field is named by hand, and the command says what is wrong.
        with contextlib.suppress(WarRoomError):
            self.feed.want_names(await self._api.custom_fields())

    async def carry(self, command: Command) -> None:
        """Carry a command to its end, then look at the board at once."""
        async with self._few:
            state = await self._courier.carry(command)
        if state.fate is Fate.DONE:
            self.feed.read_from.wrote(self._api.write_position())
            self.feed.hint()

    async def run(self) -> None:
        """Feed the screen; ask once who is at the keys."""
        await asyncio.gather(self.feed.run(), self.panes.run(), self._identify())

    async def close(self) -> None:
        """Close the HTTP client."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._api.close(), 1.0)

    async def _identify(self) -> None:
        while True:
            try:
                self._post(IdentityKnown(safe_text(await self._api.who_am_i(), 60)))
            except WarRoomError as error:
                if error.status in {401, 403}:
                    self._post(FeedTrouble(safe_text(str(error), 120)))
                    return
                await asyncio.sleep(_AGAIN_S)
            else:
                return


def _settle(
    loop: asyncio.AbstractEventLoop, result: asyncio.Future[Door], value: Door | Exception
) -> None:
    def settle() -> None:
        if result.done():
            return
        if isinstance(value, Exception):
            result.set_exception(value)
        else:
            result.set_result(value)

    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
