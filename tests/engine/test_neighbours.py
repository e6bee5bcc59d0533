"""What one server tells, the others hear: soon, once, and again after a connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import sqlalchemy as sa

from conductor_server.engine.neighbours import EVERYTHING, Neighbours
from conductor_server.store import notices
from conductor_server.store.database import Database
from conductor_server.store.notices import Kind, Notice
from tests.support.server import seen


class Server:
    """Notes what it is told."""

    def __init__(self, database: Database, name: str) -> None:
        self.heard: list[Notice] = []
        self.connected = 0
        self.neighbours = Neighbours(database, name=name, told=self._told)

    async def _told(self, by_others: Collection[Notice]) -> None:
        if by_others is EVERYTHING:
            self.connected += 1
        else:
            self.heard += by_others

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        task = asyncio.create_task(self.neighbours.run())
        await self.until(connected=1)
        try:
            yield self
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def until(self, *, connected: int = 0, heard: int = 0) -> None:
        async def enough() -> bool:
            return self.connected >= connected and len(self.heard) >= heard

        await seen(enough)


async def test_each_hears_the_others_and_not_itself(postgresql: Database) -> None:
    async with Server(postgresql, "a").running() as a, Server(postgresql, "b").running() as b:
        registered = Notice(kind=Kind.SESSION, agent='etl "1"', session=7)
        for _ in range(5):
            a.neighbours.tell(Notice(kind=Kind.PASS))
        a.neighbours.tell(registered)
        await b.until(heard=2)
        b.neighbours.tell(Notice(kind=Kind.WORK))
        await a.until(heard=1)
        assert set(b.heard) == {Notice(kind=Kind.PASS), registered}
        assert a.heard == [Notice(kind=Kind.WORK)]


async def test_what_strangers_say_is_passed_over(postgresql: Database) -> None:
    async with Server(postgresql, "a").running() as a:
        for text in (
            "",
            "[]",
            '{"sender": "z"}',
            '{"sender": "z", "kind": "later"}',
            '{"sender": "z", "x": 1}',
        ):
            postgresql.write(
                lambda db, text=text: db.execute(sa.select(sa.func.pg_notify(notices.CHANNEL, text)))  # type: ignore[misc]
            )
        postgresql.write(lambda db: notices.send(db, "b", [Notice(kind=Kind.LEAD)]))
        await a.until(heard=1)
        assert a.heard == [Notice(kind=Kind.LEAD)]


async def test_a_lost_connection_is_made_anew_and_everything_looked_at(postgresql: Database) -> None:
    async with Server(postgresql, "a").running() as a:
        ended = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        assert postgresql.write(lambda db: db.execute(ended).scalars().all()) == [True]
        await a.until(connected=2)
        postgresql.write(lambda db: notices.send(db, "b", [Notice(kind=Kind.WORK)]))
        await a.until(heard=1)


async def test_on_sqlite_there_is_nobody(sqlite: Database) -> None:
    neighbours = Neighbours(sqlite, name="a", told=Server(sqlite, "b")._told)
    task = asyncio.create_task(neighbours.run())
    neighbours.tell(Notice(kind=Kind.WORK))
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})
