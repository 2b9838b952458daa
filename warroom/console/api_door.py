"""The console's narrow view of ``warroom.client``: commands, identity, login.

The client brings the HTTP library along, so it is imported here, when the first call is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from screens.commands import Command, Kind
from warroom.console.door import Door

if TYPE_CHECKING:
    from warroom.client import Client


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API says of an incident after a command; ``version`` 0 when it says none."""

    ref: str
    version: int
    status: str


@dataclass(frozen=True, slots=True)
class Login:
    """A personal database login, valid until ``valid_until``."""

    conninfo: str
    role: str
    password: str = field(repr=False)
    valid_until: datetime | None = None


class ApiDoor:
    """One HTTP client for the console's life."""

    def __init__(self, door: Door, timeout_s: float = 5.0) -> None:
        self._door = door
        self._timeout_s = timeout_s
        self._client: Client | None = None

    def _ready(self) -> Client:
        if self._client is None:
            from warroom.client import Client

            self._client = Client(self._door.api_url, self._door.token, timeout_s=self._timeout_s)
        return self._client

    async def who_am_i(self) -> str:
        """Return the name of the token's principal."""
        return str((await self._ready().me())["name"])

    async def mint_login(self) -> Login:
        """Make a database login whose password only this process knows."""
        from warroom.console.scram import new_password, verifier

        password = new_password()
        minted = await self._ready().mint_login(verifier(password))
        until = datetime.fromisoformat(minted["valid_until"])
        return Login(minted["conninfo"], minted["role"], password, until)

    async def send(self, command: Command) -> Answer:
        """Send one command under its idempotency key.

        Raises:
            WarRoomError: refused, unknown, or not reached; see ``warroom.errors``.
        """
        client, ref, key = self._ready(), str(command.ref), command.key
        result: dict[str, Any]
        if command.kind is Kind.ACKNOWLEDGE:
            result = await client.acknowledge(ref, command.version, key=key)
        elif command.kind is Kind.RESOLVE:
            result = await client.resolve(ref, command.version, note=command.text, key=key)
        elif command.kind is Kind.LOG:
            await client.log_entry(ref, command.entry_kind, command.text, key=key)
            return Answer(ref, 0, command.seen)
        else:
            result = await client.declare(
                command.title,
                command.severity,
                services=[command.service] if command.service else [],
                summary=command.text,
                key=key,
            )
        return Answer(str(result["ref"]), int(result["version"]), str(result["status"]))

    def write_position(self) -> str | None:
        """Return where in the WAL our last command ended, None when nobody said."""
        return self._client.write_position if self._client is not None else None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
