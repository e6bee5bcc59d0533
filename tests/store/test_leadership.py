"""The leader's row: one holder an epoch, and no transaction of the engine across a change of the lead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from conductor_server.model.errors import NotLeadingError, StoreUnavailableError
from conductor_server.policy.leadership import Leader
from conductor_server.store import leadership
from conductor_server.store.database import Database

PATIENCE_S = 30


def take(database: Database, holder: str) -> int | None:
    seen = database.read(leadership.load)
    return database.write(lambda db: leadership.take(db, seen, holder=holder, server=f"server {holder}"))


def guarded(database: Database, epoch: int) -> Database:
    return database.guarded(lambda db: leadership.check(db, epoch=epoch, idle_s=PATIENCE_S))


def write_something(db: sa.Connection) -> None:
    db.execute(sa.text("INSERT INTO command_pool (name, places, source_token) VALUES ('p', 1, 't')"))


def written(database: Database) -> int:
    number: int = database.read(
        lambda db: db.execute(sa.text("SELECT count(*) FROM command_pool")).scalar_one()
    )
    return number


def test_the_row_is_there_and_vacant(database: Database) -> None:
    assert database.read(leadership.load) == Leader(holder="", server="", epoch=0, renewals=0)


def test_each_lead_has_an_epoch_of_its_own(database: Database) -> None:
    assert take(database, "a") == 1
    seen = database.read(leadership.load)
    assert seen == Leader(holder="a", server="server a", epoch=1, renewals=0)

    def renewed(holder: str, epoch: int) -> bool:
        return database.write(lambda db: leadership.renew(db, holder=holder, epoch=epoch))

    assert [renewed("a", 1), renewed("b", 1), renewed("a", 2)] == [True, False, False]
    stale = database.write(lambda db: leadership.take(db, seen, holder="b", server="server b"))
    assert stale is None, "its leader has given a sign of life since"
    assert take(database, "b") == 2
    assert not renewed("a", 1)

    assert not database.write(lambda db: leadership.give_up(db, holder="a", epoch=1))
    assert database.write(lambda db: leadership.give_up(db, holder="b", epoch=2))
    assert database.read(leadership.load) == replace(seen, holder="", server="server b", epoch=2)


def test_of_many_who_ask_at_once_one_leads(postgresql: Database) -> None:
    seen = postgresql.read(leadership.load)

    def ask(number: int) -> int | None:
        return postgresql.write(
            lambda db: leadership.take(db, seen, holder=f"holder {number}", server="server")
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert sorted(filter(None, answers)) == [1]


def test_who_does_not_lead_writes_nothing(database: Database) -> None:
    take(database, "a")
    guarded(database, 1).write(write_something)
    assert written(database) == 1
    take(database, "b")
    with pytest.raises(NotLeadingError, match="led in epoch 1, and the present one is 2"):
        guarded(database, 1).write(lambda db: db.execute(sa.text("DELETE FROM command_pool")))
    assert written(database) == 1


def test_nobody_takes_the_lead_within_a_transaction_of_the_engine(postgresql: Database) -> None:
    """Between its check and its commit: the taker waits, renewals do not, and the next transaction is refused."""
    take(postgresql, "a")
    seen: list[Leader] = []

    def work(db: sa.Connection) -> None:
        write_something(db)
        assert postgresql.write(lambda other: leadership.renew(other, holder="a", epoch=1))
        taking = pool.submit(take, postgresql, "b")
        while not waits_for_a_lock(postgresql):
            assert not taking.done(), "it was taken while a transaction of the old epoch was open"
        seen.append(postgresql.read(leadership.load))
        takings.append(taking)

    with ThreadPoolExecutor(1) as pool:
        takings = []
        guarded(postgresql, 1).write(work)
        assert takings[0].result(PATIENCE_S) == 2
    assert [row.epoch for row in seen] == [1]
    assert written(postgresql) == 1
    with pytest.raises(NotLeadingError):
        guarded(postgresql, 1).write(write_something)


def test_a_leader_that_freezes_in_a_transaction_is_not_waited_for(postgresql: Database) -> None:
    take(postgresql, "a")
    with postgresql.engine.connect() as frozen:
        leadership.check(frozen, epoch=1, idle_s=0.2)
        write_something(frozen)
        assert take(postgresql, "b") == 2
        with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction timeout"):
            frozen.execute(sa.text("SELECT 1"))
    assert written(postgresql) == 0


def test_an_engine_that_was_cut_off_in_a_transaction_is_told_so(postgresql: Database) -> None:
    take(postgresql, "a")

    def freeze(db: sa.Connection) -> None:
        write_something(db)
        assert take(postgresql, "b") == 2
        db.execute(sa.text("SELECT 1"))

    store = postgresql.guarded(lambda db: leadership.check(db, epoch=1, idle_s=0.2))
    with pytest.raises(StoreUnavailableError, match="idle-in-transaction timeout"):
        store.write(freeze)
    assert written(postgresql) == 0


def waits_for_a_lock(database: Database) -> bool:
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(database.read(lambda db: db.execute(waiting).scalar_one()))
