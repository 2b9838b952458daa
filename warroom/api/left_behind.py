"""Kept bodies that nobody has worked out: taken up by whoever finds them.

A process that is killed leaves those behind that it had answered and not worked out.  The next one
to start takes them all up at once; of a process that does not come back another one takes them up
after a minute.  Two who take up the same one do no harm: only one of them gets it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Final

from warroom.api.batcher import Batcher
from warroom.api.ingest import DOORS
from warroom.api.reading import options_of_source
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.domain.source import Lane
from warroom.errors import InvalidInput, WarRoomError
from warroom.logs import log
from warroom.services import intake
from warroom.services.delivery import Delivery
from warroom.services.intake import Left
from warroom.settings import Settings

EVERY_S: Final = 10.0
LATE: Final = timedelta(seconds=60)
"""How long a body lies there before others than its taker see to it."""
MANY: Final = 200
_READERS: Final = {dialect: parse for parse, dialect in DOORS.values()}


async def watch(db: Database, ctx: CommandContext, batcher: Batcher, settings: Settings) -> None:
    """Look for what was left behind, at once and then every ten seconds, until cancelled."""
    begun, late = time.monotonic(), False
    while True:
        # At first what was there before us; what came since has somebody who works it out.
        older = LATE if late else timedelta(seconds=time.monotonic() - begun)
        try:
            found = await intake.left_behind(
                db, ctx, older=older, mine=list(batcher.kept), most=MANY
            )
            if found:
                log.info("bodies that were left behind are worked out", bodies=len(found))
                if await _take_up(found, db, ctx, batcher, settings):
                    continue
            late = late or not found
        except WarRoomError as error:
            log.warning("what was left behind could not be looked for", reason=error.message)
        except Exception:  # noqa: BLE001 - whatever it is, the next look may find more
            log.exception("what was left behind could not be looked for")
        await asyncio.sleep(EVERY_S)


async def _take_up(
    found: list[Left], db: Database, ctx: CommandContext, batcher: Batcher, settings: Settings
) -> bool:
    """Work out some bodies; say whether any was settled here, and not by somebody else."""
    here = False
    settled: list[asyncio.Future[bool]] = []
    for one in found:
        try:
            delivery = await asyncio.to_thread(_read, one, settings)
        except InvalidInput as error:
            try:
                await intake.refuse(db, ctx, one.id, error)
                here = True
            except WarRoomError as failure:
                log.warning("a body could not be put into quarantine", reason=failure.message)
        else:
            settled.append(batcher.adopt(delivery, Lane(one.lane or Lane.ORDINARY)))
    if settled:  # a bounded number at a time: all of a long storm need not fit into memory
        done, _ = await asyncio.wait(settled, timeout=LATE.total_seconds())
        here = here or any(one.result() for one in done)
    return here


def _read(one: Left, settings: Settings) -> Delivery:
    """Read a body as its door would now, by the moment at which it came.

    Raises:
        InvalidInput: it cannot be understood any more.
    """
    parse = _READERS.get(one.dialect)
    if parse is None:
        raise InvalidInput(f"Nobody here reads the dialect {one.dialect}.", field="dialect")
    options = options_of_source(one.service_label, one.severity_map, settings)
    return Delivery(
        one.source_id, one.source_principal_id, one.dialect, one.content_type, one.body,
        parse(one.body, options, one.read_at), one.request_id, None, one.read_at, one.id,
    )  # fmt: skip
