"""Databases that are away, locked, full, replaced and broken."""

from __future__ import annotations

import sqlite3
import time

import psycopg

from tests.faults.declaration import LONG_LOAD, POSTGRESQL, SQLITE, fault
from tests.faults.stores import SqliteStore
from tests.faults.tools import postgres
from tests.faults.world import TIMEOUT_S, World

AWAY_S = 5.0
LOCKED_S = 3.0


@fault(
    component="database",
    how="`pg_ctl restart -m immediate` in load: every session is cut, and what was not committed is gone",
    expected="calls end with UNAVAILABLE and are tried again; what was acknowledged survives",
    stores=(POSTGRESQL,),
    prepare=postgres.prepare,
)
def postgresql_restarted(world: World) -> None:
    postgres.cluster_of(world).restart("immediate")
    world.healed()


@fault(
    component="database",
    how=f"PostgreSQL is stopped (immediate) and stays away for {AWAY_S:.0f} s",
    expected="the server stays up and says why; agents go on; nobody is given up",
    stores=(POSTGRESQL,),
    prepare=postgres.prepare,
)
def postgresql_away(world: World) -> None:
    cluster = postgres.cluster_of(world)
    cluster.stop("immediate")
    world.rest(AWAY_S)
    cluster.start()
    world.healed()


@fault(
    component="database",
    how="PostgreSQL is away for longer than an agent may be silent",
    expected="nobody could be heard, so nobody is given up",
    stores=(POSTGRESQL,),
    prepare=postgres.prepare,
    accounts=2,
    times=1,
    work=LONG_LOAD,
)
def postgresql_away_for_long(world: World) -> None:
    cluster = postgres.cluster_of(world)
    cluster.stop("fast")
    world.rest(TIMEOUT_S + 3)
    cluster.start()
    world.healed()


@fault(
    component="database",
    how="pg_terminate_backend for every session of the server",
    expected="new connections, the work under way is done again",
    stores=(POSTGRESQL,),
)
def postgresql_sessions_terminated(world: World) -> None:
    world.store.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    world.healed()


@fault(
    component="database",
    how="another client has a transaction open over all of the night's work, idle, with every slot locked FOR SHARE",
    expected="only what needs the locked rows waits; all comes right when it has gone",
    stores=(POSTGRESQL,),
)
def postgresql_idle_in_transaction(world: World) -> None:
    with psycopg.connect(world.store.url) as hog:
        hog.execute("SELECT id FROM command_slot FOR SHARE").fetchall()
        world.rest(LOCKED_S)
    world.healed()


@fault(
    component="database",
    how=f"an outsider holds SQLite's write lock for {LOCKED_S:.0f} s",
    expected="writes wait for it; nobody is told that the database is locked",
    stores=(SQLITE,),
)
def sqlite_locked(world: World) -> None:
    assert isinstance(world.store, SqliteStore)
    before = world.server.said
    with sqlite3.connect(world.store.path, isolation_level=None, timeout=30) as outsider:
        outsider.execute("BEGIN IMMEDIATE")
        world.rest(LOCKED_S)
        outsider.execute("COMMIT")
    outsider.close()
    world.healed()
    if "database is locked" in world.server.said.removeprefix(before):
        world.wrong.append("the server said that the database is locked")


@fault(
    component="database",
    how="a second server is started on the SQLite file of the first",
    expected="it refuses, and says which process has it",
    stores=(SQLITE,),
)
def sqlite_second_server(world: World) -> None:
    second = world.home.start(
        "conductor-server", "--database", world.store.url, "--definitions", str(world.definitions_file)
    )
    code = second.exit_code()
    world.healed()
    if code != 1 or f"process {world.server.popen.pid}" not in second.said:
        world.wrong.append(f"the second server ended with {code}: {second.said[-300:]}")


@fault(
    component="database",
    how="the SQLite file is moved away under a working server; moved back, and the server started again",
    expected="the server ends, and says so; it never goes on with a new, empty file",
    stores=(SQLITE,),
)
def sqlite_moved_away(world: World) -> None:
    assert isinstance(world.store, SqliteStore)
    path = world.store.path
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    for file in files:
        if file.exists():
            file.rename(file.with_name(f"moved-{file.name}"))
    _ends(world, "moved or replaced")
    if path.exists():
        world.wrong.append("there is a new database where the old one was")
    for file in files:
        moved = file.with_name(f"moved-{file.name}")
        if moved.exists():
            moved.rename(file)
    world.healed()
    world.serve()


@fault(
    component="database",
    how="pages in the middle of the SQLite file are overwritten while no server runs; then the sound file is put back",
    expected="the server does not start, and says that the file is damaged",
    stores=(SQLITE,),
)
def sqlite_corrupted(world: World) -> None:
    assert isinstance(world.store, SqliteStore)
    world.server.terminate()
    path = world.store.path
    sound = path.read_bytes()
    broken = bytearray(sound)
    middle = (len(broken) // 8192) * 4096
    broken[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(bytes(broken))
    refused = world.home.start(
        "conductor-server", "--database", world.store.url, "--definitions", str(world.definitions_file)
    )
    deadline = time.monotonic() + 30
    while refused.popen.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if refused.popen.poll() is None:
        refused.kill()
        world.wrong.append("the server started on a damaged file")
    elif "damaged" not in refused.said:
        world.wrong.append(f"the server ended without saying that the file is damaged: {refused.said[-300:]}")
    path.write_bytes(sound)
    world.healed()
    world.serve()


def _ends(world: World, word: str) -> None:
    """The server ends by itself, with that word."""
    deadline = time.monotonic() + 30
    while world.server.popen.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if world.server.popen.poll() is None:
        world.wrong.append("the server did not notice")
        world.server.kill()
    elif word not in world.server.said:
        world.wrong.append(f"the server ended without saying why: {world.server.said[-300:]}")
