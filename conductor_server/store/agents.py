"""Agents: who they are, their session, and when they were last heard of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.errors import AlreadyExistsError
from conductor_server.model.states import RunStatus
from conductor_server.store import dialect, given, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What an agent says of itself. ``capacities``: how many runs of each source at once; ``clock``: what it shows."""

    name: str
    instance: str
    host: str
    pid: int
    version: str
    capacities: Mapping[str, int]
    clock: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAgent:
    """An agent with its load. ``clock_skew``: how far its clock is ahead of ours, if it tells."""

    registration: Registration
    session: int
    registered_at: dt.datetime
    heartbeat_at: dt.datetime
    clock_skew: dt.timedelta | None
    running: Mapping[str, int]


def register(
    db: sa.Connection,
    agent: Registration,
    *,
    credential: str = "",
    take_over: bool,
    alive_since: dt.datetime,
    now: dt.datetime,
) -> int:
    """Open a session of that credential, which fences the one before. Answers its number.

    Raises AlreadyExistsError when another process of that name was heard of since ``alive_since``, unless
    ``take_over``.
    """
    before = db.execute(_BY_NAME, {"agent_name": agent.name}).one_or_none()
    if (
        before is not None
        and not take_over
        and before.instance != agent.instance
        and before.heartbeat_at > alive_since
    ):
        raise AlreadyExistsError(
            f"an agent named {agent.name!r} is alive on {before.host} (process {before.pid}): "
            "stop it, or start this one with another --name"
        )
    values = {
        "instance": agent.instance,
        "host": agent.host,
        "pid": agent.pid,
        "version": agent.version,
        "capacities": dict(agent.capacities),
        "registered_at": now,
        "heartbeat_at": now,
        "credential": credential,
        "clock_skew_s": None if agent.clock is None else (agent.clock - now).total_seconds(),
    }
    db.execute(_CLOSE, {"agent_name": agent.name})
    session: int = db.execute(_OPEN, {"agent": agent.name, "credential": credential}).scalar_one()
    values["session"] = session
    db.execute(_storing(db.dialect.name, tuple(values)), {"name": agent.name, **values})
    return session


def instance_of(db: sa.Connection, name: str) -> str | None:
    """The process that registered last under that name."""
    found: str | None = db.execute(_INSTANCE, {"agent_name": name}).scalar()
    return found


def owner(db: sa.Connection, name: str) -> str | None:
    """The credential that registered an agent of that name last; ``None`` when nobody has the name.

    The row stays locked, so that of two who want the name one is told no.
    """
    found: str | None = db.execute(_OWNER, {"agent_name": name}).scalar_one_or_none()
    return found


def of_session(db: sa.Connection, session: int) -> tuple[Registration, str] | None:
    """Whose session that is, and the credential that opened it; ``None`` when it is over."""
    row = db.execute(sa.select(schema.agent).where(schema.agent.c.session == session)).one_or_none()
    return None if row is None else (_registration(row), row.credential)


def sessions(db: sa.Connection, names: Collection[str]) -> dict[str, int]:
    """The present session of each of those agents."""
    return dict(db.execute(_sessions(db.dialect.name), _named(names)).all())


def heard_of(db: sa.Connection, names: Collection[str], *, now: dt.datetime) -> None:
    db.execute(_hearing_of(db.dialect.name), _named(names) | {"now": now})


def note_skew(db: sa.Connection, name: str, skew: dt.timedelta) -> None:
    """By so much the agent's clock is ahead of ours."""
    table = schema.agent
    db.execute(sa.update(table).where(table.c.name == name).values(clock_skew_s=skew.total_seconds()))


_this = schema.agent.c.name == sa.bindparam("agent_name")
_BY_NAME = sa.select(schema.agent).where(_this)
_INSTANCE = sa.select(schema.agent.c.instance).where(_this)
_OWNER = sa.select(schema.agent.c.credential).where(_this).with_for_update()
_CLOSE = sa.delete(schema.agent_session).where(schema.agent_session.c.agent == sa.bindparam("agent_name"))
_OPEN = sa.insert(schema.agent_session).returning(schema.agent_session.c.id)


@cache
def _storing(dialect_name: str, columns: tuple[str, ...]) -> sa.Insert:
    statement = dialect.insert_on(dialect_name, schema.agent)
    return statement.on_conflict_do_update(
        index_elements=["name"], set_={name: statement.excluded[name] for name in columns}
    )


def _named(names: Collection[str]) -> dict[str, object]:
    return given.rows({"name": name} for name in names)


@cache
def _is_named(dialect_name: str) -> sa.ColumnElement[bool]:
    return schema.agent.c.name.in_(sa.select(given.table(dialect_name, {"name": sa.Text()}).c.name))


@cache
def _sessions(dialect_name: str) -> sa.Select[str, int]:
    return sa.select(schema.agent.c.name, schema.agent.c.session).where(_is_named(dialect_name))


@cache
def _hearing_of(dialect_name: str) -> sa.Update:
    return sa.update(schema.agent).where(_is_named(dialect_name)).values(heartbeat_at=sa.bindparam("now"))


def all_agents(db: sa.Connection) -> Sequence[StoredAgent]:
    """By name."""
    run, source, table = schema.run, schema.source, schema.agent
    running: dict[str, dict[str, int]] = {}
    for name, source_name, number in db.execute(
        sa.select(run.c.agent, source.c.name, sa.func.count())
        .join(source, source.c.id == run.c.source_id)
        .where(run.c.status == RunStatus.RUNNING)
        .group_by(run.c.agent, source.c.name)
    ):
        running.setdefault(name, {})[source_name] = number
    return [
        StoredAgent(
            registration=_registration(row),
            session=row.session,
            registered_at=row.registered_at,
            heartbeat_at=row.heartbeat_at,
            clock_skew=None if row.clock_skew_s is None else dt.timedelta(seconds=row.clock_skew_s),
            running=running.get(row.name, {}),
        )
        for row in db.execute(sa.select(table).order_by(table.c.name))
    ]


def sources_alive(db: sa.Connection, *, alive_since: dt.datetime) -> set[str]:
    """Sources that an agent heard of since then can run."""
    rows = db.execute(sa.select(schema.agent.c.capacities).where(schema.agent.c.heartbeat_at > alive_since))
    return {source for capacities in rows.scalars() for source, places in capacities.items() if places > 0}


def forget(db: sa.Connection, *, silent_since: dt.datetime) -> int:
    """Delete agents that have not been heard of since then and hold nothing."""
    table, run = schema.agent, schema.run
    holds = sa.select(1).where(run.c.agent == table.c.name, run.c.status == RunStatus.RUNNING).exists()
    return db.execute(sa.delete(table).where(table.c.heartbeat_at < silent_since, ~holds)).rowcount


def _registration(row: sa.Row[Any]) -> Registration:
    return Registration(
        name=row.name,
        instance=row.instance,
        host=row.host,
        pid=row.pid,
        version=row.version,
        capacities=row.capacities,
    )
