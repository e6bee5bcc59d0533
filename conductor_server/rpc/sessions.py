"""Agents' sessions, and the way to tell an agent at once what the answer to its next heartbeat would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_server.model.credentials import Credential
from conductor_server.model.errors import PermissionDeniedError, StaleSessionError
from conductor_server.model.states import Verdict
from conductor_server.rpc import agent_convert as convert
from conductor_server.store import agents, matrices
from conductor_server.store.database import Database
from conductor_server.store.heartbeats import Cancellation
from conductor_server.store.leases import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An agent as it registered. ``source_ids`` are those it may claim from; ``credential`` opened it."""

    number: int
    agent: str
    source_ids: dict[str, int]
    credential: str


Outbox = asyncio.Queue[pb.HeartbeatResponse | None]


@dataclass(slots=True)
class _Listener:
    session: int
    outbox: Outbox
    told: set[Lease] = field(default_factory=set)


class Sessions:
    """Which session is whose. What is known here is a copy: any server can look a session up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, Session] = {}
        self._listeners: dict[str, _Listener] = {}

    def open(self, session: Session) -> None:
        """Remember a session; the agent's older ones are over."""
        self.supersede(session.agent, session.number)
        self._known[session.number] = session

    def supersede(self, agent: str, number: int) -> None:
        """The agent has opened that session, here or on another server: forget its older ones."""
        self._known = {
            known: each for known, each in self._known.items() if each.agent != agent or known >= number
        }

    async def get(self, number: int, *, by: Credential) -> Session:
        """Raises StaleSessionError when the session is over: the agent has to register again.

        Raises PermissionDeniedError when another credential has opened it.
        """
        session = self._known.get(number)
        if session is None:
            session = await asyncio.to_thread(self._database.read, lambda db: _load(db, number))
            if session is None:
                raise StaleSessionError(f"session {number} is over: register again")
            self.open(session)
        if session.credential != by.id:
            raise PermissionDeniedError(f"session {number} is not {by.name}'s")
        return session

    def listen(self, session: Session, outbox: Outbox) -> None:
        """Answers for this session's agent go there, asked for or not."""
        self._listeners[session.agent] = _Listener(session.number, outbox)

    def stop_listening(self, session: Session, outbox: Outbox) -> None:
        listener = self._listeners.get(session.agent)
        if listener is not None and listener.outbox is outbox:
            del self._listeners[session.agent]

    def cancel(self, requested: Iterable[Cancellation]) -> None:
        """Tell agents that listen here, once, of runs to stop; their heartbeats' answers repeat it until it is done."""
        for cancellation in requested:
            listener = self._listeners.get(cancellation.agent)
            if listener is not None and cancellation.lease not in listener.told:
                listener.told.add(cancellation.lease)
                verdict = convert.verdict(cancellation.lease, Verdict.CANCEL, "an operator asked for it")
                listener.outbox.put_nowait(pb.HeartbeatResponse(verdicts=[verdict]))


def _load(db: sa.Connection, number: int) -> Session | None:
    found = agents.of_session(db, number)
    if found is None:
        return None
    registration, credential = found
    source_ids = matrices.source_ids(db)
    return Session(
        number=number,
        agent=registration.name,
        source_ids={name: source_ids[name] for name in registration.capacities},
        credential=credential,
    )
