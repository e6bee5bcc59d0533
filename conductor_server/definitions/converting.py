"""From the shapes that people write to the declarations of ``model.definition``."""

from __future__ import annotations

from dataclasses import replace

from conductor_server.definitions.documents import Document, Trail
from conductor_server.definitions.members import CsvMembers, SqlMembers, refused, to_member
from conductor_server.definitions.shape import (
    AccountShape,
    DefinitionShape,
    MatrixShape,
    MemberShape,
    RetryShape,
)
from conductor_server.definitions.source import Surroundings
from conductor_server.model.definition import (
    Account,
    Concurrency,
    Definition,
    Json,
    Matrix,
    MemberDeclaration,
    Place,
    Read,
    Retry,
)
from conductor_server.model.states import Frequency, RetryKind
from conductor_server.policy.frequency import local_instant, zone


def to_account(shape: AccountShape, place: Place) -> Account:
    timezone = shape.timezone or "UTC"
    if shape.timezone_offset is not None:
        sign, minutes = "-" if shape.timezone_offset < 0 else "+", abs(shape.timezone_offset)
        timezone = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    return Account(
        token=shape.token,
        timezone=timezone,
        starts_on=shape.starts_on,
        maintenance_until=shape.maintenance_until and local_instant(shape.maintenance_until, zone(timezone)),
        max_running=shape.max_running,
        place=place,
    )


def to_matrix(shape: MatrixShape, document: Document, trail: Trail, around: Surroundings) -> Matrix:
    """Members in files and databases stay there. Raises ``SpecError`` for a listed one that is none."""
    members: tuple[MemberDeclaration, ...] | CsvMembers | SqlMembers = ()
    around = replace(around, place=document.place((*trail, "members")))
    if shape.members and shape.members.csv is not None:
        path = around.folder / shape.members.csv
        members = CsvMembers(path=path, parent_matrix=shape.parent, declared=around.place)
    elif shape.members and shape.members.sql is not None:
        members = SqlMembers(query=shape.members.sql, parent_matrix=shape.parent, around=around)
    elif shape.members:
        members = tuple(
            _listed(each, shape.parent, document.place((*trail, "members", number)))
            for number, each in enumerate(shape.members.listed or ())
        )
    return Matrix(name=shape.name, parent=shape.parent, members=members, place=document.place(trail))


def _listed(shape: MemberShape, parent_matrix: str, place: Place) -> MemberDeclaration:
    try:
        return to_member(shape.model_dump(), parent_matrix)
    except ValueError as error:
        raise refused(error, place) from error


def to_definition(
    shape: DefinitionShape, spec: dict[str, Json], document: Document, trail: Trail
) -> Definition:
    is_word = shape.frequency.upper() in Frequency.__members__
    return Definition(
        name=shape.name,
        source=shape.source,
        spec=spec,
        frequency=Frequency[shape.frequency.upper()] if is_word else Frequency.CRON,
        cron="" if is_word else " ".join(shape.frequency.split()),
        matrix=shape.matrix,
        start_policy=shape.start_policy,
        retry=to_retry(shape.retry_policy),
        reads_from=tuple(Read(table=read.table, window=read.window) for read in shape.reads_from),
        writes_to=tuple(dict.fromkeys(shape.writes_to)),
        starts_on=shape.starts_on,
        ends_on=shape.ends_on,
        active=shape.active,
        priority=shape.priority,
        timeout=shape.timeout,
        delay=shape.delay,
        pools=tuple(dict.fromkeys(shape.pools)),
        concurrency=Concurrency(definition=shape.concurrency.definition, account=shape.concurrency.account),
        catchup=shape.catchup,
        catchup_max_age=shape.catchup_max_age,
        description=shape.description,
        place=document.place(trail),
    )


def to_retry(shape: RetryShape) -> Retry:
    if standard := shape.standard:
        return Retry(kind=RetryKind.STANDARD, attempts=standard.attempts)
    if extended := shape.standard_extended:
        return Retry(kind=RetryKind.STANDARD_EXTENDED, attempts=extended.attempts)
    if backoff := shape.exponential_backoff:
        return Retry(
            kind=RetryKind.EXPONENTIAL_BACKOFF,
            attempts=backoff.attempts,
            base=backoff.base,
            factor=backoff.factor,
            cap=backoff.cap,
            jitter=backoff.jitter,
        )
    assert shape.until_deadline is not None
    return Retry(kind=RetryKind.UNTIL_DEADLINE, deadline=shape.until_deadline)
