"""What is wrong with an installation, as far as the server can see it: facts in, findings out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SKEW_MAX = dt.timedelta(seconds=5)
"""Between two clocks: what is compared is spans of minutes, but people compare log lines."""

AGENT_SKEW_MAX = dt.timedelta(seconds=2)
"""Of an agent: commands write its clock into files and tables, beside windows that are the server's."""

FREE_MIN = 0.05
"""Of a disk."""

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
)
"""SQLite's locks and its shared memory do not work on them."""

IDLE_IN_TRANSACTION_MAX = dt.timedelta(minutes=5)
POSTGRES_MIN = 140_000


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``check`` is a stable word; ``what`` a sentence, with the value in it; ``remedy`` what to do about it."""

    severity: Severity
    check: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """``silent_for``: since its last heartbeat; ``running``: how many runs it holds; ``skew``: its clock's."""

    name: str
    silent_for: dt.timedelta
    sources: frozenset[str]
    running: int
    skew: dt.timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found. ``database`` are its own names and values; ``free`` is of the disk that it is on, 0 to 1."""

    late: dt.timedelta | None
    late_after: dt.timedelta
    leader: str
    problems: Sequence[str]
    agents: Sequence[Agent]
    silent_after: dt.timedelta
    definitions: Mapping[str, int]
    quarantined: int
    database_skew: dt.timedelta
    database: Mapping[str, str]
    free: float | None = None
    file_system: str = ""


def findings(facts: Facts) -> list[Finding]:
    """Everything that is wrong, the worst first."""
    found = [
        *_of_the_engine(facts),
        *_of_agents(facts),
        *_of_agents_clocks(facts),
        *_of_sqlite(facts),
        *_of_postgresql(facts),
        *_of_the_machine(facts),
    ]
    return sorted(found, key=lambda each: each.severity is not Severity.ERROR)


def _error(check: str, what: str, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, check=check, what=what, remedy=remedy)


def _warning(check: str, what: str, remedy: str) -> Finding:
    return Finding(severity=Severity.WARNING, check=check, what=what, remedy=remedy)


def _of_the_engine(facts: Facts) -> Iterator[Finding]:
    if not facts.leader:
        yield _error(
            "leader", "no server runs the engine", "look at the servers' logs; one should lead in seconds"
        )
    elif facts.late is None:
        yield _warning("engine", "the engine has not finished a pass yet", "wait for its first pass")
    elif facts.late > facts.late_after:
        yield _error(
            "engine",
            f"the engine's last pass ended {_span(facts.late)} ago",
            f"look at the log of {facts.leader}: is the database slow, or away?",
        )
    for problem in facts.problems:
        yield _error("problem", problem, "mend what it names; conductor-cli validate checks definition files")
    if facts.quarantined:
        yield _warning(
            "quarantine",
            f"{facts.quarantined} slots are quarantined: they kept losing their agents",
            "conductor-cli slots list --condition quarantined, then slots release or slots discard",
        )


def _of_agents(facts: Facts) -> Iterator[Finding]:
    alive = [agent for agent in facts.agents if agent.silent_for <= facts.silent_after]
    served = frozenset[str]().union(*(agent.sources for agent in alive))
    for source, number in sorted(facts.definitions.items()):
        if source not in served and source != "manual":
            yield _error(
                "source",
                f"no agent serves {source}, which {number} definitions need",
                f"start one: conductor-agent --source {source}",
            )
    for agent in facts.agents:
        if agent.silent_for > facts.silent_after:
            yield _warning(
                "agent",
                f"agent {agent.name} was last heard of {_span(agent.silent_for)} ago, and holds {agent.running} runs",
                "start it again with the same state folder: it takes up its runs",
            )
        elif not agent.sources & facts.definitions.keys():
            yield _warning(
                "agent",
                f"agent {agent.name} serves {', '.join(sorted(agent.sources))}, which no definition needs",
                "stop it, or give it another --source",
            )


def _of_agents_clocks(facts: Facts) -> Iterator[Finding]:
    for agent in facts.agents:
        if (
            agent.skew is not None
            and abs(agent.skew) > AGENT_SKEW_MAX
            and agent.silent_for <= facts.silent_after
        ):
            seconds = abs(agent.skew).total_seconds()
            where = "ahead of" if agent.skew > dt.timedelta(0) else "behind"
            yield _warning(
                "clock",
                f"the clock of agent {agent.name} is {seconds:.1f} s {where} the server's",
                "let NTP keep both",
            )


def _of_sqlite(facts: Facts) -> Iterator[Finding]:
    for name, wanted, why in (
        ("journal_mode", "wal", "readers and the writer hold one another up"),
        ("synchronous", "2", "a power failure loses what was acknowledged"),
        ("foreign_keys", "1", "removed things leave rows behind"),
        ("quick_check", "ok", "the file is damaged"),
    ):
        if (value := facts.database.get(name, wanted)) != wanted:
            remedy = (
                "restore a backup" if name == "quick_check" else "let no other program change the database"
            )
            yield _error("database", f"SQLite's {name} is {value}, not {wanted}: {why}", remedy)
    if facts.file_system in NETWORK_FILE_SYSTEMS:
        yield _error(
            "database",
            f"the SQLite file is on a network file system ({facts.file_system}), where its locks do not hold",
            "put it on a local disk, or use PostgreSQL",
        )


def _of_postgresql(facts: Facts) -> Iterator[Finding]:
    for name, why in (
        ("fsync", "a power failure may destroy the database"),
        ("synchronous_commit", "a power failure loses what was acknowledged"),
        ("full_page_writes", "a power failure may destroy the database"),
        ("autovacuum", "the tables grow without end, and the engine with them slows down"),
    ):
        if facts.database.get(name, "on") == "off":
            yield _error(
                "database", f"PostgreSQL's {name} is off: {why}", f"ALTER SYSTEM SET {name} = on, and reload"
            )
    if (version := int(facts.database.get("server_version_num", POSTGRES_MIN))) < POSTGRES_MIN:
        yield _error("database", f"PostgreSQL {version // 10_000} is too old", "upgrade it to 14 or newer")
    idle = dt.timedelta(seconds=float(facts.database.get("idle_in_transaction_s", 0)))
    if idle > IDLE_IN_TRANSACTION_MAX:
        yield _warning(
            "database",
            f"a session has been idle in a transaction for {_span(idle)}: nothing after it can be cleaned up",
            "find it in pg_stat_activity, and end it; set idle_in_transaction_session_timeout",
        )


def _of_the_machine(facts: Facts) -> Iterator[Finding]:
    if abs(facts.database_skew) > SKEW_MAX:
        yield _warning(
            "clock",
            f"the clocks of server and database differ by {_span(abs(facts.database_skew))}",
            "let NTP keep both",
        )
    if facts.free is not None and facts.free < FREE_MIN:
        yield _error(
            "disk",
            f"the database's disk has {facts.free:.0%} left",
            "make room, or lower COMMAND_RETENTION_DAYS",
        )


def _span(span: dt.timedelta) -> str:
    return str(dt.timedelta(seconds=round(span.total_seconds())))
