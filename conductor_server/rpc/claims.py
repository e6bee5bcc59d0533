"""Who has room for runs: every agent's ClaimRun stream, and the matching of waiting runs with them.

Runs are pushed as soon as they are ready: the engine says that something may be waiting, and this asks the store for
each stream with room, in turn, until a source has no more. Being woken for nothing costs one query; a wake-up that is
lost costs time only, since the engine's loop wakes it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from conductor_server.model.errors import StaleSessionError, StoreUnavailableError
from conductor_server.rpc.agent_requests import superseded
from conductor_server.rpc.group_commit import GroupCommit
from conductor_server.store.assignments import Assignment
from conductor_server.store.claims import Claim

log = structlog.get_logger("claims")

BATCH_MAX = 100
"""At most this many runs in one push: enough to amortise a message, few enough to share out."""


@dataclass(slots=True, eq=False)
class ClaimStream:
    """One agent's stream: what it has room for, and what was pushed to it.

    ``free`` is what the agent said last; ``received`` how many runs it had received when it said so. What was pushed
    since has to be subtracted, so that a statement which crossed a push on its way is not taken for more room.
    ``accounts`` are those of which it may have runs; ``None`` for all.
    """

    agent: str
    session: int
    source_ids: dict[str, int]
    accounts: frozenset[str] | None = None
    outbox: asyncio.Queue[Sequence[Assignment] | StaleSessionError | None] = field(
        default_factory=asyncio.Queue
    )
    free: dict[str, int] = field(default_factory=dict)
    received: int = 0
    pushed: list[str] = field(default_factory=list)

    def state(self, free: dict[str, int], received: int) -> None:
        """The agent's newest statement; it replaces the one before."""
        arrived = max(0, received - self.received)
        del self.pushed[:arrived]
        self.free, self.received = free, max(received, self.received)

    def room(self, source: str) -> int:
        """How many runs of a source the stream takes now."""
        return max(0, self.free.get(source, 0) - self.pushed.count(source))

    def push(self, runs: Sequence[Assignment]) -> None:
        self.pushed += [run.source for run in runs]
        self.outbox.put_nowait(runs)

    def end(self, error: StaleSessionError) -> None:
        """It takes nothing more, and its agent is told why."""
        self.source_ids = {}
        self.outbox.put_nowait(error)


class ClaimDesk:
    """Matches streams with runs. One for each server; ``run`` works until it is cancelled."""

    def __init__(self, commits: GroupCommit) -> None:
        self._commits = commits
        self._streams: list[ClaimStream] = []
        self._woken = asyncio.Event()

    def add(self, stream: ClaimStream) -> None:
        self._streams.append(stream)

    def remove(self, stream: ClaimStream) -> None:
        self._streams.remove(stream)

    def supersede(self, agent: str, session: int) -> None:
        """The agent has registered anew, here or on another server: streams of its sessions before are over."""
        for stream in self._streams:
            if stream.agent == agent and stream.session < session:
                stream.end(superseded(agent, stream.session))

    def wake(self) -> None:
        """Some run may be waiting, or some stream may have room."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._serve()
            except StoreUnavailableError as error:
                log.warning("claims were not served", error=str(error))
            except Exception:  # the boundary of a round: whoever waits is served in the next
                log.exception("claims were not served")

    async def _serve(self) -> None:
        """Claim for every stream with room, until no source has a waiting run left."""
        exhausted: set[tuple[str, frozenset[str] | None]] = set()
        while True:
            wishes = [
                (stream, source, min(stream.room(source), BATCH_MAX))
                for stream in self._streams
                for source in stream.source_ids
                if stream.room(source) > 0 and (source, stream.accounts) not in exhausted
            ]
            if not wishes:
                return
            # All are awaited, also where one fails: a claim still under way would be counted as room the next time.
            granted = await asyncio.gather(*(self._claim(*wish) for wish in wishes), return_exceptions=True)
            for (stream, source, wanted), runs in zip(wishes, granted, strict=True):
                match runs:
                    case StaleSessionError():
                        stream.end(runs)
                    case BaseException():
                        raise runs
                    case _ if len(runs) < wanted:
                        exhausted.add((source, stream.accounts))
            if self._streams:
                # Whoever was first has had the first choice: the next time it is another's turn.
                self._streams.append(self._streams.pop(0))

    async def _claim(self, stream: ClaimStream, source: str, wanted: int) -> Sequence[Assignment]:
        wish = Claim(
            agent=stream.agent,
            session=stream.session,
            source_id=stream.source_ids[source],
            accounts=stream.accounts,
            runs=wanted,
        )
        runs = await self._commits.claim(wish)
        if runs:
            stream.push(runs)
        return runs
