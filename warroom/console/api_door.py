"""The console's narrow view of ``warroom.client``: commands, identity, login.

The client brings the HTTP library along, so it is imported here, when the first call is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from screens.commands import ADDING, Command, Kind, SilenceCommand
from warroom.console.door import Door
from warroom.domain.picture import CustomField
from warroom.domain.triage import TriageKind

METHODS: Final[Mapping[Kind | TriageKind, str]] = {
    Kind.ACKNOWLEDGE: "acknowledge",
    Kind.RESOLVE: "resolve",
    Kind.DECLARE: "declare",
    Kind.STATUS: "set_status",
    Kind.SEVERITY: "set_severity",
    Kind.ASSIGN: "assign",
    Kind.ROLE_TAKE: "take_role",
    Kind.ROLE_RELEASE: "release_role",
    Kind.ROLE_OFFER: "offer_role",
    Kind.ROLE_ANSWER: "answer_role",
    Kind.DRILL: "set_drill",
    Kind.FALSE_ALARM: "false_alarm",
    Kind.RESTRICT: "restrict",
    Kind.MERGE: "merge",
    Kind.SPLIT: "split",
    Kind.SERVICE: "set_service",
    Kind.SERVICE_DETACH: "detach_service",
    Kind.UPDATE_DUE: "set_update_due",
    Kind.SNOOZE: "snooze",
    Kind.ESCALATION: "escalation",
    Kind.FIELD: "set_field",
    Kind.UNDO: "undo",
    Kind.RESTART: "tick_restart",
    Kind.PAGE: "page_owner",
    Kind.LOG: "log_entry",
    Kind.JUDGE: "judge",
    Kind.PIN: "pin",
    Kind.UNPIN: "unpin",
    Kind.CORRECT: "correct",
    Kind.LINK: "add_link",
    Kind.UNLINK: "remove_link",
    Kind.CHANGE: "link_change",
    Kind.MITIGATE: "mitigate",
    Kind.MITIGATED: "mitigated",
    TriageKind.ACCEPT: "accept_triage",
    TriageKind.MERGE: "merge_triage",
    TriageKind.DISMISS: "dismiss_triage",
}
"""The client's method of every command on incidents."""
OF_SILENCES: Final[Mapping[SilenceCommand, str]] = {
    SilenceCommand.PUT: "add_silence",
    SilenceCommand.EXPIRE: "expire_silence",
}
"""And of every one on silences."""

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

            door = self._door
            self._client = Client(
                door.api_url, door.token, timeout_s=self._timeout_s, ca_file=door.ca_file
            )
        return self._client

    async def who_am_i(self) -> str:
        """Return the name of the token's principal."""
        return str((await self._ready().me())["name"])

    async def custom_fields(self) -> tuple[CustomField, ...]:
        """Return the registry of custom fields, which a reader at the database does not see."""
        return tuple(
            CustomField(f["key"], f["label"], f["type"], tuple(f["choices"]), f["required"])
            for f in (await self._ready().all_of("fields"))["items"]
        )

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
        client, ref, args = self._ready(), str(command.ref), dict(command.wish.args)
        if isinstance(command.kind, SilenceCommand):
            found = await getattr(client, OF_SILENCES[command.kind])(**args, key=command.key)
            return Answer(ref, 0, str(found["state"]))
        name = METHODS[command.kind]
        call: Callable[..., Awaitable[dict[str, Any]]] = getattr(client, name)
        if command.incident is None:
            result = await call(**args, key=command.key)
        elif command.kind in ADDING:
            result = await call(ref, **args, key=command.key)
        else:
            result = await call(ref, command.version, **args, key=command.key)
        if isinstance(command.kind, TriageKind):
            return Answer(str(result["incident"] or ref), 0, str(result["state"]))
        if command.kind is Kind.LOG:
            return Answer(ref, 0, command.seen)  # it answers with the entry
        # What is split off is another incident: how far it is says nothing of this one.
        version = 0 if command.kind is Kind.SPLIT else int(result["version"])
        return Answer(str(result["ref"]), version, str(result["status"]))

    def write_position(self) -> str | None:
        """Return where in the WAL our last command ended, None when nobody said."""
        return self._client.write_position if self._client is not None else None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
