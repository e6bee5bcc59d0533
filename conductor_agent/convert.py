"""Between the wire's messages, which the journal keeps too, and the agent's own data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from conductor_agent.model import (
    RESULT_LIMIT,
    Beat,
    Completion,
    Ending,
    Json,
    Judgement,
    Lease,
    Member,
    Outcome,
    Run,
    Verdict,
    Window,
)
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def lease_to_wire(lease: Lease) -> run_pb2.Lease:
    return run_pb2.Lease(run_id=lease.run_id, epoch=lease.epoch)


def lease_from_wire(message: run_pb2.Lease) -> Lease:
    return Lease(run_id=message.run_id, epoch=message.epoch)


def run_to_wire(run: Run) -> run_pb2.ClaimedRun:
    message = run_pb2.ClaimedRun(
        lease=lease_to_wire(run.lease),
        slot=run.slot,
        definition=run.definition,
        source=run.source,
        attempt=run.attempt,
        spec=_struct(run.spec),
        member=run_pb2.Member(
            matrix=run.member.matrix,
            token=run.member.token,
            account=run.member.account,
            timezone=run.member.timezone,
        ),
        window=run_pb2.Window(
            start=_timestamp(run.window.start), end=_timestamp(run.window.end), label=run.window.label
        ),
        checkpoint=run.checkpoint,
    )
    if run.timeout is not None:
        message.timeout.CopyFrom(_duration(run.timeout))
    return message


def run_from_wire(message: run_pb2.ClaimedRun) -> Run:
    member, window = message.member, message.window
    return Run(
        lease=lease_from_wire(message.lease),
        slot=message.slot,
        definition=message.definition,
        source=message.source,
        attempt=message.attempt,
        spec=_mapping(message.spec),
        member=Member(
            matrix=member.matrix, token=member.token, account=member.account, timezone=member.timezone
        ),
        window=Window(
            start=window.start.ToDatetime(tzinfo=dt.UTC),
            end=window.end.ToDatetime(tzinfo=dt.UTC),
            label=window.label,
        ),
        timeout=seconds(message.timeout) if message.HasField("timeout") else None,
        checkpoint=message.checkpoint,
    )


def faulty_run(message: run_pb2.ClaimedRun, error: Exception) -> Run:
    """What can be held and reported of a run that cannot be read: whose it is, and why nothing is started."""
    return Run(
        lease=lease_from_wire(message.lease),
        slot=message.slot,
        definition=message.definition,
        source=message.source,
        attempt=message.attempt,
        spec={},
        member=Member(),
        window=Window(start=_EPOCH, end=_EPOCH, label=""),
        fault=f"this agent cannot read the run: {type(error).__name__}: {error}",
    )


def judgement_from_wire(message: wire.RunVerdict) -> Judgement:
    """A verdict of a later protocol is read as CONTINUE, as the specification asks."""
    known = message.verdict in Verdict._value2member_map_
    verdict = Verdict(message.verdict) if known else Verdict.CONTINUE
    return Judgement(lease=lease_from_wire(message.lease), verdict=verdict, reason=message.reason)


def beat_to_wire(beat: Beat) -> wire.RunBeat:
    message = wire.RunBeat(lease=lease_to_wire(beat.lease), checkpoint=beat.checkpoint)
    if beat.progress is not None:
        message.progress.CopyFrom(
            run_pb2.Progress(fraction=beat.progress.fraction, message=beat.progress.message)
        )
    return message


def completion_to_wire(completion: Completion) -> wire.Completion:
    ending = completion.ending
    return wire.Completion(
        lease=lease_to_wire(completion.lease),
        completion_id=completion.completion_id,
        outcome=run_pb2.Outcome.ValueType(ending.outcome),
        exit_code=ending.exit_code,
        error=ending.error,
        result=_result(ending.result),
        checkpoint=ending.checkpoint,
        ran_for=_duration(ending.ran_for),
        slot=completion.slot,
    )


def _result(values: Mapping[str, Json]) -> Struct:
    """Numbers take more room here than as JSON, and a server refuses what is larger."""
    message = _struct(values)
    if (size := message.ByteSize()) <= RESULT_LIMIT:
        return message
    return _struct({"dropped": f"the result had {size} bytes: at most {RESULT_LIMIT} are kept"})


def completion_from_wire(message: wire.Completion) -> Completion:
    return Completion(
        lease=lease_from_wire(message.lease),
        completion_id=message.completion_id,
        ending=Ending(
            outcome=Outcome(message.outcome),
            exit_code=message.exit_code if message.HasField("exit_code") else None,
            error=message.error,
            result=_mapping(message.result),
            checkpoint=message.checkpoint,
            ran_for=seconds(message.ran_for),
        ),
        slot=message.slot,
    )


def seconds(message: Duration) -> float:
    return message.seconds + message.nanos / 1e9


def _duration(span: float) -> Duration:
    return Duration(seconds=int(span), nanos=round((span - int(span)) * 1e9) % 1_000_000_000)


def clock_to_wire(seconds: float) -> Timestamp:
    """Of seconds since the epoch."""
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def _timestamp(instant: dt.datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def _struct(values: Mapping[str, Json]) -> Struct:
    message = Struct()
    message.update(dict(values))
    return message


def _mapping(message: Struct) -> dict[str, Json]:
    """A Struct knows only doubles: whole numbers become integers again, or ``5`` would reach an argv as ``5.0``."""
    return {name: _whole(value) for name, value in MessageToDict(message).items()}


def _whole(value: Json) -> Json:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {name: _whole(item) for name, item in value.items()}
        case _:
            return value
