"""Members of declared matrices: what a list adds and takes away, and that the rest is left alone."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from conductor_server.definitions.files import FileSource
from conductor_server.definitions.watching import LIVE_EVERY_S, WatchedSources
from conductor_server.engine.clock import SystemClock
from conductor_server.engine.loop import EngineLoop
from conductor_server.model.definition import Matrix, MemberDeclaration
from conductor_server.store import agenda, members, schema
from conductor_server.store.database import Database
from tests.support.build import account, definition
from tests.support.world import SETTINGS, World

PATIENCE_S = 30.0
ACCOUNTS = [account(token) for token in ("acme", "bolt")]
MANY = [MemberDeclaration(token=f"word {number:04}", parent="acme") for number in range(1_000)]


def keywords(listed: Sequence[MemberDeclaration]) -> Matrix:
    return Matrix(name="keyword", parent="account", members=tuple(listed))


def stored(world: World, matrix: str = "keyword") -> dict[str, tuple[int, int]]:
    """Id and arrival of a matrix's members by path."""
    member = schema.member
    query = (
        sa.select(member.c.path, member.c.id, member.c.arrival)
        .join(schema.matrix, schema.matrix.c.id == member.c.matrix_id)
        .where(schema.matrix.c.name == matrix)
    )
    return {row.path: (row.id, row.arrival) for row in world.read(lambda db: db.execute(query).all())}


def test_a_changed_list_costs_what_has_changed(world: World) -> None:
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords(MANY)])
    world.tick()
    before = stored(world)
    assert len(before) == len(MANY)

    added = [MemberDeclaration(token="brand new", parent="bolt")]
    world.declare(definition("bid", matrix="keyword"), matrices=[keywords(MANY[10:] + added)])
    done = world.tick()

    after = stored(world)
    assert done.changed["ensure_accounts_exist"] == 11
    assert after.keys() - before.keys() == {"bolt:brand new"}
    assert before.keys() - after.keys() == {f"acme:{each.token}" for each in MANY[:10]}
    assert all(after[path] == before[path] for path in after.keys() & before.keys())
    assert world.events("matrix.changed")[-1] == "1 members added, 10 removed, as files says"
    assert {slot for slot in world.states() if slot.startswith("bid@bolt")} == {
        "bid@bolt:brand new/2026-11-21",
        "bid@bolt:brand new/2026-11-22",
    }


def test_the_same_list_in_another_order_writes_nothing(world: World) -> None:
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords(MANY)])
    world.tick()
    world.declare(definition("bid", matrix="keyword"), matrices=[keywords([*reversed(MANY), *MANY])])

    assert "ensure_accounts_exist" not in world.tick().changed


def test_a_member_that_is_listed_twice_is_one(world: World) -> None:
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords([*MANY, *MANY])])
    world.tick()

    assert len(stored(world)) == len(MANY)


def test_members_know_all_above_them(world: World) -> None:
    """Of the default matrix, an account, a keyword of it, and a match below that."""
    match = Matrix(
        name="match", parent="keyword", members=(MemberDeclaration(token="exact", parent="acme:shoes"),)
    )
    shoes = MemberDeclaration(token="shoes", parent="acme")
    world.declare(definition("bid", matrix="match"), accounts=ACCOUNTS, matrices=[keywords([shoes]), match])
    world.tick()

    member, ancestor, above = schema.member, schema.member_ancestor, schema.member.alias("above")
    query = (
        sa.select(above.c.path, ancestor.c.member_matrix_id == member.c.matrix_id)
        .select_from(ancestor)
        .join(member, member.c.id == ancestor.c.member_id)
        .join(above, above.c.id == ancestor.c.ancestor_id)
        .where(member.c.path == "acme:shoes:exact", above.c.matrix_id == ancestor.c.ancestor_matrix_id)
    )
    paths: dict[str, bool] = dict(world.read(lambda db: db.execute(query).all()))
    assert paths == {"": True, "acme": True, "acme:shoes": True, "acme:shoes:exact": True}
    owner = sa.select(above.c.path).join(member, member.c.account_id == above.c.id)
    found = world.read(lambda db: db.execute(owner.where(member.c.path == "acme:shoes:exact")).scalar_one())
    assert found == "acme"


def test_a_source_that_breaks_half_way_changes_nothing(world: World) -> None:
    class Breaking(tuple[MemberDeclaration, ...]):
        def __iter__(self) -> Iterator[MemberDeclaration]:
            yield from MANY[:10]
            raise EOFError("the connection was cut")

    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords(MANY)])
    world.tick()
    before = stored(world)

    broken = Matrix(name="keyword", parent="account", members=Breaking())
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[broken])

    assert world.tick().problems == ("nothing of files was applied: EOFError: the connection was cut",)
    assert stored(world) == before


def test_more_than_a_fifth_is_held_back_and_the_rest_goes_on(world: World) -> None:
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords(MANY)])
    world.tick()
    added = [MemberDeclaration(token="brand new", parent="bolt")]
    world.declare(definition("bid", matrix="keyword"), matrices=[keywords(MANY[300:] + added)])

    (problem,) = world.tick().problems

    assert problem.startswith("files no longer lists 300 of 1000 of its keyword members (acme:word 0000, ")
    assert len(stored(world)) == len(MANY) + 1


def test_a_member_of_another_source_is_a_problem_that_names_it(world: World) -> None:
    shoes = [MemberDeclaration(token="shoes", parent="acme")]
    world.declare(definition("bid", matrix="keyword"), accounts=ACCOUNTS, matrices=[keywords(shoes)])
    world.tick()
    world.declare(source="sql", matrices=[keywords([*shoes, *MANY])])

    (problem,) = world.tick().problems

    assert problem == (
        "<code>: keyword acme:shoes is there already, from another source: remove it there first"
    )
    assert stored(world).keys() == {"acme:shoes"}


# ------------------------------------------------------------------------------------------------ files and the loop


def write(folder: Path, rows: Sequence[Sequence[str]]) -> FileSource:
    (folder / "night.yaml").write_text(
        "version: 1\nmatrices: [{name: keyword, parent: account, members: {csv: keywords.csv}}]\n"
    )
    with (folder / "keywords.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["account", "token"], *rows])
    return FileSource([str(folder)], {})


@pytest.fixture
async def loop(database: Database, tmp_path: Path) -> AsyncIterator[EngineLoop]:
    World(database)
    passes, clock = asyncio.Event(), SystemClock()

    async def after_pass() -> None:
        passes.set()

    sources = WatchedSources(
        [write(tmp_path, [["acme", "shoes"]])], monotonic=clock.monotonic, patience_s=PATIENCE_S
    )
    engine = EngineLoop(lambda: database, clock, SETTINGS, sources, after_pass=after_pass)
    task = asyncio.create_task(engine.run())
    await passes.wait()
    yield engine
    task.cancel()
    await asyncio.wait({task})


async def test_an_account_that_an_operator_adds_gets_its_keywords(
    loop: EngineLoop, database: Database
) -> None:
    """The file lists them from the beginning, and is not edited."""

    def add(db: sa.Connection) -> None:
        now = SystemClock().now()
        members.add_accounts(db, [(account("acme"), now)], source_token=members.MANUAL, now=now)
        agenda.note_everything(db, at=now)

    def paths(db: sa.Connection) -> set[str]:
        return set(db.execute(sa.select(schema.member.c.path)).scalars())

    assert await asyncio.to_thread(database.read, paths) == {""}
    await asyncio.to_thread(database.write, add)
    async with asyncio.timeout(PATIENCE_S):
        while "acme:shoes" not in await asyncio.to_thread(database.read, paths):
            loop.wake()
            await asyncio.sleep(0.05)


def test_a_database_that_says_the_same_is_not_applied_again(tmp_path: Path) -> None:
    time_s = 0.0
    night = write(tmp_path, [["acme", "shoes"]])

    class Live(FileSource):
        live = True

    watched = WatchedSources([Live([str(tmp_path)], {})], monotonic=lambda: time_s, patience_s=PATIENCE_S)
    (reading,), _ = watched.read_changed()
    watched.applied([reading])

    time_s += LIVE_EVERY_S
    assert watched.read_changed() == ((), ())

    watched.offer_again()
    assert watched.read_changed() == ((reading,), ())
    watched.applied([reading])
    write(tmp_path, [["acme", "shoes"], ["acme", "hats"]])
    time_s += LIVE_EVERY_S
    assert watched.read_changed() == ((night.read(),), ())
