"""Runs and agents as messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from conductor_server.model.definition import Json
from conductor_server.model.errors import InvalidRequestError
from conductor_server.model.states import RunStatus
from conductor_server.rpc import convert
from conductor_server.store.agents import StoredAgent
from conductor_server.store.run_pages import ShownRun

STATUSES: Mapping[RunStatus, run_pb2.RunStatus.ValueType] = {
    status: run_pb2.RunStatus.Value(f"RUN_STATUS_{status.name}") for status in RunStatus
}
_STATUS_OF = {number: status for status, number in STATUSES.items()}


def status(number: run_pb2.RunStatus.ValueType) -> RunStatus:
    """Raises InvalidRequestError for one that this server does not know."""
    try:
        return _STATUS_OF[number]
    except KeyError:
        raise InvalidRequestError(f"the run status {number} is unknown", field="statuses") from None


def key(token: str) -> int | None:
    parts = convert.page_key(token, int)
    return None if parts is None else parts[0]


def token(following: int | None) -> str:
    return convert.page_token(None if following is None else [following])


def run(shown: ShownRun) -> pb.Run:
    return pb.Run(
        id=shown.id,
        slot=shown.slot,
        definition=shown.definition,
        source=shown.source,
        attempt=shown.attempt,
        status=STATUSES[shown.status],
        created_by=shown.created_by.word,
        agent=shown.agent,
        epoch=shown.epoch,
        waiting_at=convert.timestamp(shown.waiting_at),
        running_at=convert.timestamp(shown.running_at),
        heartbeat_at=convert.timestamp(shown.heartbeat_at),
        ended_at=convert.timestamp(shown.ended_at),
        cancel_requested_at=convert.timestamp(shown.cancel_requested_at),
        exit_code=shown.exit_code,
        error=shown.error,
        result=convert.struct(shown.result),
        progress=_progress(shown.progress),
        late_reports=shown.late_reports,
    )


def _progress(value: Mapping[str, Json] | None) -> run_pb2.Progress | None:
    if value is None:
        return None
    fraction, message = value.get("fraction"), value.get("message")
    return run_pb2.Progress(
        fraction=fraction if isinstance(fraction, int | float) else None,
        message=message if isinstance(message, str) else "",
    )


def agent(stored: StoredAgent, *, alive_since: dt.datetime) -> pb.Agent:
    told = stored.registration
    sources = sorted({*told.capacities, *stored.running})
    return pb.Agent(
        name=told.name,
        host=told.host,
        pid=told.pid,
        version=told.version,
        sources=[
            pb.SourceLoad(
                source=source, capacity=told.capacities.get(source, 0), running=stored.running.get(source, 0)
            )
            for source in sources
        ],
        alive=stored.heartbeat_at > alive_since,
        registered_at=convert.timestamp(stored.registered_at),
        heartbeat_at=convert.timestamp(stored.heartbeat_at),
        clock_skew=convert.duration(stored.clock_skew),
    )
