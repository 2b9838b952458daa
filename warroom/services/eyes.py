"""Seeing more than whoever acts may see, for the few questions that must not depend on it.

Who is at a service and whether changes stand still are the same truth for everybody.  What is
answered of it is cut down to what the caller may know by those who ask here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from warroom.db.uow import Work
from warroom.domain.principal import INGEST_PRINCIPAL

_EYES = "select set_config('warroom.person', :person, true)"


@asynccontextmanager
async def all_eyes(work: Work) -> AsyncIterator[None]:
    """See everything inside the block; who acts stays who they are, on the record too.

    An error ends the transaction, so nothing is put back then.
    """
    await work.rows(_EYES, {"person": str(INGEST_PRINCIPAL)})
    yield
    await work.rows(_EYES, {"person": str(work.ctx.principal.id)})
