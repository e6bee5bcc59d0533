"""Group commit: what many agents ask for at once goes through one transaction, and is answered after its commit.

While one transaction is under way, requests gather; the next takes all of them. So a lone request is committed at once,
and under load the cost of a commit is shared: the busier, the larger the groups.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conductor_server.engine.clock import Clock
from conductor_server.model.errors import StoreUnavailableError
from conductor_server.model.states import Verdict
from conductor_server.rpc.agent_requests import (
    NO_RECOVERY,
    Beats,
    Output,
    Recovery,
    Reports,
    Request,
    Wish,
    apply_group,
)
from conductor_server.store import logs
from conductor_server.store.assignments import Assignment
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.database import Database
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease

GROUP_MAX = 512
"""At most this many requests in one transaction, so that a flood cannot make it last."""

POSTGRES_LANES = 2
"""Groups under way at once: one waits for the disk while the other computes. Row locks keep them apart, as they keep
servers apart. SQLite has one writer."""


@dataclass(slots=True)
class _Waiting:
    request: Request
    answer: asyncio.Future[Any]


class GroupCommit:
    """The only writer of what agents say. One for each server; ``run`` works until it is cancelled."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lost_after: dt.timedelta,
        recovery: Recovery = NO_RECOVERY,
    ) -> None:
        """``lost_after``: a run claimed longer ago than this, and not in its agent's heartbeat, never arrived."""
        self._database = database
        self._clock = clock
        self._lost_after = lost_after
        self._recovery = recovery
        self._waiting: list[_Waiting] = []
        self._something = asyncio.Event()

    async def record(self, reports: Sequence[Report]) -> Sequence[Recorded]:
        answer: Sequence[Recorded] = await self._submit(Reports(reports=reports))
        return answer

    async def beat(
        self, agent: str, session: int, beats: Sequence[Beat], *, skew: dt.timedelta | None = None
    ) -> Mapping[Lease, tuple[Verdict, str]]:
        """Raises StaleSessionError when the agent has registered anew since."""
        request = Beats(agent=agent, session=session, beats=beats, skew=skew)
        answer: Mapping[Lease, tuple[Verdict, str]] = await self._submit(request)
        return answer

    async def claim(self, wish: Claim) -> Sequence[Assignment]:
        """Raises StaleSessionError when the agent has registered anew since."""
        answer: Sequence[Assignment] = await self._submit(Wish(claim=wish))
        return answer

    async def keep(self, agent: str, lease: Lease, chunk: logs.Chunk) -> logs.Appended:
        answer: logs.Appended = await self._submit(Output(agent=agent, lease=lease, chunk=chunk))
        return answer

    async def run(self) -> None:
        """Commit group after group."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(1 if self._database.is_sqlite else POSTGRES_LANES):
                lanes.create_task(self._commit_groups())

    async def _commit_groups(self) -> None:
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
        work = self._database.submit(
            lambda db: apply_group(
                db, requests, now=now, lost_after=self._lost_after, recovery=self._recovery
            )
        )
        return await asyncio.wrap_future(work)
