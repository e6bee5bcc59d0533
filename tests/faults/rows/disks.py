"""Disks that fill up and are freed again."""

from __future__ import annotations

from tests.faults.declaration import LONG_LOAD, POSTGRESQL, SQLITE, fault
from tests.faults.stores import PostgresStore, SqliteStore
from tests.faults.tools import disk, postgres
from tests.faults.tools.disk import SmallDisk, small_disk
from tests.faults.world import TIMEOUT_S, World

FULL_S = 4.0
_disks: dict[str, SmallDisk] = {}


def _sqlite(world: World) -> None:
    small = _small(world, mib=12)
    world.store = SqliteStore(small.folder / "conductor.db")
    world.serve()
    for number in range(world.fault.agents):
        world.agent(f"agent-{number}")


def _postgresql(world: World) -> None:
    small = _small(world, mib=96)
    sockets = postgres.make_folder(world.folder / "sockets")
    cluster = postgres.own_cluster(
        world,
        sockets,
        data=postgres.make_folder(small.folder / "data"),
        options="-c shared_buffers=16MB -c max_wal_size=4MB -c min_wal_size=2MB",
        initdb=("--wal-segsize=1",),
    )
    world.store = PostgresStore(cluster.url)
    world.serve()
    for number in range(world.fault.agents):
        world.agent(f"agent-{number}")


def _small(world: World, *, mib: int) -> SmallDisk:
    small = world.undo.enter_context(small_disk(world.folder / "disk", mib=mib))
    _disks[str(world.folder)] = small
    world.undo.callback(_disks.pop, str(world.folder))
    return small


def _full(world: World, seconds: float) -> None:
    small = _disks[str(world.folder)]
    small.fill()
    world.rest(seconds)
    small.free()


@fault(
    component="disk",
    how=f"the database's disk is full for {FULL_S:.0f} s, then freed",
    expected="nothing is acknowledged that cannot be kept; the server stays up and goes on by itself",
    stores=(SQLITE,),
    needs=disk.missing,
    prepare=_sqlite,
)
def sqlite_disk_full(world: World) -> None:
    _full(world, FULL_S)
    world.healed()


@fault(
    component="disk",
    how="the database's disk is full for longer than an agent may be silent, then freed",
    expected="no heartbeat could be kept, so nobody is given up",
    stores=(SQLITE,),
    needs=disk.missing,
    prepare=_sqlite,
    accounts=2,
    times=1,
    work=LONG_LOAD,
)
def sqlite_disk_full_for_long(world: World) -> None:
    _full(world, TIMEOUT_S + 3)
    world.healed()


@fault(
    component="disk",
    how=f"PostgreSQL's disk, with its log, is full for {FULL_S:.0f} s, then freed; it is started if it has ended",
    expected="the same",
    stores=(POSTGRESQL,),
    needs=disk.missing,
    prepare=_postgresql,
)
def postgresql_disk_full(world: World) -> None:
    _full(world, FULL_S)
    cluster = postgres.cluster_of(world)
    if not cluster.runs:
        cluster.start()
    world.healed()
