"""How the database is: its settings, its clock, the disk that it is on. For people who look for what is wrong."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from conductor_server.model.states import SlotState
from conductor_server.store import schema
from conductor_server.store.database import Database

_POSTGRES = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "server_version_num")
_PRAGMAS = ("journal_mode", "synchronous", "foreign_keys", "quick_check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """``settings`` by the database's own names; ``now`` is its clock; ``free`` (0 to 1) is of a local file's disk."""

    settings: Mapping[str, str]
    now: dt.datetime | None = None
    free: float | None = None
    file_system: str = ""


def read(database: Database) -> Vitals:
    if not database.is_sqlite:
        return database.read(_postgresql)
    path = Path(database.url.database or ".").absolute()
    usage = shutil.disk_usage(path.parent)
    return Vitals(
        settings=database.read(_sqlite), free=usage.free / usage.total, file_system=_file_system(path)
    )


def _postgresql(db: sa.Connection) -> Vitals:
    shown = {name: str(db.execute(sa.text(f"SHOW {name}")).scalar_one()) for name in _POSTGRES}
    idle = sa.text(
        "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - state_change)), 0) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )
    shown["idle_in_transaction_s"] = str(db.execute(idle).scalar_one())
    return Vitals(settings=shown, now=db.execute(sa.select(sa.func.clock_timestamp())).scalar_one())


def _sqlite(db: sa.Connection) -> Mapping[str, str]:
    return {name: str(db.execute(sa.text(f"PRAGMA {name}")).scalar()) for name in _PRAGMAS}


def _file_system(path: Path) -> str:
    """The kind of the innermost mount that the file is under."""
    mounts = [mount for mount in psutil.disk_partitions(all=True) if path.is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""


def quarantined(db: sa.Connection) -> int:
    """How many slots wait for a person."""
    slot = schema.slot
    query = sa.select(sa.func.count()).select_from(slot).where(slot.c.state == SlotState.QUARANTINED)
    number: int = db.execute(query).scalar_one()
    return number


def definitions_by_source(db: sa.Connection) -> dict[str, int]:
    """How many active definitions need an agent of each source."""
    source, definition = schema.source, schema.definition
    query = (
        sa.select(source.c.name, sa.func.count())
        .join(definition, definition.c.source_id == source.c.id)
        .where(definition.c.active)
        .group_by(source.c.name)
    )
    return dict(db.execute(query).all())
