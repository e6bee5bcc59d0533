"""Group commit: what many agents ask for at once goes through one transaction, and is answered after its commit.

While one transaction is under way, requests gather; the next takes all of them. So a lone request is committed at once,
and under load the cost of a commit is shared: the busier, the larger the groups.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, assert_never

import sqlalchemy as sa

from conductor_server.engine.clock import Clock
from conductor_server.model.errors import StaleSessionError, StoreUnavailableError
from conductor_server.model.states import Verdict
from conductor_server.store import agents, leases, logs
from conductor_server.store.database import Database

GROUP_MAX = 512
"""At most this many requests in one transaction, so that a flood cannot make it last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Record how runs ended. Answered by a ``Recorded`` for each, in order."""

    reports: Sequence[leases.Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """An agent and all the runs that it holds are alive. Answered by a verdict for each lease."""

    agent: str
    session: int
    beats: Sequence[leases.Beat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An agent has room for runs. Answered by assignments with their specs; they may be none."""

    claim: leases.Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Keep a piece of output. Answered by where to go on from."""

    chunk: logs.Chunk


Request = Reports | Beats | Wish | Output


@dataclass(slots=True)
class _Waiting:
    request: Request
    answer: asyncio.Future[Any]


class GroupCommit:
    """The only writer of what agents say. One for each server; ``run`` works until it is cancelled."""

    def __init__(self, database: Database, clock: Clock, *, lost_after: dt.timedelta) -> None:
        """``lost_after``: a run claimed longer ago than this, and not in its agent's heartbeat, never arrived."""
        self._database = database
        self._clock = clock
        self._lost_after = lost_after
        self._waiting: list[_Waiting] = []
        self._something = asyncio.Event()

    async def record(self, reports: Sequence[leases.Report]) -> Sequence[leases.Recorded]:
        answer: Sequence[leases.Recorded] = await self._submit(Reports(reports=reports))
        return answer

    async def beat(
        self, agent: str, session: int, beats: Sequence[leases.Beat]
    ) -> Mapping[leases.Lease, tuple[Verdict, str]]:
        """Raises StaleSessionError when the agent has registered anew since."""
        request = Beats(agent=agent, session=session, beats=beats)
        answer: Mapping[leases.Lease, tuple[Verdict, str]] = await self._submit(request)
        return answer

    async def claim(self, wish: leases.Claim) -> Sequence[leases.Assignment]:
        answer: Sequence[leases.Assignment] = await self._submit(Wish(claim=wish))
        return answer

    async def keep(self, chunk: logs.Chunk) -> logs.Appended:
        answer: logs.Appended = await self._submit(Output(chunk=chunk))
        return answer

    async def run(self) -> None:
        """Commit group after group."""
        while True:
            await self._something.wait()
            group = self._waiting[:GROUP_MAX]
            del self._waiting[:GROUP_MAX]
            if not self._waiting:
                self._something.clear()
            await self._commit(group)

    async def _submit(self, request: Request) -> Any:
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._something.set()
        return await waiting.answer

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        group = [
            waiting for waiting in group if not waiting.answer.done()
        ]  # whose stream has not ended meanwhile
        requests = [waiting.request for waiting in group]
        try:
            answers = await self._write(requests)
        except StoreUnavailableError as error:
            answers = [error] * len(group)
        except Exception:
            # One bad request must not take the others with it: each gets a transaction of its own.
            answers = [await self._alone(request) for request in requests]
        for waiting, answer in zip(group, answers, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)

    async def _alone(self, request: Request) -> Any:
        try:
            (answer,) = await self._write([request])
        except Exception as error:  # the boundary of a request: its own stream is told
            return error
        return answer

    async def _write(self, requests: Sequence[Request]) -> list[Any]:
        now = self._clock.now()
        work = self._database.submit(lambda db: self._apply(db, requests, now))
        return await asyncio.wrap_future(work)

    def _apply(self, db: sa.Connection, requests: Sequence[Request], now: dt.datetime) -> list[Any]:
        """Reports first, since they make room for claims; all of them in one set of statements."""
        sessions = agents.sessions(db, {name for name in map(_agent, requests) if name})
        recorded = iter(
            leases.complete(
                db,
                [report for each in requests if isinstance(each, Reports) for report in each.reports],
                now=now,
            )
        )
        beating = {each.agent for each in requests if isinstance(each, Beats)}
        if beating:
            agents.heard_of(db, beating, now=now)
        answers: list[Any] = []
        for request in requests:
            match request:
                case Reports(reports=reports):
                    answers.append(list(islice(recorded, len(reports))))
                case Beats(agent=agent, session=session):
                    answers.append(
                        self._apply_beats(db, request, now)
                        if sessions.get(agent) == session
                        else StaleSessionError(
                            f"agent {agent} has registered anew: session {session} is over"
                        )
                    )
                case Wish(claim=claim):
                    answers.append(
                        leases.assignments(db, leases.claim(db, claim, now=now))
                        if sessions.get(claim.agent) == claim.session
                        else []
                    )
                case Output(chunk=chunk):
                    answers.append(logs.append(db, chunk))
                case _:
                    assert_never(request)
        return answers

    def _apply_beats(
        self, db: sa.Connection, request: Beats, now: dt.datetime
    ) -> Mapping[leases.Lease, tuple[Verdict, str]]:
        held = {beat.lease.run_id for beat in request.beats}
        leases.release_missing(db, request.agent, held, claimed_before=now - self._lost_after, now=now)
        return leases.beat(db, request.agent, request.beats, now=now)


def _agent(request: Request) -> str:
    match request:
        case Beats(agent=agent):
            return agent
        case Wish(claim=claim):
            return claim.agent
        case _:
            return ""
