"""The orchestrator's side of the Dagster Pipes protocol: a context file for the command, a file of messages back.

Spoken with the standard library alone, so that a command written with ``dagster-pipes`` in any language runs as it is.
The protocol is version 0.1; both environment variables hold base64(zlib(JSON)).
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conductor_agent.model import CHECKPOINT_LIMIT, RESULT_LIMIT, Json, Progress, Run
from conductor_agent.placeholders import instant

PROTOCOL_VERSION = "0.1"
_VERSION_FIELD = "__dagster_pipes_version"
_MESSAGES_KEPT = 100
_EXACT_INTEGER = 2**53  # beyond it a double, which is all the wire has, loses digits


def context_of(run: Run) -> dict[str, Json]:
    """What the command is told: the definition as its asset, the window as its partition, the rest as extras."""
    label = run.window.label
    window: dict[str, Json] = {"start": instant(run.window.start), "end": instant(run.window.end)}
    return {
        "asset_keys": [run.definition],
        "code_version_by_asset_key": {run.definition: None},
        "provenance_by_asset_key": {run.definition: None},
        "partition_key": label,
        "partition_key_range": {"start": label, "end": label},
        "partition_time_window": window,
        "run_id": str(run.lease.run_id),
        "job_name": run.definition,
        "retry_number": run.attempt - 1,
        "extras": {
            "slot": run.slot,
            "source": run.source,
            "attempt": run.attempt,
            "epoch": run.lease.epoch,
            "account": run.member.account,
            "member": {"matrix": run.member.matrix, "token": run.member.token},
            "timezone": run.member.timezone,
            "window": {**window, "label": label},
            "checkpoint": _checkpoint_to_json(run.checkpoint),
        },
    }


def environment(context: Path, messages: Path) -> dict[str, str]:
    """The two variables by which ``dagster_pipes`` finds the files."""
    return {
        "DAGSTER_PIPES_CONTEXT": _parameter({"path": str(context)}),
        "DAGSTER_PIPES_MESSAGES": _parameter({"path": str(messages)}),
    }


def custom_message(payload: Json) -> str:
    """The line by which our own child programs report, as ``report_custom_message`` would."""
    return json.dumps(
        {_VERSION_FIELD: PROTOCOL_VERSION, "method": "report_custom_message", "params": {"payload": payload}}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a command has told so far."""

    progress: Progress | None = None
    checkpoint: bytes | None = None
    result: Mapping[str, Json] = field(default_factory=dict)
    error: str = ""


def fold(told: Told, message: Mapping[str, Any]) -> tuple[Told, str]:
    """What is known after one more message, and a line for the log (empty for none).

    A message that is not understood changes nothing: a command must not fail for what it says.
    """
    params = _mapping(message.get("params"))
    match message.get("method"):
        case "log":
            return told, f"{params.get('level', 'INFO')} {params.get('message', '')}"
        case "log_external_stream":
            return told, str(params.get("text", "")).rstrip("\n")
        case "report_asset_materialization":
            return _with_materialization(told, params), ""
        case "report_asset_check":
            return _with_check(told, params), ""
        case "report_custom_message":
            return _with_custom(told, params.get("payload"))
        case "closed" if params.get("exception"):
            return replace(told, error=_exception(_mapping(params["exception"]))), ""
        case _:
            return told, ""


def _with_custom(told: Told, payload: Any) -> tuple[Told, str]:
    """``progress``, ``checkpoint`` and ``result`` have a meaning; any other payload is kept as it is."""
    if not isinstance(payload, dict) or not payload.keys() & {"progress", "checkpoint", "result"}:
        kept = told.result.get("messages")
        messages = [*(kept if isinstance(kept, list) else []), plain(payload)][-_MESSAGES_KEPT:]
        return _with_result(told, {"messages": messages}), ""
    note = ""
    if "progress" in payload:
        told = replace(told, progress=_progress(payload))
    if "checkpoint" in payload:
        checkpoint = checkpoint_to_bytes(payload["checkpoint"])
        if len(checkpoint) > CHECKPOINT_LIMIT:
            note = f"a checkpoint of {len(checkpoint)} bytes was dropped: at most {CHECKPOINT_LIMIT} are kept"
        else:
            told = replace(told, checkpoint=checkpoint)
    if isinstance(payload.get("result"), dict):
        told = _with_result(told, payload["result"])
    return told, note


def _with_materialization(told: Told, params: Mapping[str, Any]) -> Told:
    values = _metadata(params.get("metadata"))
    if params.get("data_version"):
        values["data_version"] = str(params["data_version"])
    key = str(params.get("asset_key"))
    return _with_result(told, {"assets": {**_part(told.result, "assets"), key: values}})


def _with_check(told: Told, params: Mapping[str, Any]) -> Told:
    check: dict[str, Json] = {
        "passed": bool(params.get("passed")),
        "severity": str(params.get("severity")),
        **_metadata(params.get("metadata")),
    }
    name = str(params.get("check_name"))
    return _with_result(told, {"checks": {**_part(told.result, "checks"), name: check}})


def _with_result(told: Told, values: Mapping[str, Any]) -> Told:
    result = {**told.result, **{str(name): plain(value) for name, value in values.items()}}
    size = len(json.dumps(result))
    if size > RESULT_LIMIT:
        result = {"dropped": f"the result had {size} bytes: at most {RESULT_LIMIT} are kept"}
    return replace(told, result=result)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _part(result: Mapping[str, Json], name: str) -> dict[str, Json]:
    part = result.get(name)
    return part if isinstance(part, dict) else {}


def _metadata(metadata: Any) -> dict[str, Json]:
    """Raw values only: the types of Dagster's metadata say how to draw them, which is not ours to do."""
    return {
        str(name): plain(
            value.get("raw_value") if isinstance(value, dict) and "raw_value" in value else value
        )
        for name, value in _mapping(metadata).items()
    }


def _progress(payload: Mapping[str, Any]) -> Progress:
    fraction = payload["progress"]
    number = isinstance(fraction, int | float) and math.isfinite(fraction)
    return Progress(
        fraction=min(1.0, max(0.0, float(fraction))) if number else None,
        message=str(payload.get("message", "")),
    )


def _exception(exception: Mapping[str, Any]) -> str:
    name, message = str(exception.get("name") or "error"), str(exception.get("message", "")).strip()
    head = message if message.startswith(f"{name}:") else f"{name}: {message}"  # Python's has its name in it
    return "\n".join([head, *(str(line).rstrip("\n") for line in exception.get("stack") or ())])


def plain(value: Any) -> Json:
    """A value that survives JSON and doubles: what does not fit a number becomes text."""
    match value:
        case bool() | None | str():
            return value
        case int():
            return value if abs(value) <= _EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return str(value)


def checkpoint_to_bytes(value: Any) -> bytes:
    """A checkpoint is JSON on the way back; text is kept as it is."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _checkpoint_to_json(checkpoint: bytes) -> Json:
    """The inverse: JSON where it is JSON, else text, else base64; ``None`` for none."""
    if not checkpoint:
        return None
    try:
        text = checkpoint.decode()
    except UnicodeDecodeError:
        return base64.b64encode(checkpoint).decode()
    try:
        return plain(json.loads(text))
    except ValueError:
        return text


def _parameter(value: Mapping[str, str]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


class MessageReader:
    """Follows one run's file of messages, and holds what was told.

    How far its lines have gone into the run's log is kept beside the file: an agent that adopts the run reads all
    messages again, and must not write their lines twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._noted_path = path.with_name(path.name + ".noted")
        self._noted = int(self._noted_path.read_text()) if self._noted_path.exists() else 0
        self.told = Told()

    def read(self) -> list[str]:
        """Takes in the messages written since the last time; a line that is not finished waits. The log's lines."""
        notes = []
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offset += len(line)
                    self.told, note = fold(self.told, _parse(line))
                    if note and self._offset > self._noted:
                        notes.append(note)
        except FileNotFoundError:
            pass
        return notes

    def noted(self) -> None:
        """The lines of the last ``read`` are in the log."""
        if self._offset > self._noted:
            self._noted = self._offset
            self._noted_path.write_text(str(self._noted))


def _parse(line: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) and _VERSION_FIELD in message else {}
