"""What work costs, part by part: processor time of servers, PostgreSQL and agents, log written, space on disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields

import psutil
import sqlalchemy as sa

from benchmarks.laboratory import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds by the clock and of processors, and bytes: since the beginning, or between two moments of it."""

    wall_s: float
    servers_cpu_s: float
    postgresql_cpu_s: float
    agents_cpu_s: float
    wal_bytes: float
    disk_bytes: float

    def __sub__(self, earlier: Cost) -> Cost:
        return Cost(
            **{each.name: getattr(self, each.name) - getattr(earlier, each.name) for each in fields(self)}
        )

    def per(self, runs: int) -> Cost:
        return Cost(**{each.name: getattr(self, each.name) / runs for each in fields(self)})


class Meter:
    """Reads all of it. The agents are this process; PostgreSQL is on this machine, and nobody else uses it."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = [psutil.Process(server.pid) for server in servers]
        self._database = servers[0].database
        backend = self._database.read(lambda db: db.execute(_PID).scalar_one())
        postmaster = psutil.Process(backend).parent()
        assert postmaster is not None
        self._postmaster = postmaster

    def read(self) -> Cost:
        wal, disk = self._database.read(lambda db: db.execute(_WRITTEN).one())
        return Cost(
            wall_s=time.perf_counter(),
            servers_cpu_s=sum(map(_cpu_s, self._servers)),
            postgresql_cpu_s=self._postgresql_cpu_s(),
            agents_cpu_s=time.process_time(),
            wal_bytes=float(wal),
            disk_bytes=float(disk),
        )

    def _postgresql_cpu_s(self) -> float:
        """Of the sessions that are there, and of those that have ended, which count as the postmaster's children."""
        ended = self._postmaster.cpu_times()
        alive = self._postmaster.children()
        return sum(map(_cpu_s, alive)) + float(ended.children_user + ended.children_system)


_PID = sa.text("SELECT pg_backend_pid()")

_WRITTEN = sa.text(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'), pg_database_size(current_database())"
)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
