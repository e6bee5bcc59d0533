"""What servers of one PostgreSQL database tell each other: LISTEN and NOTIFY, with JSON as the text.

A notice that is lost may only cost time. They go in transactions of their own, never in those that agents wait for:
PostgreSQL lets only one transaction with notices commit at a time, over all databases of an installation.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

import psycopg
import sqlalchemy as sa

from conductor_server.model.errors import StoreUnavailableError
from conductor_server.store.database import Database

CHANNEL = "conductor"


class Kind(StrEnum):
    """What may have happened."""

    WORK = "work"  # agents or operators have changed something that the engine has to look at
    PASS = "pass"  # the engine has made a pass  # noqa: S105 - no password
    LEAD = "lead"  # the lead may be free
    SESSION = "session"  # an agent has registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``agent`` and ``session`` are set where an agent has registered."""

    kind: Kind
    agent: str = ""
    session: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A notice, and the server it is from."""

    sender: str
    notice: Notice


def send(db: sa.Connection, sender: str, notices: Collection[Notice]) -> None:
    """Tell all servers that listen, this one included, when the transaction commits."""
    for notice in notices:
        text = json.dumps({"sender": sender, **asdict(notice)})
        db.execute(sa.select(sa.func.pg_notify(CHANNEL, text)))


class Listener:
    """A connection on which notices arrive."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def receive(self, *, timeout_s: float) -> list[Received]:
        """What has arrived, as soon as there is something; nothing after that many seconds without any.

        Raises StoreUnavailableError when the connection is gone.
        """
        with _translated():
            arrived = [each async for each in self._connection.notifies(timeout=timeout_s, stop_after=1)]
            if not arrived:
                await self._connection.execute(
                    "SELECT 1"
                )  # a connection that died without a word is found so
        return [received for each in arrived if (received := _parsed(each.payload)) is not None]


@contextlib.asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Listener]:
    """Listen until the context ends. Raises StoreUnavailableError when the database cannot be reached."""
    parameters = database.connection_parameters()
    with _translated():
        connection = await psycopg.AsyncConnection.connect(autocommit=True, **parameters)
    async with connection:
        with _translated():
            await connection.execute(f"LISTEN {CHANNEL}")
        yield Listener(connection)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailableError(f"the database does not answer: {str(error).strip()}") from error


def _parsed(text: str) -> Received | None:
    """``None`` for what a newer release says, or somebody else on this channel."""
    try:
        words = json.loads(text)
        return Received(
            sender=str(words.pop("sender")), notice=Notice(**{**words, "kind": Kind(words["kind"])})
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
