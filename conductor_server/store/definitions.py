"""Definitions, what they read, write and need, and the dependencies between them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from conductor_server.model.definition import Definition, Json, Read, Retry
from conductor_server.model.states import Catchup, Frequency, MemberRule, RetryKind, WindowRule
from conductor_server.policy import diff
from conductor_server.store import dialect, matrices, replanning, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDefinition:
    """What the engine needs of a stored definition to plan its slots and decide about its runs."""

    id: int
    name: str
    matrix_id: int
    frequency: Frequency
    expression: str
    starts_on: str
    ends_on: str
    created: dt.datetime
    delay: dt.timedelta
    catchup: Catchup
    catchup_max_age: dt.timedelta | None
    retry: Retry


class StoredDependency(NamedTuple):
    """An edge of the graph, by ids. There may be a hundred thousand: a tuple is made fastest."""

    parent_id: int
    child_id: int
    window_rule: WindowRule
    member_rule: MemberRule
    common_matrix_id: int
    tables: tuple[str, ...]


def fingerprints(db: sa.Connection, *, source_token: str | None = None) -> dict[str, str]:
    """Name to fingerprint, of all definitions or of those that one source owns."""
    if source_token is None:
        return dict(db.execute(_FINGERPRINTS).all())
    return dict(db.execute(_FINGERPRINTS_OF_SOURCE, {"source": source_token}).all())


_FINGERPRINTS = sa.select(
    schema.definition.c.name,
    # One that is set aside is never what its source says: it is written anew.
    sa.case((schema.definition.c.fault == "", schema.definition.c.fingerprint), else_=""),
)
_FINGERPRINTS_OF_SOURCE = _FINGERPRINTS.where(schema.definition.c.source_token == sa.bindparam("source"))


def planned(db: sa.Connection) -> Sequence[PlannedDefinition]:
    """Every definition that is not set aside, by id."""
    return [
        PlannedDefinition(
            id=row.id,
            name=row.name,
            matrix_id=row.matrix_id,
            frequency=Frequency(row.frequency),
            expression=row.expression,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            created=row.created,
            delay=dt.timedelta(seconds=row.delay_s),
            catchup=Catchup(row.catchup),
            catchup_max_age=_duration(row.catchup_max_age_s),
            retry=retry_of(row.retry_kind, row.retry_parameters),
        )
        for row in db.execute(_PLANNED)
    ]


_PLANNED = (
    sa.select(schema.definition).where(schema.definition.c.fault == "").order_by(schema.definition.c.id)
)


def retries(db: sa.Connection, ids: Collection[int]) -> dict[int, Retry]:
    """The retry policies of those definitions, or of more."""
    table = schema.definition
    query = sa.select(table.c.id, table.c.retry_kind, table.c.retry_parameters)
    if len(ids) <= _IDS_MAX:
        query = query.where(table.c.id.in_(ids))
    return {row.id: retry_of(row.retry_kind, row.retry_parameters) for row in db.execute(query)}


_IDS_MAX = 1_000


def declared(db: sa.Connection) -> Sequence[Definition]:
    """Every definition that is not set aside, as far as the graph is concerned: schedule, matrix, reads and writes."""
    said = cache(lambda table, rule: Read(table=table, window=WindowRule(rule)))  # mostly by several readers
    reads: dict[int, list[Read]] = defaultdict(list)
    for number, table, rule in db.execute(_READS):
        reads[number].append(said(table, rule))
    writes: dict[int, list[str]] = defaultdict(list)
    for number, table in db.execute(_WRITES):
        writes[number].append(table)
    return [
        Definition(
            name=name,
            source=source,
            matrix=matrix,
            frequency=Frequency(frequency),
            cron=expression,
            reads_from=tuple(reads.get(number, ())),
            writes_to=tuple(writes.get(number, ())),
        )
        for number, name, frequency, expression, source, matrix in db.execute(_DECLARED)
    ]


_SOUND = schema.definition.c.fault == ""
_READS = (
    sa.select(
        schema.definition_reads.c.definition_id,
        schema.definition_reads.c.table_name,
        schema.definition_reads.c.window_rule,
    )
    .join(schema.definition, schema.definition.c.id == schema.definition_reads.c.definition_id)
    .where(_SOUND)
    .order_by(schema.definition_reads.c.table_name)
)
_WRITES = sa.select(schema.definition_writes.c.definition_id, schema.definition_writes.c.table_name).order_by(
    schema.definition_writes.c.table_name
)
_DECLARED = (
    sa.select(
        schema.definition.c.id,
        schema.definition.c.name,
        schema.definition.c.frequency,
        schema.definition.c.expression,
        schema.source.c.name,
        schema.matrix.c.name,
    )
    .join(schema.source, schema.source.c.id == schema.definition.c.source_id)
    .join(schema.matrix, schema.matrix.c.id == schema.definition.c.matrix_id)
    .where(_SOUND)
    .order_by(schema.definition.c.name)
)
_DELAYS = sa.select(schema.definition.c.delay_s).where(_SOUND).distinct()


def delays(db: sa.Connection) -> set[dt.timedelta]:
    """Every delay that some definition has that is not set aside."""
    rows = db.execute(_DELAYS)
    return {dt.timedelta(seconds=seconds) for seconds in rows.scalars()}


def ids_by_name(db: sa.Connection) -> dict[str, int]:
    return dict(db.execute(_IDS_BY_NAME).all())


_IDS_BY_NAME = sa.select(schema.definition.c.name, schema.definition.c.id)


def add(db: sa.Connection, definitions: Iterable[Definition], *, source_token: str, now: dt.datetime) -> None:
    """Store definitions that are not there. However many they are, a few statements."""
    sources, matrix_of = matrices.source_ids(db), matrices.matrix_ids(db)
    by_name = {definition.name: definition for definition in definitions}
    if not by_name:
        return
    own = {"source_token": source_token, "created": now}
    db.execute(_ADD, [own | _values(each, sources, matrix_of) for each in by_name.values()])
    ids = ids_by_name(db)
    _write_details(db, {ids[name]: definition for name, definition in by_name.items()})


_ADD = sa.insert(schema.definition)


def change(db: sa.Connection, definitions: Iterable[Definition]) -> None:
    """Store what the source says now. Another schedule or matrix re-plans what has not begun."""
    sources, matrix_of = matrices.source_ids(db), matrices.matrix_ids(db)
    by_name = {definition.name: definition for definition in definitions}
    if not by_name:
        return
    table = schema.definition
    stored = db.execute(sa.select(table).where(table.c.name.in_(by_name)).order_by(table.c.id)).all()
    values = {row.id: _values(by_name[row.name], sources, matrix_of) for row in stored}
    db.execute(_CHANGE, [{"of": number} | each for number, each in values.items()])
    for details in _DETAILS:
        db.execute(sa.delete(details).where(details.c.definition_id.in_(values)))
    _write_details(db, {row.id: by_name[row.name] for row in stored})
    for before in stored:
        now_said = values[before.id]
        changed = {name for name in _PLANNING if getattr(before, name) != now_said[name]}
        _reschedule(db, before.id, changed, now_said)


_CHANGE = sa.update(schema.definition).where(schema.definition.c.id == sa.bindparam("of"))


def remove(db: sa.Connection, names: Collection[str]) -> None:
    """Remove definitions with their slots and runs. Agents learn of it from their next heartbeat."""
    if names:
        db.execute(sa.delete(schema.definition).where(schema.definition.c.name.in_(names)))


def set_paused(db: sa.Connection, name: str, *, paused: bool) -> int:
    """Pause a definition, or let it go on. Answers how many have that name: 0 or 1."""
    where = schema.definition.c.name == name
    return db.execute(sa.update(schema.definition).where(where).values(paused=paused)).rowcount


def set_dependencies(
    db: sa.Connection, *, wanted: Collection[StoredDependency], serial: Collection[int]
) -> int:
    """Make the stored edges those, and mark the definitions whose slots go one at a time. Answers what changed.

    Edges of definitions that are set aside stay: of these nothing is known that would be better.
    """
    aside = set(db.execute(_ASIDE).scalars())
    stored = {
        (parent, child): (window, members, matrix, tuple(tables))
        for parent, child, window, members, matrix, tables in db.execute(_EDGES)
        if not aside or not {parent, child} & aside
    }
    desired = {(edge.parent_id, edge.child_id): edge for edge in wanted}
    missing = [edge for key, edge in desired.items() if stored.get(key) != edge[2:]]
    renewed = {(edge.parent_id, edge.child_id) for edge in missing}
    outdated = [key for key in stored if key not in desired or key in renewed]
    if outdated:
        db.execute(_UNLINK, [{"p": parent, "c": child} for parent, child in outdated])
    if missing:
        db.execute(
            _LINK,
            [
                {
                    "parent_id": edge.parent_id,
                    "child_id": edge.child_id,
                    "window_rule": edge.window_rule,
                    "member_rule": edge.member_rule,
                    "common_matrix_id": edge.common_matrix_id,
                    "table_names": list(edge.tables),
                }
                for edge in missing
            ],
        )
    marked = set(db.execute(_SERIAL).scalars()) ^ set(serial)
    if marked:
        db.execute(_MARK, [{"number": number, "yes": number in serial} for number in marked])
    return len(renewed.union(outdated)) + len(marked)


_sound = sa.select(schema.definition.c.id).where(_SOUND)
_ASIDE = sa.select(schema.definition.c.id).where(~_SOUND)
_EDGES = sa.select(
    schema.dependency.c.parent_id,
    schema.dependency.c.child_id,
    schema.dependency.c.window_rule,
    schema.dependency.c.member_rule,
    schema.dependency.c.common_matrix_id,
    schema.dependency.c.table_names,
)
_LINK = sa.insert(schema.dependency)
_UNLINK = sa.delete(schema.dependency).where(
    schema.dependency.c.parent_id == sa.bindparam("p"), schema.dependency.c.child_id == sa.bindparam("c")
)
_SERIAL = _sound.where(schema.definition.c.serial)
_MARK = (
    sa.update(schema.definition)
    .where(schema.definition.c.id == sa.bindparam("number"))
    .values(serial=sa.bindparam("yes"))
)


def set_pools(db: sa.Connection, pools: Mapping[str, int], *, source_token: str) -> int:
    """Make the pools of a source those. Answers how many changed."""
    stored = dict(db.execute(_POOLS, {"source": source_token}).all())
    gone = stored.keys() - pools.keys()
    changed = {name: places for name, places in pools.items() if stored.get(name) != places}
    if gone:
        db.execute(_REMOVE_POOLS, {"source": source_token, "names": list(gone)})
    if changed:
        rows = [
            {"name": name, "places": places, "source_token": source_token} for name, places in changed.items()
        ]
        db.execute(dialect.keeping(db.dialect.name, schema.pool), rows)
    return len(gone) + len(changed)


_of_source = schema.pool.c.source_token == sa.bindparam("source")
_POOLS = sa.select(schema.pool.c.name, schema.pool.c.places).where(_of_source)
_REMOVE_POOLS = sa.delete(schema.pool).where(
    _of_source, schema.pool.c.name.in_(sa.bindparam("names", expanding=True))
)


def specs(db: sa.Connection, ids: Collection[int]) -> dict[int, dict[str, Json]]:
    """What the executors of those definitions are given, by definition id. Absent keys are left out."""
    found: dict[int, dict[str, Json]] = {number: {} for number in ids}
    for table in schema.SPECS.values():
        for row in db.execute(sa.select(table).where(table.c.definition_id.in_(ids))).mappings():
            spec = {key: value for key, value in row.items() if value is not None and key != "definition_id"}
            found[row["definition_id"]] = spec
    plugin = schema.plugin_spec
    for number, spec in db.execute(sa.select(plugin).where(plugin.c.definition_id.in_(ids))):
        found[number] = spec
    return found


def fingerprints_of(db: sa.Connection, ids: Collection[int]) -> dict[int, str]:
    """By definition id; those that are gone are left out."""
    table = schema.definition
    rows = db.execute(sa.select(table.c.id, table.c.fingerprint).where(table.c.id.in_(ids)))
    return {row.id: row.fingerprint for row in rows}


def retry_of(kind: int, parameters: Mapping[str, Any]) -> Retry:
    return Retry(
        kind=RetryKind(kind),
        attempts=parameters["attempts"],
        base=dt.timedelta(seconds=parameters["base_s"]),
        factor=parameters["factor"],
        cap=dt.timedelta(seconds=parameters["cap_s"]),
        jitter=parameters["jitter"],
        deadline=dt.timedelta(seconds=parameters["deadline_s"]),
    )


_DETAILS = (
    schema.definition_reads,
    schema.definition_writes,
    schema.definition_pool,
    *schema.SPECS.values(),
    schema.plugin_spec,
)

_PLANNING = ("frequency", "expression", "matrix_id", "starts_on", "ends_on")
"""Columns that decide which slots exist."""


def _values(
    definition: Definition, sources: Mapping[str, int], matrix_of: Mapping[str, int]
) -> dict[str, Any]:
    retry = definition.retry
    return {
        "name": definition.name,
        "source_id": sources[definition.source],
        "matrix_id": matrix_of[definition.matrix],
        "frequency": int(definition.frequency),
        "expression": definition.cron,
        "start_policy": int(definition.start_policy),
        "retry_kind": int(retry.kind),
        "retry_parameters": {
            "attempts": retry.attempts,
            "base_s": retry.base.total_seconds(),
            "factor": retry.factor,
            "cap_s": retry.cap.total_seconds(),
            "jitter": retry.jitter,
            "deadline_s": retry.deadline.total_seconds(),
        },
        "starts_on": "" if definition.starts_on is None else definition.starts_on.isoformat(),
        "ends_on": "" if definition.ends_on is None else definition.ends_on.isoformat(),
        "active": definition.active,
        "priority": definition.priority,
        "timeout_s": None if definition.timeout is None else definition.timeout.total_seconds(),
        "delay_s": definition.delay.total_seconds(),
        "max_running": definition.concurrency.definition,
        "max_running_account": definition.concurrency.account,
        "catchup": int(definition.catchup),
        "catchup_max_age_s": (
            None if definition.catchup_max_age is None else definition.catchup_max_age.total_seconds()
        ),
        "description": definition.description,
        "place": f"{definition.place.origin}:{definition.place.line}" if definition.place.line else "",
        "fingerprint": diff.fingerprint(definition),
    }


def _write_details(db: sa.Connection, definitions: Mapping[int, Definition]) -> None:
    """What stands in tables of their own, by definition id: one statement a table."""
    rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
    for number, definition in definitions.items():
        own = {"definition_id": number}
        rows[schema.definition_reads] += (
            own | {"table_name": read.table, "window_rule": int(read.window)}
            for read in definition.reads_from
        )
        rows[schema.definition_writes] += (own | {"table_name": name} for name in definition.writes_to)
        rows[schema.definition_pool] += (own | {"pool_name": name} for name in definition.pools)
        if definition.source in schema.SPECS:
            table = schema.SPECS[definition.source]
            if strange := definition.spec.keys() - table.c.keys():  # only a plugin can declare that
                raise ValueError(f"{definition.name}: a {definition.source} knows no {', '.join(strange)}")
            rows[table].append(dict.fromkeys(table.c.keys()) | dict(definition.spec) | own)
        elif definition.spec:
            rows[schema.plugin_spec].append(own | {"spec": dict(definition.spec)})
    for table, each in rows.items():
        if each:
            db.execute(_WRITE_DETAILS[table], each)


_WRITE_DETAILS = {table: sa.insert(table) for table in _DETAILS}


def _reschedule(db: sa.Connection, number: int, changed: Collection[str], values: Mapping[str, Any]) -> None:
    """Fit the slots of a definition to those of its columns that have changed and say which slots there are."""
    frequency = Frequency(values["frequency"])
    if {"starts_on", "matrix_id"} & set(changed) or (changed and frequency is Frequency.ONE_OFF):
        replanning.start_over(db, number)
    elif {"frequency", "expression"} & set(changed):
        if replanning.follows(db, number, frequency=frequency, expression=values["expression"]):
            return  # the row was broken, its plans were not
        replanning.change_calendar(
            db, number, frequency=frequency, expression=values["expression"], ends_on=values["ends_on"]
        )
    elif changed:
        replanning.move_end(db, number, ends_on=values["ends_on"])


def _duration(seconds: float | None) -> dt.timedelta | None:
    return None if seconds is None else dt.timedelta(seconds=seconds)
