"""Keeps the agent connected: one session after another, for ever, with growing and random pauses in between.

Where there are several servers each session goes to the next of them: any will do, and the last one may be gone.

An error of the transport or of the server ends a session and nothing else; the commands do not notice.
"""

from __future__ import annotations

import asyncio
import os
from random import Random

import grpc
import structlog

from conductor_agent import __version__, convert
from conductor_agent.agent import Agent
from conductor_agent.clock import Clock
from conductor_agent.errors import RefusedError, UsageError
from conductor_agent.journal import Journal
from conductor_agent.session import Session, run_session
from conductor_agent.settings import Identity, Server
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceStub

PROTOCOL = 1

_log = structlog.get_logger()
_REGISTER_TIMEOUT = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_GOOD_SESSION = 10.0  # seconds
_REFUSALS = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.INVALID_ARGUMENT,
}
_OPTIONS = [
    # finds a connection that died without a word within half a minute
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # each channel has a connection of its own, or logs would share that of the heartbeats
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
]


class Connection:
    """Connects one agent to its server."""

    def __init__(
        self,
        *,
        agent: Agent,
        journal: Journal,
        server: Server,
        identity: Identity,
        clock: Clock,
        random: Random,
    ) -> None:
        self._agent = agent
        self._journal = journal
        self._server = server
        self._identity = identity
        self._clock = clock
        self._random = random
        self._turn = random.randrange(2**16)  # a fleet shares itself out over the servers
        self._accepted = False
        self.opened = asyncio.Event()

    async def run(self) -> None:
        """Never returns. Raises ``RefusedError`` when the server will not have this agent from the beginning.

        A refusal later on (a token that was changed, a name that was taken over) is retried like any other error:
        running commands must not suffer for it.
        """
        failures = 0
        while True:
            began = self._clock.boottime()
            try:
                await self._one_session()
            except grpc.aio.AioRpcError as error:
                if not self._accepted and error.code() in _REFUSALS:
                    raise RefusedError(f"the server refuses this agent: {error.details()}") from None
                _log.warning("no connection", code=error.code().name, reason=error.details())
            except (
                UsageError
            ) as error:  # certificates are replaced while agents run: for a moment there may be none
                _log.warning("no connection", reason=str(error))
            except Exception:  # the boundary of a session: what a server says must not end the agent
                _log.exception("the session failed")
            finally:
                self.opened.clear()
                self._turn += 1
            lasted = self._clock.boottime() - began
            # A session that outlived its pause was a good one: a server restarted now and then is not a broken one.
            failures = 0 if lasted > min(_longest_pause(failures), _GOOD_SESSION) else failures + 1
            await asyncio.sleep(self._random.uniform(0, _longest_pause(failures)))

    async def _one_session(self) -> None:
        token = self._server.find_token()
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        address = self._server.find_address(self._turn)
        async with self._channel(address) as control, self._channel(address) as bulk:
            stub = AgentServiceStub(control)
            answer = await stub.Register(
                self._registration(), metadata=metadata, timeout=_REGISTER_TIMEOUT, wait_for_ready=False
            )
            self._accept(answer, address)
            session = Session(
                number=answer.session,
                heartbeat_interval=convert.seconds(answer.heartbeat_interval),
                metadata=metadata,
            )
            await run_session(self._agent, session, stub, AgentServiceStub(bulk))

    def _registration(self) -> wire.RegisterRequest:
        identity = self._identity
        return wire.RegisterRequest(
            agent=identity.name,
            instance=identity.instance,
            host=identity.host,
            pid=os.getpid(),
            version=__version__,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            capacities=[wire.SourceCapacity(source=name, runs=n) for name, n in identity.limits.items()],
            held=[convert.lease_to_wire(lease) for lease in self._agent.held()],
            # The state folder is locked and its name was ours before: whoever is alive under it is our own past.
            # Later on somebody else may have taken over, and two of us must not go on doing that in turns.
            take_over=not self._accepted and self._journal.was_registered,
            clock=convert.clock_to_wire(self._clock.now()),
        )

    def _accept(self, answer: wire.RegisterResponse, address: str) -> None:
        self._accepted = True
        self._journal.record_registration()
        self._agent.session_opened()
        if answer.store:  # else it is older than that
            self._agent.store_is(answer.store, answer.store_incarnation)
        self._agent.judged(convert.judgement_from_wire(verdict) for verdict in answer.verdicts)
        self.opened.set()
        _log.info("connected", server=answer.server or address, session=answer.session)

    def _channel(self, address: str) -> grpc.aio.Channel:
        if not self._server.is_encrypted:
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
        certificate, key = self._server.identity()
        credentials = grpc.ssl_channel_credentials(
            root_certificates=self._server.roots(), private_key=key, certificate_chain=certificate
        )
        return grpc.aio.secure_channel(address, credentials, options=_OPTIONS)


def _longest_pause(failures: int) -> float:
    """The pause is anything from nothing to this (full jitter), so that a fleet does not come back as one."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 16))
