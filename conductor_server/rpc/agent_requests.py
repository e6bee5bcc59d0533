"""What agents ask for, carried out: plain functions over a connection, without streams, threads or a clock.

``group_commit`` gives one transaction and one reading of the clock to a whole group of requests; AgentService gives
them to a registration; the simulator to both. Whatever is answered here may be sent only after the commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, assert_never

import sqlalchemy as sa

from conductor_server.model.credentials import Credential, Role
from conductor_server.model.errors import InvalidRequestError, PermissionDeniedError, StaleSessionError
from conductor_server.model.states import Verdict
from conductor_server.store import (
    agents,
    assignments,
    claims,
    completions,
    events,
    heartbeats,
    logs,
    matrices,
)
from conductor_server.store import recovery as store_recovery
from conductor_server.store.assignments import Assignment
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.events import Event
from conductor_server.store.heartbeats import Beat
from conductor_server.store.incarnations import FIRST, Incarnation
from conductor_server.store.leases import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Record how runs ended. Answered by a ``Recorded`` for each, in order."""

    reports: Sequence[Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """An agent and all the runs that it holds are alive. Answered by a verdict for each lease.

    ``skew``: by how much its clock is ahead of ours, where that is news.
    """

    agent: str
    session: int
    beats: Sequence[Beat]
    skew: dt.timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An agent has room for runs. Answered by assignments with their specs; they may be none."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Keep a piece of a run's output. Answered by where to go on from; not at all, unless the agent holds the run."""

    agent: str
    lease: Lease
    chunk: logs.Chunk


Request = Reports | Beats | Wish | Output
Verdicts = Mapping[Lease, tuple[Verdict, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A store that was restored from a backup. Until then its agents have time to tell what it has forgotten.

    Meanwhile nothing is claimed, which might have been executed already, and nothing counts as lost on the way: it may
    have been reported.
    """

    incarnation: Incarnation = FIRST
    until: dt.datetime | None = None

    def goes_on(self, now: dt.datetime) -> bool:
        return self.until is not None and now < self.until


NO_RECOVERY = Recovery()


def apply_group(
    db: sa.Connection,
    requests: Sequence[Request],
    *,
    now: dt.datetime,
    lost_after: dt.timedelta,
    recovery: Recovery = NO_RECOVERY,
) -> list[Any]:
    """Carry out a group, and answer each in its place; an answer may be the error that its stream is to be told.

    Reports go first, since they make room for claims; all reports, and all claims, in one set of statements.
    ``lost_after``: a run claimed longer ago than this, and not in its agent's heartbeat, never arrived.
    """
    names = {name for name in map(_agent, requests) if name}
    sessions = agents.sessions(db, names) if names else {}
    reports = [report for each in requests if isinstance(each, Reports) for report in each.reports]
    recorded = iter(_complete(db, reports, recovery, now=now) if reports else [])
    beating = {each.agent for each in requests if isinstance(each, Beats)}
    if beating:
        agents.heard_of(db, beating, now=now)
    wishes = [each.claim for each in requests if isinstance(each, Wish)]
    current = [wish for wish in wishes if sessions.get(wish.agent) == wish.session]
    may_claim = current and not recovery.goes_on(now)
    granted = iter(_claim(db, current, now=now) if may_claim else [() for _ in current])
    answers: list[Any] = []
    for request in requests:
        match request:
            case Reports():
                answers.append(list(islice(recorded, len(request.reports))))
            case Beats(agent=agent, session=session):
                answers.append(
                    _apply_beats(db, request, recovery, now=now, lost_after=lost_after)
                    if sessions.get(agent) == session
                    else superseded(agent, session)
                )
            case Wish(claim=wish):
                answers.append(
                    next(granted)
                    if sessions.get(wish.agent) == wish.session
                    else superseded(wish.agent, wish.session)
                )
            case Output():
                answers.append(_keep(db, request))
            case _:
                assert_never(request)
    return answers


def _complete(
    db: sa.Connection, reports: Sequence[Report], recovery: Recovery, *, now: dt.datetime
) -> Sequence[Recorded]:
    if recovery.incarnation.forgotten:
        return store_recovery.complete(db, reports, recovery.incarnation, now=now)
    return completions.complete(db, reports, now=now)


def _claim(db: sa.Connection, wishes: Sequence[Claim], *, now: dt.datetime) -> Sequence[Sequence[Assignment]]:
    granted = claims.claim_all(db, wishes, now=now)
    told = assignments.of(db, [lease for each in granted for lease in each])
    by_lease = {assignment.lease: assignment for assignment in told}
    return [[by_lease[lease] for lease in each if lease in by_lease] for each in granted]


def _apply_beats(
    db: sa.Connection, request: Beats, recovery: Recovery, *, now: dt.datetime, lost_after: dt.timedelta
) -> Verdicts:
    if not recovery.goes_on(now):
        held = {beat.lease.run_id for beat in request.beats}
        heartbeats.release_missing(db, request.agent, held, claimed_before=now - lost_after, now=now)
    if request.skew is not None:
        agents.note_skew(db, request.agent, request.skew)
    return _judge(db, request.agent, request.beats, recovery, now=now)


def _judge(
    db: sa.Connection, agent: str, beats: Sequence[Beat], recovery: Recovery, *, now: dt.datetime
) -> Verdicts:
    """Prolong what holds. A run that only a backup does not know is stopped, and its report is still wanted."""
    verdicts = heartbeats.beat(db, agent, beats, now=now)
    forgotten = {
        lease: (Verdict.LEASE_LOST, f"run {lease.run_id} is not in the backup that was restored")
        for lease, (verdict, _) in verdicts.items()
        if verdict is Verdict.FORGET and recovery.incarnation.has_forgotten(lease.run_id)
    }
    return {**verdicts, **forgotten}


def _keep(db: sa.Connection, output: Output) -> logs.Appended:
    lease, chunk = output.lease, output.chunk
    if not logs.is_from_holder(db, lease.run_id, agent=output.agent, epoch=lease.epoch):
        return logs.Appended(next_offset=chunk.offset, closed=True)
    return logs.append(db, chunk)


def superseded(agent: str, session: int) -> StaleSessionError:
    return StaleSessionError(f"agent {agent} has registered anew: session {session} is over")


def _agent(request: Request) -> str:
    match request:
        case Beats(agent=agent):
            return agent
        case Wish(claim=claim):
            return claim.agent
        case _:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An open session: its sources with their ids, and a verdict for every run that the agent says it holds."""

    session: int
    source_ids: dict[str, int]
    verdicts: Mapping[Lease, tuple[Verdict, str]]


def register(
    db: sa.Connection,
    registration: agents.Registration,
    held: Collection[Lease],
    *,
    by: Credential,
    take_over: bool,
    now: dt.datetime,
    heartbeat_interval: dt.timedelta,
    recovery: Recovery = NO_RECOVERY,
) -> Registered:
    """Open a session. Raises InvalidRequestError for an unknown source, AlreadyExistsError for a name in use.

    Raises PermissionDeniedError for a name or a source that the credential does not reach.
    """
    source_ids = matrices.source_ids(db)
    for source in sorted(registration.capacities.keys() - source_ids.keys()):
        known = ", ".join(sorted(source_ids))
        raise InvalidRequestError(f"there is no source {source!r}: known are {known}", field="capacities")
    before = agents.instance_of(db, registration.name)
    _check_reach(registration, by)
    _bind(db, registration.name, by, now=now)
    session = agents.register(
        db,
        registration,
        credential=by.id,
        take_over=take_over,
        alive_since=now - 3 * heartbeat_interval,
        now=now,
    )
    if recovery.incarnation.forgotten:
        store_recovery.grant_again(db, registration.name, held, now=now)
    if not recovery.goes_on(now):
        # A new session knows all that it holds: whatever else was claimed for it never arrived.
        heartbeats.release_missing(
            db,
            registration.name,
            {lease.run_id for lease in held},
            claimed_before=_FAR_FUTURE,
            restarted=before is not None and before != registration.instance,
            now=now,
        )
    beats = [Beat(lease=lease) for lease in held]
    verdicts = _judge(db, registration.name, beats, recovery, now=now)
    own = {name: source_ids[name] for name in registration.capacities}
    return Registered(session=session, source_ids=own, verdicts=verdicts)


def _check_reach(registration: agents.Registration, by: Credential) -> None:
    name, reach = registration.name, by.reach
    if reach.agents is not None and name not in reach.agents:
        raise PermissionDeniedError(
            f"{by.name} may not register agent {name}, but {', '.join(sorted(reach.agents)) or 'none'}: "
            "start it with that --name"
        )
    beyond = set() if reach.sources is None else registration.capacities.keys() - reach.sources
    if beyond:
        raise PermissionDeniedError(
            f"{by.name} may not serve {', '.join(sorted(beyond))}, "
            f"but {', '.join(sorted(reach.sources or ())) or 'nothing'}"
        )


def _bind(db: sa.Connection, name: str, by: Credential, *, now: dt.datetime) -> None:
    """Whoever has an agent's name has its runs: it stays with its credential, unless another's names it."""
    owner = agents.owner(db, name)
    if owner == by.id:
        return
    is_named = by.reach.agents is not None and name in by.reach.agents
    if owner and not is_named and not by.may(Role.ADMIN):
        raise PermissionDeniedError(
            f"agent {name} registered with another credential before: take another --name, "
            f"or a token that is for it (conductor-cli tokens create … --agent {name})"
        )
    message = f"agent {name} registers with {by.name}" + (
        ", and with another credential before" if owner else ""
    )
    events.append(db, [Event(kind="agent.registered", subject=name, message=message, actor=by.name)], now=now)


_FAR_FUTURE = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
