"""Between the agents' messages and the store's data. Messages stop here."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from conductor_server.model.definition import Json
from conductor_server.model.errors import InvalidRequestError
from conductor_server.model.states import Disposition, Outcome, RunStatus, Verdict
from conductor_server.store import agents, logs
from conductor_server.store.assignments import Assignment
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease

ERROR_CHARACTERS_MAX = 16 * 1024
RESULT_BYTES_MAX = 256 * 1024
CHECKPOINT_BYTES_MAX = 64 * 1024
CHUNK_BYTES_MAX = 256 * 1024
CAPACITY_MAX = 10_000
NAME_CHARACTERS_MAX = 200
PROGRESS_CHARACTERS_MAX = 1000

STREAMS = ("stdout", "stderr", "agent")


def registration(request: pb.RegisterRequest) -> agents.Registration:
    """Raises InvalidRequestError when a name is missing or a capacity makes no sense."""
    if not request.agent or len(request.agent) > 200:
        raise InvalidRequestError("an agent needs a name of 1 to 200 characters", field="agent")
    if not request.agent.isprintable():
        raise InvalidRequestError("an agent's name cannot have control characters", field="agent")
    for capacity in request.capacities:
        if not 0 < capacity.runs <= CAPACITY_MAX:
            raise InvalidRequestError(
                f"source {capacity.source}: {capacity.runs} runs at once is not between 1 and {CAPACITY_MAX}",
                field="capacities",
            )
    return agents.Registration(
        name=request.agent,
        instance=_text(request.instance, NAME_CHARACTERS_MAX),
        host=_text(request.host, NAME_CHARACTERS_MAX),
        pid=request.pid,
        version=_text(request.version, NAME_CHARACTERS_MAX),
        capacities={capacity.source: capacity.runs for capacity in request.capacities},
        clock=clock(request),
    )


def clock(request: pb.RegisterRequest | pb.HeartbeatRequest) -> dt.datetime | None:
    """What the agent's clock shows; ``None`` where it does not tell, or no calendar has it."""
    try:
        return request.clock.ToDatetime(tzinfo=dt.UTC) if request.HasField("clock") else None
    except (ValueError, OverflowError):
        return None


def lease(message: run_pb2.Lease) -> Lease:
    return Lease(run_id=message.run_id, epoch=message.epoch)


def free(request: pb.ClaimRunRequest) -> tuple[dict[str, int], int]:
    """The room for each source, and how many runs the stream has delivered."""
    return {entry.source: entry.runs for entry in request.free}, request.received


def claimed_run(run: Assignment, spec: struct_pb2.Struct) -> run_pb2.ClaimedRun:
    message = run_pb2.ClaimedRun(
        lease=run_pb2.Lease(run_id=run.lease.run_id, epoch=run.lease.epoch),
        slot=run.slot,
        definition=run.definition,
        source=run.source,
        attempt=run.attempt,
        spec=spec,
        member=run_pb2.Member(
            matrix=run.matrix, token=run.member, account=run.account, timezone=run.timezone
        ),
        window=_window(run.window_start, run.window_end, run.window_label),
        checkpoint=run.checkpoint or b"",
    )
    if run.timeout is not None:
        message.timeout.FromTimedelta(run.timeout)
    return message


@lru_cache(maxsize=1_000)
def _window(start: dt.datetime, end: dt.datetime, label: str) -> run_pb2.Window:
    """Thousands of runs share a window. Not to be changed: whoever sets it as a field copies it."""
    return run_pb2.Window(start=timestamp(start), end=timestamp(end), label=label)


def beats(request: pb.HeartbeatRequest) -> list[Beat]:
    return [
        Beat(
            lease=lease(beat.lease),
            progress=_progress(beat.progress) if beat.HasField("progress") else None,
            checkpoint=_checkpoint(beat.checkpoint) if beat.HasField("checkpoint") else None,
        )
        for beat in request.runs
    ]


def _progress(message: run_pb2.Progress) -> dict[str, Json]:
    known = message.HasField("fraction") and math.isfinite(message.fraction)
    return {
        "fraction": message.fraction if known else None,
        "message": _text(message.message, PROGRESS_CHARACTERS_MAX),
    }


def _checkpoint(data: bytes) -> bytes | None:
    """What is too large is left out, and the one before stays: the beginning of a checkpoint is none."""
    return data if len(data) <= CHECKPOINT_BYTES_MAX else None


def _text(text: str, characters_max: int) -> str:
    """PostgreSQL stores every character but NUL."""
    return text[:characters_max].replace("\x00", "\ufffd")


def heartbeat_response(verdicts: Mapping[Lease, tuple[Verdict, str]]) -> pb.HeartbeatResponse:
    """Only the runs that need something."""
    return pb.HeartbeatResponse(
        verdicts=[
            verdict(held, *answer) for held, answer in verdicts.items() if answer[0] is not Verdict.CONTINUE
        ]
    )


_VERDICTS = {
    Verdict.CONTINUE: pb.VERDICT_CONTINUE,
    Verdict.CANCEL: pb.VERDICT_CANCEL,
    Verdict.LEASE_LOST: pb.VERDICT_LEASE_LOST,
    Verdict.FORGET: pb.VERDICT_FORGET,
}


def verdict(held: Lease, wanted: Verdict, reason: str) -> pb.RunVerdict:
    return pb.RunVerdict(
        lease=run_pb2.Lease(run_id=held.run_id, epoch=held.epoch), verdict=_VERDICTS[wanted], reason=reason
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A report as it is recorded. ``fault`` says why the agent's own, of ``completion_id``, could not be."""

    report: Report
    completion_id: str
    fault: str = ""


def reports(request: pb.CompleteRequest, *, agent: str) -> list[Told]:
    """The reports, each as it can be recorded.

    One that makes no sense fails its run: left alone, the run would be released and executed again, for ever.
    """
    return [_told(message, agent=agent) for message in request.completions]


def _told(message: pb.Completion, *, agent: str) -> Told:
    if not (fault := _fault(message)):
        return Told(report=_report(message, agent=agent), completion_id=message.completion_id)
    failed = Report(
        agent=agent,
        lease=lease(message.lease),
        completion_id=f"refused-{message.lease.run_id}-{message.lease.epoch}",
        outcome=Outcome.FAILED,
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        error=f"the agent's report was refused: {fault}",
        result=None,
        checkpoint=None,
    )
    return Told(report=failed, completion_id=message.completion_id, fault=fault)


def _fault(message: pb.Completion) -> str:
    if not message.completion_id.isprintable() or not 0 < len(message.completion_id) <= NAME_CHARACTERS_MAX:
        return f"a completion needs an id of 1 to {NAME_CHARACTERS_MAX} characters without control characters"
    if message.outcome not in _OUTCOMES:
        return f"outcome {message.outcome} is unknown to this server"
    if message.HasField("result") and message.result.ByteSize() > RESULT_BYTES_MAX:
        return f"a result of {message.result.ByteSize()} bytes is over the limit of {RESULT_BYTES_MAX}"
    return ""


_OUTCOMES = frozenset(run_pb2.Outcome.values()) - {run_pb2.OUTCOME_UNSPECIFIED}


def _report(message: pb.Completion, *, agent: str) -> Report:
    return Report(
        agent=agent,
        lease=lease(message.lease),
        completion_id=message.completion_id,
        outcome=Outcome(message.outcome),
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        error=_text(message.error, ERROR_CHARACTERS_MAX),
        result=_mapping(message.result) if message.HasField("result") else None,
        checkpoint=_checkpoint(message.checkpoint) or None,
        slot=_text(message.slot, NAME_CHARACTERS_MAX),
    )


def _mapping(message: struct_pb2.Struct) -> dict[str, Json]:
    return {_text(name, RESULT_BYTES_MAX): _json(value) for name, value in message.fields.items()}


def _json(value: struct_pb2.Value) -> Json:
    """Not protobuf's own conversion: it refuses NaN and infinity, which a model may well report.

    They become text, as JSON has no numbers for them.
    """
    match value.WhichOneof("kind"):
        case "number_value" if not math.isfinite(value.number_value):
            return str(value.number_value)
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return _text(value.string_value, RESULT_BYTES_MAX)
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _mapping(value.struct_value)
        case "list_value":
            return [_json(each) for each in value.list_value.values]
        case _:
            return None


_DISPOSITIONS = {
    Disposition.APPLIED: pb.DISPOSITION_APPLIED,
    Disposition.DUPLICATE: pb.DISPOSITION_DUPLICATE,
    Disposition.LATE: pb.DISPOSITION_LATE,
    Disposition.FENCED: pb.DISPOSITION_FENCED,
    Disposition.REMOVED: pb.DISPOSITION_REMOVED,
}

RUN_STATUS = {
    RunStatus.WAITING: run_pb2.RUN_STATUS_WAITING,
    RunStatus.RUNNING: run_pb2.RUN_STATUS_RUNNING,
    RunStatus.TIMEOUT: run_pb2.RUN_STATUS_TIMEOUT,
    RunStatus.FAILED: run_pb2.RUN_STATUS_FAILED,
    RunStatus.SUCCESS: run_pb2.RUN_STATUS_SUCCESS,
    RunStatus.CANCELLED: run_pb2.RUN_STATUS_CANCELLED,
    RunStatus.RELEASED: run_pb2.RUN_STATUS_RELEASED,
}


def acks(told: Sequence[Told], recorded: Sequence[Recorded]) -> list[pb.CompletionAck]:
    return [
        pb.CompletionAck(
            completion_id=each.completion_id,
            disposition=pb.DISPOSITION_REFUSED if each.fault else _DISPOSITIONS[answer.disposition],
            status=RUN_STATUS[answer.status] if answer.status is not None else run_pb2.RUN_STATUS_UNSPECIFIED,
            reason=each.fault or answer.reason,
        )
        for each, answer in zip(told, recorded, strict=True)
    ]


def chunk(request: pb.PushLogsRequest) -> logs.Chunk:
    """Raises InvalidRequestError for a stream that we do not know, or too large a piece."""
    if request.stream not in STREAMS:
        raise InvalidRequestError(
            f"there is no stream {request.stream!r}: use {', '.join(STREAMS)}", field="stream"
        )
    if request.offset < 0:
        raise InvalidRequestError(f"an offset of {request.offset} makes no sense", field="offset")
    if len(request.data) > CHUNK_BYTES_MAX:
        raise InvalidRequestError(
            f"a piece of {len(request.data)} bytes is over the limit of {CHUNK_BYTES_MAX}", field="data"
        )
    return logs.Chunk(
        run_id=request.lease.run_id,
        stream=request.stream,
        offset=request.offset,
        data=request.data,
        eof=request.eof,
    )


def struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(value)
    return message


def timestamp(value: dt.datetime) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(value)
    return message


def duration(value: dt.timedelta) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromTimedelta(value)
    return message
